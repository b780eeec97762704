"""Pareto tail: a lognormal body and a power law beyond a knee; knows no clock."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sim.laws.law import FloatArray, require_positive
from sim.laws.lognormal import Lognormal


@dataclass(frozen=True)
class ParetoTail:
    """*body* up to the *knee*; beyond it P(Y > x) = P(Y > knee) · (knee / x)^index.

    The survival function is continuous, the density jumps at the knee. The mean is infinite for
    an index up to 1, the variance for one up to 2.
    """

    body: Lognormal
    knee: float
    index: float

    def __post_init__(self) -> None:
        require_positive(knee=self.knee, index=self.index)

    @property
    def tail_share(self) -> float:
        """P(Y > knee)."""
        return float(self.body.survival(np.array([self.knee]))[0])

    def quantile(self, u: FloatArray) -> FloatArray:
        """Return the body's quantile, or knee · ((1 - u) / tail_share)^(-1/index) in the tail."""
        share = self.tail_share
        above = 1.0 - u
        x = self.body.quantile(u)
        tail = above < share
        x[tail] = self.knee * (above[tail] / share) ** (-1.0 / self.index)
        return x

    def survival(self, x: FloatArray) -> FloatArray:
        """Return the body's survival up to the knee, tail_share · (knee / x)^index beyond it."""
        over = np.asarray(self.knee / np.maximum(x, self.knee), dtype=np.float64)
        return np.where(x <= self.knee, self.body.survival(x), self.tail_share * over**self.index)
