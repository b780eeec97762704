"""Level: a number that changes now and then, and its integral over any span. Knows no clock."""

from __future__ import annotations

from bisect import bisect_right

import numpy as np


class Level:
    """A step function of time, written in time order and read over any span.

    Memory grows with its changes; those at one instant are kept as one.
    """

    def __init__(self) -> None:
        self._at_s: list[float] = []
        self._levels: list[float] = []
        self._sums: list[float] = []  # integral up to each change

    @property
    def now(self) -> float:
        """The level after the last change; 0 before the first."""
        return self._levels[-1] if self._levels else 0.0

    def change(self, at_s: float, by: float) -> None:
        """Raise the level by *by* at *at_s*, not before the last change. Amortised O(1)."""
        times = self._at_s
        if times and at_s <= times[-1]:
            if at_s < times[-1]:
                raise ValueError(f"a change at {at_s} s comes after one at {times[-1]} s")
            self._levels[-1] += by
            return
        self._sums.append(self._integral_to(at_s))
        self._levels.append(self.now + by)
        times.append(at_s)

    def integral(self, from_s: float, to_s: float) -> float:
        """Return the integral over [from_s, to_s). O(log changes)."""
        return self._integral_to(to_s) - self._integral_to(from_s)

    def by_interval(self, width_s: float, count: int, end_s: float) -> np.ndarray:
        """Return the mean level in each of *count* intervals from 0 on, the last cut at *end_s*."""
        edges_s = np.minimum(np.arange(count + 1) * width_s, end_s)
        sums = np.array([self._integral_to(float(edge_s)) for edge_s in edges_s])
        widths_s = np.diff(edges_s)
        means: np.ndarray = np.divide(
            np.diff(sums), widths_s, out=np.zeros(count), where=widths_s > 0
        )
        return means

    def at(self, at_s: float) -> float:
        """Return the level at *at_s*, a change at that instant counted."""
        place = bisect_right(self._at_s, at_s)
        return self._levels[place - 1] if place else 0.0

    def changes(self) -> list[tuple[float, float]]:
        """Return (time, level from then on) of every change."""
        return list(zip(self._at_s, self._levels, strict=True))

    def _integral_to(self, at_s: float) -> float:
        place = bisect_right(self._at_s, at_s)
        if not place:
            return 0.0
        return self._sums[place - 1] + self._levels[place - 1] * (at_s - self._at_s[place - 1])
