"""Law: what every distribution of this package can do; knows no clock."""

from __future__ import annotations

from typing import Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

FloatArray: TypeAlias = NDArray[np.float64]


class Law(Protocol):
    """A distribution of Y >= 0, in whatever unit its parameters have."""

    def quantile(self, u: FloatArray) -> FloatArray:
        """Return the *u*-quantiles of Y, for u in [0, 1)."""
        ...

    def survival(self, x: FloatArray) -> FloatArray:
        """Return P(Y > x), for x >= 0."""
        ...


def require_positive(**parameters: float) -> None:
    """Raise ValueError for the first of *parameters* that is not positive and finite.

    >>> require_positive(scale=1.0, shape=0.0)
    Traceback (most recent call last):
    ValueError: shape must be positive and finite, not 0.0
    """
    for name, value in parameters.items():
        if not 0.0 < value < np.inf:
            raise ValueError(f"{name} must be positive and finite, not {value}")


def log_of(x: FloatArray) -> FloatArray:
    """Return ln x, a large negative number where x is 0."""
    return np.log(np.maximum(x, 1e-300))
