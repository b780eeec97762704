"""Conditional: quantile tables that depend on the rank of another variable; knows no clock."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from sim.laws.law import FloatArray
from sim.laws.quantiles import QuantileTable

MOST_BINS = 128

_LAST = 1.0 - 2.0**-45
"""Largest level within a bin: bin + level is never rounded up into the next of `MOST_BINS`."""


class Conditional:
    """Y given the rank R of another variable, R uniform on [0, 1): one table for each bin of R.

    Bin k of n holds k/n <= R < (k + 1)/n. Some ten bins keep dependences that rise and fall, which
    a copula with one correlation cannot.
    """

    def __init__(self, tables: Sequence[QuantileTable]) -> None:
        """Raise ValueError unless there are 1 to `MOST_BINS` tables."""
        if not 1 <= len(tables) <= MOST_BINS:
            raise ValueError(f"needs 1 to {MOST_BINS} tables, not {len(tables)}")
        self.tables = tuple(tables)
        # One axis, bin + level, for all tables: a draw of any bins is a single interpolation.
        self._axis: FloatArray = np.concatenate([k + t.levels for k, t in enumerate(tables)])
        self._log_values: FloatArray = np.concatenate([t.log_values for t in tables])

    def quantile(self, rank: FloatArray, u: FloatArray) -> FloatArray:
        """Return the *u*-quantile of Y given *rank*, both in [0, 1), element by element."""
        at: FloatArray = np.floor(len(self.tables) * rank) + np.minimum(u, _LAST)
        return np.exp(np.interp(at, self._axis, self._log_values))

    def marginal(self) -> QuantileTable:
        """Return the law of Y alone: a table through all nodes, since all tables are linear."""
        values = np.unique(np.concatenate([t.values for t in self.tables]))
        at = np.log(values)
        shares = [self._share(np.nextafter(at, -np.inf)), self._share(at)]  # before and with atoms
        levels = np.maximum.accumulate(np.stack(shares, axis=1).ravel())
        return QuantileTable(np.minimum(levels, 1.0), values.repeat(2))

    def _share(self, log_x: FloatArray) -> FloatArray:
        """Return P(ln Y <= log_x)."""
        total = np.zeros(len(log_x))
        for table in self.tables:
            total += table.share_up_to(log_x)
        return total / len(self.tables)
