"""Exponential: the law without memory; knows no clock."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sim.laws.law import FloatArray, require_positive


@dataclass(frozen=True)
class Exponential:
    """Exponential with the given *scale*, which is its mean."""

    scale: float

    def __post_init__(self) -> None:
        require_positive(scale=self.scale)

    def quantile(self, u: FloatArray) -> FloatArray:
        """Return -scale · ln(1 - u)."""
        return -self.scale * np.log1p(-u)

    def survival(self, x: FloatArray) -> FloatArray:
        """Return exp(-x / scale)."""
        return np.exp(-x / self.scale)
