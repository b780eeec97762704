"""Lognormal: the law of a product of many factors; knows no clock."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sim.laws.law import FloatArray, log_of, require_positive


@dataclass(frozen=True)
class Lognormal:
    """exp(mu + sigma · Z) with Z standard normal."""

    mu: float
    sigma: float

    def __post_init__(self) -> None:
        require_positive(sigma=self.sigma)

    def quantile(self, u: FloatArray) -> FloatArray:
        """Return exp(mu + sigma · Φ⁻¹(u)); 0 at u = 0."""
        from scipy.special import ndtri  # slow to import

        return np.asarray(np.exp(self.mu + self.sigma * ndtri(u)), dtype=np.float64)

    def survival(self, x: FloatArray) -> FloatArray:
        """Return Φ((mu - ln x) / sigma)."""
        from scipy.special import ndtr  # slow to import

        return np.asarray(ndtr((self.mu - log_of(x)) / self.sigma), dtype=np.float64)
