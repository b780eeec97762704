"""Intervals: how far a mean or a ratio over replications may be off; knows no clock.

They cover the noise of sampling only. What the model itself gets wrong is stated apart.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from sim.ledger.average import mean
from sim.ledger.usage import Usage

CONFIDENCE = 0.95

SAME = 1e-12
"""Relative spread under which values are equal but for rounding."""


@dataclass(frozen=True)
class Interval:
    """A confidence interval [low, high]."""

    low: float
    high: float

    def __contains__(self, value: float) -> bool:
        return self.low <= value <= self.high


def student_t(values: Sequence[float], confidence: float = CONFIDENCE) -> Interval | None:
    """Student's interval for the mean of independent *values*.

    None for fewer than two, and where they do not differ: no spread was seen, so none is known.

    >>> student_t([1.0, 2.0, 3.0])
    Interval(low=-0.484137..., high=4.484137...)
    """
    n = len(values)
    if n < 2:
        return None
    centre = math.fsum(values) / n
    deviations = [v - centre for v in values]
    largest = max(abs(v) for v in values)
    if max(abs(d) for d in deviations) <= SAME * largest:
        return None
    variance = math.fsum(d * d for d in deviations) / (n - 1)
    half = _quantile(confidence, n - 1) * math.sqrt(variance / n)
    return Interval(centre - half, centre + half)


def jackknife(
    full: float, leave_one_out: Sequence[float], confidence: float = CONFIDENCE
) -> Interval | None:
    """Student's interval over the pseudo-values R x full - (R - 1) x leave-one-out.

    For a mean the pseudo-values are the values themselves, so this is `student_t` then; for a
    ratio of means it also takes out the bias of order 1/R (Law 2015, section 9.4).
    """
    r = len(leave_one_out)
    return student_t([r * full - (r - 1) * without for without in leave_one_out], confidence)


def _quantile(confidence: float, degrees: int) -> float:
    """Two-sided quantile of Student's t; scipy.special loads ten times faster than scipy.stats."""
    from scipy.special import stdtrit

    return float(stdtrit(degrees, 0.5 + confidence / 2.0))


Figures = Mapping[str, float | None]
"""Figures by dotted path; None where undefined."""


def jackknife_all(
    usages: Sequence[Usage], figures_of: Callable[[Usage], Figures]
) -> dict[str, Interval | None]:
    """Intervals of all *figures_of* the mean usage at once, by dotted path.

    One method serves sums, ratios and the replications' mean quantiles alike (see `jackknife`).
    None where a figure is undefined, in the whole or without some replication.
    """
    full = figures_of(mean(usages))
    if len(usages) < 2:
        return dict.fromkeys(full)
    others = [figures_of(mean([*usages[:i], *usages[i + 1 :]])) for i in range(len(usages))]
    return {path: _of(value, [o.get(path) for o in others]) for path, value in full.items()}


def _of(full: float | None, leave_one_out: list[float | None]) -> Interval | None:
    values = [v for v in leave_one_out if v is not None]
    if full is None or len(values) < len(leave_one_out):
        return None
    return jackknife(full, values)
