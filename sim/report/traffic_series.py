"""Traffic series: what of a workload is drawn: rates over time, dispersion, and length CDFs.

Knows no clock.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from sim.traffic.chunk import FloatArray, IntArray
from sim.workload.counts import MANY_WINDOWS, count, dispersion, whole_ticks
from sim.workload.hours import Hours
from sim.workload.requests import Requests
from sim.workload.start import DAY_S, Start
from sim.workload.tables import Rates, Weights

if TYPE_CHECKING:
    from sim.workload.parts import Part

MOST_BINS = 240
"""Points of a line, beyond which noise hides its course."""

_BINS_S = (0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14_400,
           21_600, 43_200, 86_400, 604_800)  # fmt: skip

_FIRST_WINDOW_S = 0.1
_WINDOWS_A_DECADE = 6
_MOST_CDF_POINTS = 400


@dataclass(frozen=True)
class Series:
    """Mean rates of bins of `bin_s` seconds; nan where nothing is known."""

    bin_s: float
    middle_s: FloatArray
    per_s: FloatArray


@dataclass(frozen=True)
class Dispersion:
    """Variance/mean of counts by window, beside what 90 % of equally long Poisson traces show."""

    window_s: FloatArray
    value: FloatArray
    poisson_low: FloatArray
    poisson_high: FloatArray


@dataclass(frozen=True)
class Cdf:
    """Shares of requests with at most so many tokens."""

    tokens: FloatArray
    share: FloatArray


def rates(part: Part) -> Series | None:
    """The rate over time; None where there are no times."""
    if isinstance(part, Rates):
        return _merged(part)
    if not isinstance(part, Requests) or part.arrived_at_s is None or part.span_s <= 0.0:
        return None
    bin_s = _bin_s(part.span_s, part.tick_s or 0.0)
    bins = max(1, int(part.span_s / bin_s + 1e-9))
    counts = np.bincount((part.arrived_at_s / bin_s).astype(np.int64), minlength=bins)[:bins]
    return Series(bin_s, _middles(bins, bin_s), counts / bin_s)


def day_rates(series: Series, hours: Hours, start: Start) -> FloatArray:
    """The day curve at the bins of *series*, scaled to the same mean."""
    second = start.second_of_day + series.middle_s
    hour = (second % DAY_S // 3600.0).astype(np.int64)
    weekday, weekend = np.array(hours.weekday), np.array(hours.weekend or hours.weekday)
    day = ((start.weekday or 0) + second // DAY_S).astype(np.int64) % 7
    relative = np.where(day < 5, weekday[hour], weekend[hour])
    known = ~np.isnan(series.per_s)
    return np.asarray(relative * series.per_s[known].sum() / relative[known].sum())


def dispersions(part: Part) -> Dispersion | None:
    """The index of dispersion by window; None without request times or in too short a span."""
    if not isinstance(part, Requests) or part.arrived_at_s is None:
        return None
    longest_s = part.span_s / MANY_WINDOWS
    if longest_s <= _FIRST_WINDOW_S:
        return None
    decades = np.log10(longest_s / _FIRST_WINDOW_S)
    grid = np.geomspace(_FIRST_WINDOW_S, longest_s, 2 + int(decades * _WINDOWS_A_DECADE))
    found = {
        window_s: value
        for window_s in whole_ticks(grid.tolist(), part.tick_s)
        if (value := dispersion(part.arrived_at_s, window_s, part.span_s)) is not None
    }
    return _beside_poisson(found, part) if len(found) > 1 else None


def cdfs(part: Part) -> Mapping[str, Cdf]:
    """The distribution of each side's tokens, by side."""
    if isinstance(part, Weights):
        return {part.field: Cdf(part.tokens.astype(float), np.cumsum(part.probability))}
    if isinstance(part, Rates):
        return {}
    return {"input": _cdf(part.input_tokens), "output": _cdf(part.output_tokens)}


def _beside_poisson(found: Mapping[float, float], part: Requests) -> Dispersion:
    """(windows - 1) x dispersion of Poisson counts is chi-squared (Cox and Lewis 1966, 6.3)."""
    from scipy.stats import chi2

    window_s = np.array(list(found))
    assert part.arrived_at_s is not None
    free = np.array([count(part.arrived_at_s, w, part.span_s).windows - 1 for w in window_s])
    low, high = (chi2.ppf(level, free) / free for level in (0.05, 0.95))
    return Dispersion(window_s, np.array(list(found.values())), low, high)


def _cdf(tokens: IntArray) -> Cdf:
    values, counts = np.unique(tokens, return_counts=True)
    share = np.cumsum(counts) / len(tokens)
    if len(values) > _MOST_CDF_POINTS:
        levels = np.linspace(0.0, 1.0, _MOST_CDF_POINTS)
        chosen = np.unique(np.searchsorted(share, levels).clip(max=len(values) - 1))
        values, share = values[chosen], share[chosen]
    return Cdf(values.astype(float), share)


def _bin_s(span_s: float, least_s: float) -> float:
    fit = (b for b in _BINS_S if b * MOST_BINS >= span_s and b >= least_s)
    return float(next(fit, _BINS_S[-1]))


def _merged(part: Rates) -> Series:
    """The rates, as many windows in one bin as it takes to come below `MOST_BINS`."""
    size = -(-len(part.per_s) // MOST_BINS)
    bins = -(-len(part.per_s) // size)
    padded = np.full(bins * size, np.nan)
    padded[: len(part.per_s)] = part.per_s
    groups = padded.reshape(bins, size)
    known = (~np.isnan(groups)).sum(axis=1)
    sums = np.nansum(groups, axis=1)
    per_s = np.where(known, sums / np.maximum(known, 1), np.nan)
    bin_s = size * part.window_s
    return Series(bin_s, _middles(bins, bin_s), per_s)


def _middles(bins: int, bin_s: float) -> FloatArray:
    return np.asarray((np.arange(bins) + 0.5) * bin_s, dtype=np.float64)
