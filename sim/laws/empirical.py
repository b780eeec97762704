"""Empirical: values as they were recorded, each with its weight; knows no clock."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from sim.laws.law import FloatArray


class Empirical:
    """Draws each of *values* with a chance in proportion to its weight (default: all alike).

    Nothing is smoothed: the quantile is the exact inverse of the weighted distribution function.
    Equal values are one value, so memory and time follow the number of distinct ones.
    """

    def __init__(self, values: ArrayLike, weights: ArrayLike | None = None) -> None:
        """Raise ValueError unless values are positive, weights not negative, and some weight is.

        All must be finite.
        """
        x = np.asarray(values, dtype=np.float64)
        w = np.ones(len(x)) if weights is None else np.asarray(weights, dtype=np.float64)
        if len(x) != len(w) or not len(x):
            raise ValueError(f"{len(x)} values do not fit {len(w)} weights")
        if not ((x > 0.0) & (x < np.inf)).all():
            raise ValueError("values must be positive and finite")
        if not ((w >= 0.0) & (w < np.inf)).all() or not w.any():
            raise ValueError("weights must be finite and not negative, and one of them above 0")
        used = w > 0.0
        self.values, place = np.unique(x[used], return_inverse=True)
        sums = np.cumsum(np.bincount(place, w[used]))
        self._shares: FloatArray = np.concatenate(([0.0], sums / sums[-1]))

    def quantile(self, u: FloatArray) -> FloatArray:
        """Return the least value x with P(Y <= x) > u."""
        return self.values[np.searchsorted(self._shares[1:], u, side="right")]

    def survival(self, x: FloatArray) -> FloatArray:
        """Return the weighted share of values above *x*."""
        return 1.0 - self._shares[np.searchsorted(self.values, x, side="right")]
