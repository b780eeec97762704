"""Fixed: the law of one value; knows no clock."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sim.laws.law import FloatArray


@dataclass(frozen=True)
class Fixed:
    """Always the same *value*, which may be 0."""

    value: float

    def __post_init__(self) -> None:
        if not 0.0 <= self.value < np.inf:
            raise ValueError(f"value must be finite and not negative, not {self.value}")

    def quantile(self, u: FloatArray) -> FloatArray:
        """Return *value* for each of *u*."""
        return np.full(len(u), float(self.value))

    def survival(self, x: FloatArray) -> FloatArray:
        """Return 1 below the fixed value, 0 from it on."""
        return np.where(x < self.value, 1.0, 0.0)
