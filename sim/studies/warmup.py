"""Warm-up: whether what was measured still shows how the run began; knows no clock.

Only a stationary scenario has a state to settle in. A day has none: its warm-up runs on the same
calendar, and whole days are measured.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from sim.scenario.arrivals import ClosedArrivals, PoissonArrivals, VaryingArrivals
from sim.scenario.document import Scenario
from sim.scenario.notice import Notice
from sim.units import format_duration

BATCH = 5
LEAST_BATCHES = 20
"""Batches below which there is nothing to tell."""

SURE = 4.0
"""Standard errors by which a beginning must differ from the rest. It is chosen because it differs
most: 2 cried wolf in 14 % of stationary AR(1) series and in 18 % of M/M/1 queues at load 0.8, 4 in
2 % and 5 %, and still saw 92 % of what began empty (500 samples, correlated over two)."""

MATTERS = 0.05
"""Relative difference of a beginning from the rest that is worth a word."""


@dataclass(frozen=True)
class Beginning:
    """The part of a series that is unlike the rest: its length in samples, and both means."""

    samples: int
    mean: float
    rest: float


def mser5(series: Sequence[float]) -> int | None:
    """How many samples to leave out at the beginning, by MSER-5; None if it cannot be told.

    Batches of 5; of all cuts d the one with the least (sum over i > d of (Y_i - mean)^2) /
    (n - d)^2; none can be told from under 20 batches, or if the best lies in the second half
    (White 1997; Hoad, Robinson and Davies 2011). O(n).

    >>> mser5([100.0] * 10 + [1.0, 2.0] * 100)
    10
    """
    n = len(series) // BATCH
    if n < LEAST_BATCHES:
        return None
    batches = np.asarray(series[: n * BATCH], dtype=float).reshape(n, BATCH).mean(axis=1)
    left = np.arange(n, 0, -1)
    sums, squares = (np.cumsum(v[::-1])[::-1] for v in (batches, batches**2))
    spread = np.maximum(0.0, squares - sums**2 / left) / left**2
    cut = int(np.argmin(spread[: n - BATCH]))  # the last few are alike by chance
    return None if cut > n // 2 else cut * BATCH


def beginning(series: Sequence[float]) -> Beginning | None:
    """The beginning that MSER-5 would leave out, if it differs surely and by much from the rest.

    The standard error is that of stretches of the rest that are as long as the beginning.
    """
    cut = mser5(series)
    if not cut:
        return None
    head, rest = np.asarray(series[:cut], dtype=float), np.asarray(series[cut:], dtype=float)
    stretches = len(rest) // cut
    parts = rest[: stretches * cut].reshape(stretches, cut).mean(axis=1)
    if len(parts) < 3:  # so long a beginning leaves too little to compare it with
        return None
    error = float(parts.std(ddof=1)) * math.sqrt(1.0 + 1.0 / len(parts))
    difference = abs(float(head.mean()) - float(rest.mean()))
    if difference <= max(SURE * error, MATTERS * abs(float(rest.mean()))):
        return None
    return Beginning(cut, float(head.mean()), float(rest.mean()))


def is_stationary(scenario: Scenario) -> bool:
    """Whether nothing in *scenario* depends on the time of day, and fleets are fixed."""
    arrivals = [route.arrivals for route in scenario.routes.values()]
    return all(map(_is_steady, arrivals)) and all(p.is_fixed for p in scenario.pools.values())


def _is_steady(arrivals: object) -> bool:
    if isinstance(arrivals, PoissonArrivals):
        return arrivals.count is None
    if isinstance(arrivals, VaryingArrivals):
        plain = arrivals.day_curve is None and not arrivals.events
        return plain and not arrivals.growth_percent_per_week
    return isinstance(arrivals, ClosedArrivals)


def warmup_remarks(
    scenario: Scenario, timeseries: Sequence[Mapping[str, float | str | None]]
) -> Iterator[Notice]:
    """A notice if the fleet's load at the beginning of the window was another than later.

    *timeseries* has the samples of one replication; without any nothing is said.
    """
    if not is_stationary(scenario):
        return
    levels: dict[float, float] = {}
    for row in timeseries:
        inside = sum(float(row[key] or 0.0) for key in _INSIDE)
        levels[float(row["t_s"] or 0.0)] = levels.get(float(row["t_s"] or 0.0), 0.0) + inside
    found = beginning(list(levels.values()))
    if found is None:
        return
    until_s = list(levels)[found.samples]
    text = (
        f"the first {format_duration(round(until_s))} of the window are unlike the rest, with"
        f" {found.mean:.3g} requests inside instead of {found.rest:.3g} (MSER-5): the warm-up of"
        f" {format_duration(scenario.warmup)} is too short, or the fleet does not keep up"
    )
    yield Notice("short-warmup", "warmup", text)


_INSIDE = ("vllm:num_requests_running", "vllm:num_requests_waiting")
