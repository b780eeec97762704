"""Fleet cases: T7, T13, T14 and T20 to T24, servers that take turns, sleep, hang and break.

The numbers of each scenario are written here again, on purpose.
"""

from __future__ import annotations

import math

import numpy as np

from tests.laws import theory, theory_fleets
from tests.laws.theory_case import Case
from tests.laws.theory_client_figures import arrivals_of, wait_of
from tests.laws.theory_clients import priority_waits_s
from tests.laws.theory_engine_cases import MEAN_TOKENS, STEP_S
from tests.laws.theory_figures import (
    answers,
    arrivals,
    plain_wait,
    sojourn,
    wait,
    waiting_share,
)
from tests.laws.theory_fleet_figures import (
    SAMPLED_EVERY_S,
    dispersion,
    in_service,
    off,
    ready,
    ready_at_least,
    tokens_per_usd,
    usd_per_hour,
)

SERVICE_S = MEAN_TOKENS * STEP_S
"""1 s, of all answers here but those of T24."""

EXPONENTIAL = (SERVICE_S, 2 * SERVICE_S**2)
CONSTANT = (SERVICE_S, SERVICE_S**2)
"""Their E[S] and E[S²]; that exponential ones are rounded up to whole tokens is 5 parts in a
million."""

# -- T7 --------------------------------------------------------------------------------------------


def round_robin() -> Case:
    """T7: gaps at each of three nodes are the sums of three; and what their tokens cost (T14)."""
    nodes, rate = 3, 1.5
    sigma = theory_fleets.gamma_busy_share(rate / nodes, nodes, SERVICE_S)
    faster_s = SERVICE_S / nodes
    mean_tokens = -1 / math.expm1(-1 / MEAN_TOKENS)  # rounded up
    return Case(
        "T7",
        "E3/M/1",
        "round-robin.yaml",
        (
            wait(theory_fleets.gi_m_1_wait_s(sigma, SERVICE_S), STEP_S),
            waiting_share(sigma, STEP_S),
            tokens_per_usd(rate * 3600 * (1 + mean_tokens) / (nodes * 1.0)),
        ),
        (arrivals(rate), answers(mean_tokens)),
        (plain_wait(theory.pk_wait_s(rate, faster_s, 2 * faster_s**2), STEP_S / nodes),),
    )


def gamma_arrivals() -> Case:
    """T7 again: arrivals of one's own, burstier than Poisson's."""
    rate, shape = 0.5, 0.5
    sigma = theory_fleets.gamma_busy_share(rate, shape, SERVICE_S)
    wait_s = theory_fleets.gi_m_1_wait_s(sigma, SERVICE_S)
    return Case(
        "T7",
        "GI/M/1, gamma gaps",
        "gamma-arrivals.yaml",
        (sojourn(wait_s + SERVICE_S), waiting_share(sigma, STEP_S)),
        (arrivals(rate), answers(MEAN_TOKENS)),
    )


# -- T13, T14 --------------------------------------------------------------------------------------


def cold_start(
    queue: str, file: str, rate: float, moments: tuple[float, float], start: tuple[float, float]
) -> Case:
    """T13: a server that is off when idle; T14: rented only when it is not.

    Leases are billed in units of 10 microseconds, so that rounding them up costs nothing.
    """
    off_share = theory_fleets.off_share(rate, SERVICE_S, start[0])
    random = moments == EXPONENTIAL
    return Case(
        "T13",
        queue,
        file,
        (
            wait(theory_fleets.cold_start_wait_s(rate, moments, start), STEP_S),
            off(off_share),
            usd_per_hour(10.0 * (1 - off_share)),
        ),
        (arrivals(rate), answers(MEAN_TOKENS)) if random else (arrivals(rate),),
        (plain_wait(theory.pk_wait_s(rate, *moments), STEP_S),),
    )


# -- T20 -------------------------------------------------------------------------------------------


