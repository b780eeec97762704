"""Curve rate: a trace's own counts as the rate of a process; knows no clock."""

from __future__ import annotations

import numpy as np

from sim.traffic.chunk import FloatArray


class CurveRate:
    """The rate that gave *at_s* in windows of *window_s*, constant within each; then the mean.

    It is a `sim.traffic.rates.Rate`, so that the shipped renewal process can follow it.
    """

    def __init__(self, at_s: FloatArray, window_s: float, span_s: float) -> None:
        windows = max(1, int(np.ceil(span_s / window_s - 1e-9)))
        self._edges_s = np.minimum(np.arange(windows + 1) * window_s, span_s)
        counts = np.histogram(at_s, bins=self._edges_s)[0]
        self._expected = np.concatenate(([0.0], np.cumsum(counts, dtype=np.float64)))
        self._mean_per_s = len(at_s) / span_s

    def expected(self, at_s: float) -> float:
        """Return the expected requests in [0, at_s); negative before 0."""
        end_s = float(self._edges_s[-1])
        outside_s = min(at_s, 0.0) + max(at_s - end_s, 0.0)
        inside = float(np.interp(at_s, self._edges_s, self._expected))
        return inside + outside_s * self._mean_per_s

    def instants(self, expected: FloatArray) -> FloatArray:
        """Return the instants (s) at which *expected* is reached."""
        beyond = np.maximum(expected - self._expected[-1], 0.0) + np.minimum(expected, 0.0)
        inside_s = np.interp(expected, self._expected, self._edges_s)
        return np.asarray(inside_s + beyond / self._mean_per_s, dtype=np.float64)
