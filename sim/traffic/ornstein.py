"""Ornstein-Uhlenbeck: how bursts make a rate wander, on a grid of time; knows no clock.

A term is exp(X - s²/2), X normal with variance s² and autocorrelation e^(-t/time): its mean is 1.
X is exact at the points of a grid (AR(1); Gillespie 1996) and held in between. The grid of a term
is the coarsest of 2ʲ seconds with at least eight points in its time. Such grids lie in each
other, and floats hit their points exactly. Where a grid begins is drawn at random: so the held
process is stationary, too, its autocorrelation is that of X, linear between multiples of the
step, and variances of counts are right to 0.2 % (the trapezoidal rule's (step/time)²/12).
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from sim.traffic.chunk import FloatArray
from sim.traffic.draws import normals

POINTS_PER_TIME = 8

COARSEST_S = 4_096.0
"""Longest step of a grid, a power of 2 as well."""


def step_s(time_s: float) -> float:
    """Return the step of the grid for a term that forgets itself within *time_s*.

    >>> step_s(390.0), step_s(0.7), step_s(1e6)
    (32.0, 0.0625, 4096.0)
    """
    return min(COARSEST_S, 2.0 ** math.floor(math.log2(time_s / POINTS_PER_TIME)))


def grid_origin_s(rng: np.random.Generator) -> float:
    """Return where all grids begin: at random within the coarsest step, a multiple of 2⁻²⁰ s."""
    return math.floor(rng.random() * COARSEST_S * 2**20) / 2**20


class WanderingTerm:
    """One burst term along a base grid, whose cell i is [i, i + 1) · *base_s* after *origin_s*.

    *variance_at* tells s² at instants (s). Cells are asked for in order; what they hold does not
    depend on how many are asked for at a time.
    """

    def __init__(
        self,
        rng: np.random.Generator,
        time_s: float,
        variance_at: Callable[[FloatArray], FloatArray],
        base_s: float,
        origin_s: float,
        first_cell: int,
    ) -> None:
        self._rng = rng
        self._variance_at = variance_at
        self._step_s = step_s(time_s)
        self._cells = round(self._step_s / base_s)
        """Cells of the base grid that one step covers."""
        self._origin_s = origin_s
        self._keeps = math.exp(-self._step_s / time_s)
        self._next = first_cell // self._cells
        self._latest: float | None = None
        self._held: FloatArray = np.empty(0)

    def factors(self, first_cell: int, last_cell: int) -> FloatArray:
        """Return the factor of the rate in the cells from *first_cell* to *last_cell* - 1."""
        begin, end = first_cell // self._cells, -(-last_cell // self._cells)
        values = np.concatenate((self._held, self._advance(end - self._next)))
        self._held = values[-1:]
        edges = np.clip(np.arange(begin, end + 1) * self._cells, first_cell, last_cell)
        return np.repeat(values[begin - end :], edges[1:] - edges[:-1])

    def _advance(self, n: int) -> FloatArray:
        """Return the factors of the next *n* steps."""
        if n == 0:
            return np.empty(0)
        x = self._autoregressed(normals(self._rng, n))
        steps = np.arange(self._next, self._next + n, dtype=np.float64)
        variance = self._variance_at(self._origin_s + (steps + 0.5) * self._step_s)
        self._next += n
        return np.exp(np.sqrt(variance) * x - 0.5 * variance)

    def _autoregressed(self, noise: FloatArray) -> FloatArray:
        """Turn independent *noise* into the term at unit variance; the first is stationary."""
        from scipy.linalg.blas import dtbsv  # slow to import, needed by bursts alone

        head = noise[0]
        x = noise * math.sqrt(1.0 - self._keeps**2)
        x[0] = head if self._latest is None else x[0] + self._keeps * self._latest
        # x[i] + keeps · (the one before it) is a solve with a matrix of two diagonals.
        diagonals = np.empty((2, len(x)), order="F")
        diagonals[0], diagonals[1] = 1.0, -self._keeps
        x = np.asarray(dtbsv(1, diagonals, x, lower=1, diag=1, overwrite_x=1))
        self._latest = float(x[-1])
        return x
