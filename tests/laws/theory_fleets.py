"""Fleets: closed forms of queues whose servers come, go, hang and break; knows no clock.

Notation as in `theory`: arrivals with `rate` per second, service of S seconds, load rho.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np
from scipy.optimize import brentq

from tests.laws.theory import pk_wait_s

OfTime = Callable[[np.ndarray], np.ndarray]
"""A function of times (s), many at once."""

HOURS = 24
HOUR_S = 3600.0
DAY_S = HOURS * HOUR_S

# -- arrivals that are not Poisson -----------------------------------------------------------------


def gamma_busy_share(rate: float, shape: float, service_s: float) -> float:
    """Share of arrivals that wait in GI/M/1 with gamma gaps: the root of σ = A*((1-σ)/E[S]).

    A* is the gaps' Laplace transform, (1 + s/(shape · rate))^-shape. With c nodes taking turns at a
    Poisson process, the gaps at each are gamma of shape c. Kleinrock section 6.4.

    >>> round(gamma_busy_share(0.6, 1.0, 1.0), 9)  # Poisson: rho
    0.6
    """

    def excess(sigma: float) -> float:
        return (1 + (1 - sigma) / (service_s * shape * rate)) ** -shape - sigma

    return float(brentq(excess, 0.0, 1 - 1e-9, xtol=1e-14))


def gi_m_1_wait_s(busy_share: float, service_s: float) -> float:
    """Mean wait in GI/M/1: S σ / (1-σ). Kleinrock section 6.4."""
    return service_s * busy_share / (1 - busy_share)


# -- servers that are not always there -------------------------------------------------------------


def cold_start_wait_s(
    rate: float, service: tuple[float, float], start: tuple[float, float]
) -> float:
    """Mean wait in M/G/1 whose server is off when idle, and starts for D seconds when needed.

    *service* and *start* are (E[X], E[X²]). Pollaczek-Khinchine plus
    (2 E[D] + rate E[D²]) / (2 (1 + rate E[D])): Welch, Operations Research 12 (1964).
    """
    mean_s, square_s2 = start
    late_s = (2 * mean_s + rate * square_s2) / (2 * (1 + rate * mean_s))
    return pk_wait_s(rate, *service) + late_s


def off_share(rate: float, service_s: float, start_s: float) -> float:
    """Share of time in which that server is off: of a cycle of 1/rate off, D, and the work.

    >>> off_share(0.5, 1.0, 0.0)
    0.5
    """
    return (1 - rate * service_s) / (1 + rate * start_s)


def hanging_moments(
    service: tuple[float, float], hangs_per_s: float, hang: tuple[float, float]
) -> tuple[float, float]:
    """E[C] and E[C²] of a service that hangs at random while it works, and then goes on.

    *service* and *hang* are (E[X], E[X²]). Avi-Itzhak and Naor, Operations Research 11 (1963).
    """
    mean_s, square_s2 = service
    hang_s, hang_s2 = hang
    longer = 1 + hangs_per_s * hang_s
    return mean_s * longer, square_s2 * longer**2 + hangs_per_s * mean_s * hang_s2


# -- what is up ------------------------------------------------------------------------------------


def birth_death(ups: Sequence[float], downs: Sequence[float]) -> np.ndarray:
    """Shares of time of states 0 to n; ups[i] is the rate from i to i + 1, downs[i] that back.

    >>> birth_death([1.0, 1.0], [1.0, 2.0]).tolist()
    [0.4, 0.4, 0.2]
    """
    logs = np.cumsum([0.0, *np.log(np.array(ups) / np.array(downs))])
    weights = np.exp(logs - logs.max())
    return np.asarray(weights / weights.sum())


def availability(up_s: float, down_s: float) -> float:
    """Share of time up, with mean times up and down of any law (renewal reward)."""
    return up_s / (up_s + down_s)


def up_of(machines: int, share: float) -> np.ndarray:
    """Chance of 0 to n of *machines* up, independent, each with *share*: binomial.

    >>> up_of(2, 0.5).tolist()
    [0.25, 0.5, 0.25]
    """
    n = machines
    return np.array([math.comb(n, j) * share**j * (1 - share) ** (n - j) for j in range(n + 1)])


def repaired(machines: int, life_s: float, repair_s: float, crews: int) -> np.ndarray:
    """Shares of time with 0 to n machines broken, repaired by *crews* (finite source, M/M/R//N)."""
    fails = [(machines - broken) / life_s for broken in range(machines)]
    mends = [min(broken, crews) / repair_s for broken in range(1, machines + 1)]
    return birth_death(fails, mends)


# -- a day -----------------------------------------------------------------------------------------


def day_in_service(per_hour: Sequence[float], service_s: float) -> OfTime:
    """Mean requests in M_t/M/infinity whose rate is constant in each hour of a day, by time (s).

    m' = rate - m/E[S]; N(t) is Poisson. Eick, Massey and Whitt, Management Science 39 (1993).
    """
    level = np.array(per_hour) / HOUR_S * service_s  # to which each hour tends
    fade = math.exp(-HOUR_S / service_s)
    # m at 00:00 is what 24 hours make of itself
    last = 0.0
    for hour in level:
        last = last * fade + hour * (1 - fade)
    begins = [last / (1 - fade**HOURS)]
    for hour in level[:-1]:
        begins.append(begins[-1] * fade + hour * (1 - fade))
    begin = np.array(begins)

    def mean(at_s: np.ndarray) -> np.ndarray:
        rest_s = np.asarray(at_s) % DAY_S
        hour = (rest_s // HOUR_S).astype(int)
        faded = np.exp(-(rest_s - hour * HOUR_S) / service_s)
        return np.asarray(begin[hour] * faded + level[hour] * (1 - faded))

    return mean
