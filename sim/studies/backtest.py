"""Backtest: what a scenario says of a period that is over, beside what really happened.

Knows no clock. The error is told, never applied: a forecast stands as simulated, with the error of
the backtest beside it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from sim.studies.backtest_actual import Actual, Figure
from sim.studies.intervals import Interval
from sim.studies.result import Result
from sim.studies.summary import leaves


@dataclass(frozen=True)
class Checked:
    """A figure, simulated for the actual's period, and where a single such period should fall.

    `interval`: 95 % prediction interval; None where replications cannot tell. `simulated` None:
    the scenario has no such figure (too few samples of a tail, say).
    """

    figure: Figure
    simulated: float | None
    interval: Interval | None

    @property
    def error(self) -> float | None:
        """Simulated over actual - 1, as a share of 1."""
        return None if self.simulated is None else self.simulated / self.figure.value - 1.0

    @property
    def inside(self) -> bool | None:
        """Whether the actual figure lies in the interval; None without one."""
        return None if self.interval is None else self.figure.value in self.interval


@dataclass(frozen=True)
class Forecast:
    """A figure of another scenario over the same period, with the error seen in the backtest."""

    figure: Figure
    simulated: float | None
    interval: Interval | None
    backtest_error: float | None


@dataclass(frozen=True)
class Backtest:
    """All figures that were given, in the order of their file, over `period_s` seconds."""

    checked: tuple[Checked, ...]
    period_s: float
    forecast: tuple[Forecast, ...] = ()


def backtest(result: Result, actual: Actual, forecast: Result | None = None) -> Backtest:
    """Hold *result* against *actual*; *forecast* is shown over a period of the same length."""
    period_s = actual.period_s or result.usage.window_s
    found = _figures(result, actual, period_s)
    checked = tuple(Checked(f, *found[f]) for f in actual.figures)
    if forecast is None:
        return Backtest(checked, period_s)
    ahead = _figures(forecast, actual, period_s)
    return Backtest(
        checked, period_s, tuple(Forecast(c.figure, *ahead[c.figure], c.error) for c in checked)
    )


def _figures(
    result: Result, actual: Actual, period_s: float
) -> dict[Figure, tuple[float | None, Interval | None]]:
    summary, window_s = result.summary(), result.usage.window_s
    values = dict(leaves(summary))
    intervals: Mapping[str, list[float] | None] = summary["intervals"]
    found = {}
    for figure in actual.figures:
        value = values.get(figure.path, values.get(f"{figure.path}.value"))
        times = period_s / window_s
        wide = prediction(intervals.get(figure.path), len(result.runs), times)
        scale = times if figure.kind.grows else 1.0
        if wide is not None:
            wide = Interval(max(0.0, wide.low * scale), wide.high * scale)
        found[figure] = (None if value is None else value * scale, wide)
    return found


def prediction(mean: list[float] | None, replications: int, times: float) -> Interval | None:
    """Where one period falls, from the interval of the *mean* of replications.

    A mean of n is off by s / sqrt(n); one period as long as *times* replications adds a variance
    of s^2 / times of its own, so the half-width grows by sqrt(1 + n / times) (Law 2015, 4.5).

    >>> prediction([9.0, 11.0], 3, 1.0)
    Interval(low=8.0, high=12.0)
    """
    if mean is None:
        return None
    centre, half = (mean[0] + mean[1]) / 2, (mean[1] - mean[0]) / 2
    half *= math.sqrt(1.0 + replications / times)
    return Interval(centre - half, centre + half)
