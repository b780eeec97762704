"""Weibull: an exponential raised to a power; knows no clock."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from sim.laws.law import FloatArray, require_positive


@dataclass(frozen=True)
class Weibull:
    """scale · E^(1/shape) with E exponential of mean 1; below shape 1 the tail is heavier."""

    scale: float
    shape: float

    def __post_init__(self) -> None:
        require_positive(scale=self.scale, shape=self.shape)

    @classmethod
    def of_mean(cls, mean: float, shape: float) -> Weibull:
        """Return the law of that *mean*, which is scale · Γ(1 + 1/shape)."""
        return cls(mean / math.gamma(1.0 + 1.0 / shape), shape)

    def quantile(self, u: FloatArray) -> FloatArray:
        """Return scale · (-ln(1 - u))^(1/shape)."""
        return np.asarray(self.scale * (-np.log1p(-u)) ** (1.0 / self.shape), dtype=np.float64)

    def survival(self, x: FloatArray) -> FloatArray:
        """Return exp(-(x / scale)^shape)."""
        return np.asarray(np.exp(-((x / self.scale) ** self.shape)), dtype=np.float64)
