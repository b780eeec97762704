"""Rate: expected requests per second over calendar time, with its integral and the inverse of it.

Kernel-free: instants are arguments. Time 0 is 00:00 of the day on which the measured window
starts; negative times belong to the days before. Arrivals are placed by rescaling: if points
have unit rate in Λ(t), their images Λ⁻¹ have rate λ(t) (Daley & Vere-Jones 2003, theorem 7.4.I).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from sim.traffic.chunk import FloatArray

HOUR_S = 3_600.0
WEEK_S = 604_800.0
WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


class Rate(Protocol):
    """A rate λ(t) ≥ 0 in requests per second, through its integral Λ(t) = ∫₀ᵗ λ."""

    def expected(self, at_s: float) -> float:
        """Return Λ(at_s), the expected requests in [0, at_s); negative before 0."""
        ...

    def instants(self, expected: FloatArray) -> FloatArray:
        """Return the instants (s) at which Λ reaches *expected*."""
        ...


@dataclass(frozen=True)
class ConstantRate:
    """The same rate at all times.

    >>> ConstantRate(4.0).expected(-3.0)
    -12.0
    """

    requests_per_s: float

    def __post_init__(self) -> None:
        if not (0.0 < self.requests_per_s < np.inf):
            raise ValueError(f"requests_per_s ({self.requests_per_s}) must be positive and finite")

    def expected(self, at_s: float) -> float:
        """Return Λ(at_s) = rate × at_s."""
        return self.requests_per_s * at_s

    def instants(self, expected: FloatArray) -> FloatArray:
        """Return the instants (s) at which Λ reaches *expected*."""
        return expected / self.requests_per_s


class WeeklyRate:
    """A rate that is constant within each hour and repeats every week; Λ is piecewise linear.

    Multipliers are relative: they are scaled so that the mean over a whole week (five weekdays
    and two weekend days) is *mean_per_s*. Days follow each other from *starts_on*. They go by a
    clock that is *ahead_s* ahead of that of the instants.
    """

    def __init__(
        self,
        mean_per_s: float,
        weekday: Sequence[float],
        weekend: Sequence[float],
        starts_on: str = "monday",
        ahead_s: float = 0.0,
    ) -> None:
        hours = np.array(([*weekday] * 5) + ([*weekend] * 2), dtype=np.float64)
        if len(weekday) != 24 or len(weekend) != 24:
            raise ValueError(f"a day has 24 multipliers, not {len(weekday)} and {len(weekend)}")
        if not np.isfinite(hours).all() or hours.min() < 0.0 or hours.sum() <= 0.0:
            raise ValueError("the multipliers of a day curve must be >= 0, finite, and not all 0")
        if not (0.0 < mean_per_s < np.inf):
            raise ValueError(f"mean_per_s ({mean_per_s}) must be positive and finite")
        hours = np.roll(hours, -24 * WEEKDAYS.index(starts_on))
        self.per_s: FloatArray = hours * (mean_per_s / float(hours.mean()))
        """Rate in each of the 168 hours from 00:00 on *starts_on*, in requests per second."""
        self._edges_s: FloatArray = np.arange(169, dtype=np.float64) * HOUR_S
        self._expected: FloatArray = np.concatenate(([0.0], np.cumsum(self.per_s) * HOUR_S))
        self._week = float(self._expected[-1])
        self._ahead_s = ahead_s
        self._before = self._since_midnight(ahead_s)

    def at(self, at_s: float) -> float:
        """Return λ(at_s) in requests per second."""
        return float(self.each(np.array([at_s]))[0])

    def each(self, at_s: FloatArray) -> FloatArray:
        """Return λ at instants (s), in requests per second."""
        hours = (at_s + self._ahead_s) % WEEK_S // HOUR_S
        return self.per_s[hours.astype(np.int64) % 168]

    def hours_s(self, start_s: float, end_s: float) -> FloatArray:
        """Return the full hours between *start_s* and *end_s*, both excluded."""
        first = np.floor((start_s + self._ahead_s) / HOUR_S) + 1.0
        last = np.ceil((end_s + self._ahead_s) / HOUR_S)
        return np.arange(first, last) * HOUR_S - self._ahead_s

    def hour_begins_s(self, at_s: FloatArray) -> FloatArray:
        """Return when the hours of instants (s) began."""
        return (at_s + self._ahead_s) // HOUR_S * HOUR_S - self._ahead_s

    def expected(self, at_s: float) -> float:
        """Return Λ(at_s), the expected requests in [0, at_s); negative before 0."""
        return self._since_midnight(at_s + self._ahead_s) - self._before

    def _since_midnight(self, at_s: float) -> float:
        """Return the expected requests from the first 00:00 to *at_s* by the users' clock."""
        weeks = np.floor(at_s / WEEK_S)
        rest_s = at_s - weeks * WEEK_S
        return float(weeks * self._week + np.interp(rest_s, self._edges_s, self._expected))

    def instants(self, expected: FloatArray) -> FloatArray:
        """Return the instants (s) at which Λ reaches *expected*; never inside an hour of rate 0."""
        since = expected + self._before
        weeks = np.floor(since / self._week)
        rest = since - weeks * self._week
        at_s = weeks * WEEK_S + np.interp(rest, self._expected, self._edges_s)
        return np.asarray(at_s - self._ahead_s)