def stalls() -> Case:
    """T20: services interrupted every 2 s of work, for 0.25 s on average, and resumed.

    The fleet may begin one up to 50 ms of work late. Those due later are not put off by that, so
    that it moves a hang to the next answer at times, but makes none rarer or shorter.
    """
    rate = 0.4
    longer = theory_fleets.hanging_moments(CONSTANT, 1 / 2, (0.25, 2 * 0.25**2))
    return Case(
        "T20",
        "M/D/1, hanging",
        "stalls.yaml",
        (wait(theory.pk_wait_s(rate, *longer), STEP_S),),
        (arrivals(rate),),
        (plain_wait(theory.pk_wait_s(rate, *CONSTANT), STEP_S),),
    )


# -- T21, T22 --------------------------------------------------------------------------------------


def repair() -> Case:
    """T21: a crew for each node, so that nodes are independent."""
    share = theory_fleets.availability(600.0, 150.0)
    up = theory_fleets.up_of(4, share)
    figures = ready(share), ready_at_least(4, up[4]), ready_at_least(3, up[3] + up[4])
    return Case("T21", "4 nodes, 4 crews", "repair.yaml", figures)


def repair_crew() -> Case:
    """T21 again: broken nodes wait for the one crew."""
    broken = theory_fleets.repaired(4, 600.0, 60.0, 1)
    share = 1 - float(np.dot(np.arange(5), broken)) / 4
    figures = ready(share), ready_at_least(4, broken[0]), ready_at_least(3, broken[0] + broken[1])
    return Case("T21", "4 nodes, 1 crew", "repair-crew.yaml", figures)


def zones() -> Case:
    """T22: k of 3 zones."""
    share = theory_fleets.availability(600.0, 120.0)
    up = theory_fleets.up_of(3, share)
    figures = ready(share), ready_at_least(3, up[3]), ready_at_least(2, up[2] + up[3])
    return Case("T22", "k of 3 zones", "zones.yaml", figures)


# -- T23 -------------------------------------------------------------------------------------------


def priority() -> Case:
    """T23: short answers that go first, and long ones."""
    rate, short_s = 0.4, SERVICE_S / 2
    classes = [(rate, short_s, short_s**2), (rate, *CONSTANT)]
    urgent_s, patient_s = priority_waits_s(classes)
    mean, square = ((a + b) / 2 for a, b in zip(classes[0][1:], CONSTANT, strict=True))
    return Case(
        "T23",
        "M/G/1, priorities",
        "priority.yaml",
        (wait_of("urgent", urgent_s, STEP_S), wait_of("patient", patient_s, STEP_S)),
        (arrivals_of("urgent", rate), arrivals_of("patient", rate)),
        (plain_wait(theory.pk_wait_s(2 * rate, mean, square), STEP_S),),
    )


# -- T24 -------------------------------------------------------------------------------------------


def diurnal() -> Case:
    """T24: a rate like a sine from 00:00 on, behind which the number in service lags."""
    service_s, per_hour = 100_000 * 0.024, 9.0
    curve = [1 + round(0.8 * math.sin(2 * math.pi * (h + 0.5) / 24), 3) for h in range(24)]
    mean = theory_fleets.day_in_service([per_hour * factor for factor in curve], service_s)
    return Case(
        "T24",
        "Mt/M/∞ over a day",
        "diurnal.yaml",
        (
            in_service("mean in service", mean, 0, 24),
            in_service("from 00:00 to 12:00", mean, 0, 12),
            in_service("from 06:00 to 18:00", mean, 6, 18),
            dispersion(mean),
        ),
        (arrivals(per_hour / 3600),),
        sample_every_s=SAMPLED_EVERY_S,
        cut=True,
    )


def fleet_cases() -> tuple[Case, ...]:
    """In the order of their seeds."""
    return (
        round_robin(),
        gamma_arrivals(),
        cold_start("M/M/1, cold starts", "cold-start.yaml", 0.4, EXPONENTIAL, (2.0, 4.0)),
        cold_start("M/D/1, cold starts", "cold-start-exponential.yaml", 0.6, CONSTANT, (1.0, 2.0)),
        stalls(),
        repair(),
        repair_crew(),
        zones(),
        priority(),
        diurnal(),
    )
