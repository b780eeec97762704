"""Uniform: all values between two bounds alike; knows no clock."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sim.laws.law import FloatArray


@dataclass(frozen=True)
class Uniform:
    """Uniform on [low, high], with 0 <= low < high."""

    low: float
    high: float

    def __post_init__(self) -> None:
        if not 0.0 <= self.low < self.high < np.inf:
            raise ValueError(f"must be 0 <= low ({self.low}) < high ({self.high}), both finite")

    def quantile(self, u: FloatArray) -> FloatArray:
        """Return low + (high - low) · u."""
        return self.low + (self.high - self.low) * u

    def survival(self, x: FloatArray) -> FloatArray:
        """Return (high - x) / (high - low), between 0 and 1."""
        return np.clip((self.high - x) / (self.high - self.low), 0.0, 1.0)
