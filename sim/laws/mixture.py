"""Mixture: several lognormals, each with its share of the draws; knows no clock."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from sim.laws.law import FloatArray, log_of, require_positive

_NODES = 2_001
_REACH = 9.0  # standard deviations; a draw has at most 8.21, since u >= 2^-53


class Mixture:
    """With a chance in proportion to weights[k], exp(mus[k] + sigmas[k] · Z), Z standard normal.

    Quantiles come from a table of ln x over Φ⁻¹(u), where every lognormal is a straight line. Its
    nodes follow each of the components, so that a narrow one among wide ones is seen. Relative
    error below 1e-4, but in the gaps between components that stand apart, where quantiles jump.
    """

    def __init__(
        self, weights: Sequence[float], mus: Sequence[float], sigmas: Sequence[float]
    ) -> None:
        """Raise ValueError unless there are as many of each, weights and sigmas positive."""
        if not len(weights) == len(mus) == len(sigmas) or not len(weights):
            raise ValueError(
                f"{len(weights)} weights, {len(mus)} mus and {len(sigmas)} sigmas do not fit"
            )
        for weight, sigma in zip(weights, sigmas, strict=True):
            require_positive(weight=weight, sigma=sigma)
        shares = np.asarray(weights, dtype=np.float64)
        self._shares: FloatArray = shares / shares.sum()
        self._mus: FloatArray = np.asarray(mus, dtype=np.float64)
        self._sigmas: FloatArray = np.asarray(sigmas, dtype=np.float64)
        self._scores, self._log_values = self._table()

    def quantile(self, u: FloatArray) -> FloatArray:
        """Return the quantiles by table."""
        from scipy.special import ndtri  # slow to import

        return np.exp(np.interp(ndtri(u), self._scores, self._log_values))

    def survival(self, x: FloatArray) -> FloatArray:
        """Return Σ share · Φ((mu - ln x) / sigma)."""
        return self._tail(log_of(x), 1.0)

    def _tail(self, log_x: FloatArray, sign: float) -> FloatArray:
        """Return P(ln Y > log_x), or with *sign* -1 P(ln Y < log_x), each exact where small."""
        from scipy.special import ndtr  # slow to import

        total = np.zeros(len(log_x))
        for share, mu, sigma in zip(self._shares, self._mus, self._sigmas, strict=True):
            total += share * ndtr(sign * (mu - log_x) / sigma)
        return np.minimum(total, 1.0)

    def _table(self) -> tuple[FloatArray, FloatArray]:
        from scipy.special import ndtri  # slow to import

        steps = np.linspace(-_REACH, _REACH, _NODES)
        log_x = np.sort((self._mus[:, None] + self._sigmas[:, None] * steps).ravel())
        below, above = self._tail(log_x, -1.0), self._tail(log_x, 1.0)
        scores = np.where(below < 0.5, ndtri(below), -ndtri(above))
        rising, first = np.unique(np.maximum.accumulate(scores), return_index=True)
        return rising, log_x[first]
