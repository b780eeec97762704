"""Quantile table: a law by its values at some levels; knows no clock."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from sim.laws.law import FloatArray, log_of


class QuantileTable:
    """Quantiles at given levels, linear in ln x between them.

    Below the first level and above the last the table is flat: the rest of the mass sits on its
    first and last value. Equal values next to each other are an atom; at a level that is there
    twice quantiles jump. 30 million draws a second and more.
    """

    def __init__(self, levels: ArrayLike, values: ArrayLike) -> None:
        """Raise ValueError unless levels, within [0, 1], and values, above 0, do not fall."""
        at = np.asarray(levels, dtype=np.float64)
        x = np.asarray(values, dtype=np.float64)
        if len(at) != len(x) or not len(at):
            raise ValueError(f"{len(at)} levels do not fit {len(x)} values")
        if not (at[0] >= 0.0 and at[-1] <= 1.0 and (np.diff(at) >= 0.0).all()):
            raise ValueError(f"levels must not fall and be within 0…1, not {at.tolist()}")
        if not ((x > 0.0).all() and (x < np.inf).all() and (np.diff(x) >= 0.0).all()):
            raise ValueError(f"values must not fall and be above 0, not {x.tolist()}")
        first, last = [0.0] if at[0] > 0.0 else [], [1.0] if at[-1] < 1.0 else []
        self.levels: FloatArray = np.concatenate((first, at, last))
        self.values: FloatArray = np.pad(x, (len(first), len(last)), mode="edge")
        self.log_values: FloatArray = np.log(self.values)

    def quantile(self, u: FloatArray) -> FloatArray:
        """Return the interpolated quantiles."""
        return np.exp(np.interp(u, self.levels, self.log_values))

    def survival(self, x: FloatArray) -> FloatArray:
        """Return P(Y > x), right-continuous at atoms."""
        return 1.0 - self.share_up_to(log_of(x))

    def share_up_to(self, log_x: FloatArray) -> FloatArray:
        """Return P(ln Y <= log_x)."""
        return np.interp(log_x, self.log_values, self.levels, left=0.0, right=1.0)
