"""Clients: closed forms of queues whose customers leave, come again, or go first; knows no clock.

Notation as in `theory`: Poisson arrivals with `rate` per second, service of S seconds, load rho.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from tests.laws.theory_fleets import birth_death

# -- patience --------------------------------------------------------------------------------------


def deadline_loss(rate: float, service_s: float, patience_s: float) -> float:
    """Share that leaves M/M/1 because service has not begun within *patience_s* (M/M/1+D).

    (1-ρ) ρ e / (1 - ρ² e), e = exp(-(1-ρ) patience/E[S]): Barrer, Operations Research 5 (1957).

    >>> round(deadline_loss(0.5, 1.0, 0.0), 9)  # no patience: Erlang's loss with one server
    0.333333333
    """
    load = rate * service_s
    e = math.exp(-(1 - load) * patience_s / service_s)
    return (1 - load) * load * e / (1 - load**2 * e)


class Impatient(NamedTuple):
    """M/M/c+M (Erlang A): share of time idle, share that leaves, mean time in the queue of all."""

    idle: float
    lost: float
    queued_s: float


def erlang_a(
    rate: float, service_s: float, servers: int, patience_s: float, most: int = 400
) -> Impatient:
    """M/M/c whose waiting customers leave after an exponential time: Palm (1957).

    Deaths from n come at min(n, c)/E[S] + (n - c)⁺/patience.

    >>> round(erlang_a(0.5, 1.0, 1, 1.0).idle, 6)  # as M/M/infinity: exp(-0.5)
    0.606531
    """
    there = np.arange(1, most + 1)
    waiting = np.maximum(there - servers, 0)
    deaths = np.minimum(there, servers) / service_s + waiting / patience_s
    states = birth_death([rate] * most, deaths.tolist())
    queue = float(np.dot(waiting, states[1:]))
    return Impatient(float(states[0]), queue / patience_s / rate, queue / rate)


# -- coming again ----------------------------------------------------------------------------------


def mean_orbit(rate: float, service_s: float, retries_per_s: float) -> float:
    """Mean customers who have found M/M/1 without a queue busy, and will come again.

    ρ (rate + ρ θ) / ((1-ρ) θ), each of them coming θ times a second (Falin and Templeton 1997,
    section 1.2).

    >>> round(mean_orbit(0.5, 1.0, 1e9), 6)  # who comes at once waits as in M/M/1
    0.5
    """
    load = rate * service_s
    return load * (rate + load * retries_per_s) / ((1 - load) * retries_per_s)


def mean_tries(failing: float, retries: int) -> float:
    """Attempts at a request of which each fails with chance *failing*, with so many retries.

    >>> mean_tries(0.5, 2)
    1.75
    """
    return math.fsum(failing**n for n in range(retries + 1))


def restarted(service_s: float, crashes_per_s: float) -> tuple[float, float]:
    """Attempts, and seconds of work in all, until *service_s* in a row go without a crash.

    e^(ξS), and (e^(ξS) - 1)/ξ: Fiorini, Lipsky et al. (2005); with random S the means over S,
    which are infinite for exponential S and ξ E[S] >= 1.

    >>> attempts, seconds = restarted(1.0, 1e-9)
    >>> round(attempts, 6), round(seconds, 6)
    (1.0, 1.0)
    """
    attempts = math.exp(crashes_per_s * service_s)
    return attempts, math.expm1(crashes_per_s * service_s) / crashes_per_s


# -- precedence ------------------------------------------------------------------------------------


def priority_waits_s(classes: Sequence[tuple[float, float, float]]) -> list[float]:
    """Mean waits in M/G/1 with non-preemptive priorities, the most urgent class first.

    *classes* are (rate, E[S], E[S²]); W_k = W_0 / ((1 - σ_(k-1)) (1 - σ_k)), σ_k the load of the
    first k classes: Cobham, Operations Research 2 (1954).

    >>> priority_waits_s([(0.5, 1.0, 2.0)])
    [1.0]
    """
    residual_s = math.fsum(rate * square_s2 for rate, _, square_s2 in classes) / 2
    free = [1.0]  # what the classes so far leave
    for rate, mean_s, _ in classes:
        free.append(free[-1] - rate * mean_s)
    return [residual_s / (more * less) for more, less in pairwise(free)]
