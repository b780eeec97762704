"""Arrivals: when the requests of one route come, as an endless run of arrays; knows no clock.

Draws are made by inverting distribution functions on `Generator.random()`, so that they depend
on the bit generator alone and not on numpy's distribution code, which may change between
releases (NEP 19). Results do not depend on the sizes of the arrays.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Protocol

import numpy as np

from sim.scenario.arrivals import PoissonArrivals, VaryingArrivals
from sim.traffic.chunk import CHUNK_REQUESTS, FloatArray, chunk_sizes
from sim.traffic.rates import ConstantRate, Rate, WeeklyRate

GAMMA_NODES = 8_193
"""Nodes of the table of gamma quantiles; relative error below 2e-5, for shapes below 0.1 2e-4."""


class Arrivals(Protocol):
    """An arrival process of one route."""

    def chunks(
        self, rng: np.random.Generator, start_s: float, limit: int = CHUNK_REQUESTS
    ) -> Iterator[FloatArray]:
        """Yield arrays of at most *limit* non-decreasing instants (s), the first from *start_s*."""
        ...


def exponential_gaps(rng: np.random.Generator, n: int) -> FloatArray:
    """Return *n* exponential gaps of mean 1."""
    return -np.log1p(-rng.random(n))


@lru_cache(maxsize=64)
def _gamma_table(shape: float) -> tuple[FloatArray, FloatArray]:
    """Return nodes (ln e, ln x) with P(Gamma(shape, 1) <= x) = P(Exponential(1) <= e).

    Both tails are straight in these coordinates: slope 1/shape on the left, 1 on the right.
    """
    from scipy.special import gammainccinv, gammaincinv  # slow to import, rarely needed

    log_e = np.linspace(np.log(2.0**-54), np.log(54 * np.log(2.0)), GAMMA_NODES)
    e = np.exp(log_e)
    x = np.where(e < 1.0, gammaincinv(shape, -np.expm1(-e)), gammainccinv(shape, np.exp(-e)))
    return log_e, np.log(np.maximum(x, 1e-300))


def gamma_gaps(rng: np.random.Generator, n: int, shape: float) -> FloatArray:
    """Return *n* draws of Gamma(shape, scale 1), mean *shape*, by a table of its quantiles."""
    log_e, log_x = _gamma_table(shape)
    e = np.maximum(exponential_gaps(rng, n), 2.0**-54)
    return np.exp(np.interp(np.log(e), log_e, log_x))


@dataclass(frozen=True)
class Renewal:
    """Gamma renewal points of unit rate, moved through Λ⁻¹; shape 1 is the Poisson process.

    In rescaled time gaps are Gamma(shape, 1/shape): mean 1, squared variation 1/shape. The
    process is stationary from the start: the first gap has the equilibrium law, a uniform part
    of a length-biased gap, which is Gamma(shape + 1, 1/shape) (Cox 1962, section 5.4).
    """

    rate: Rate
    shape: float = 1.0

    def __post_init__(self) -> None:
        if not (0.0 < self.shape < np.inf):
            raise ValueError(f"shape ({self.shape}) must be positive and finite")

    def chunks(
        self, rng: np.random.Generator, start_s: float, limit: int = CHUNK_REQUESTS
    ) -> Iterator[FloatArray]:
        """Yield arrays of at most *limit* non-decreasing instants (s) from *start_s*, endless."""
        reached = self.rate.expected(start_s)
        latest_s = start_s
        first = self._first_gap(rng)
        for size in chunk_sizes(limit):
            gaps = self._gaps(rng, size)
            if first is not None:
                gaps[0], first = first, None
            gaps[0] += reached
            expected = np.cumsum(gaps)  # adds in order, so the cut into arrays leaves no trace
            reached = float(expected[-1])
            instants = self.rate.instants(expected)
            instants[0] = max(instants[0], latest_s)
            yield np.maximum.accumulate(instants)  # an hour's edge may be off by one rounding
            latest_s = float(instants.max())

    def _gaps(self, rng: np.random.Generator, n: int) -> FloatArray:
        if self.shape == 1.0:
            return exponential_gaps(rng, n)
        return gamma_gaps(rng, n, self.shape) / self.shape

    def _first_gap(self, rng: np.random.Generator) -> float | None:
        """Return the gap from the start to the first point; None: it is a gap like any other."""
        if self.shape == 1.0:
            return None
        length_biased = gamma_gaps(rng, 1, self.shape + 1.0)[0] / self.shape
        return float(rng.random() * length_biased)


@dataclass(frozen=True)
class Counted:
    """Exactly *count* requests from time 0 on, the last at count/requests_per_s, then none.

    A Poisson process whose gaps are rescaled to that total, as `vllm bench serve` does in
    its `get_request`. There is no traffic before time 0.
    """

    requests_per_s: float
    count: int

    def __post_init__(self) -> None:
        if not (0.0 < self.requests_per_s < np.inf) or self.count < 1:
            raise ValueError(
                f"count ({self.count}) must be at least 1 and "
                f"requests_per_s ({self.requests_per_s}) positive and finite"
            )

    def chunks(
        self, rng: np.random.Generator, start_s: float = 0.0, limit: int = CHUNK_REQUESTS
    ) -> Iterator[FloatArray]:
        """Yield the *count* instants (s) in arrays of at most *limit*; *start_s* is not used.

        The gaps are drawn twice, first for their sum, so that memory stays bounded.
        """
        total = 0.0
        for sums in self._sums(copy.deepcopy(rng), limit):
            total = float(sums[-1])
        for sums in self._sums(rng, limit):
            yield sums / total * (self.count / self.requests_per_s)

    def _sums(self, rng: np.random.Generator, limit: int) -> Iterator[FloatArray]:
        left, reached = self.count, 0.0
        for size in chunk_sizes(limit):
            gaps = exponential_gaps(rng, min(size, left))
            gaps[0] += reached
            sums = np.cumsum(gaps)
            yield sums
            left, reached = left - len(gaps), float(sums[-1])
            if not left:
                return


def arrivals(spec: PoissonArrivals | VaryingArrivals, starts_on: str = "monday") -> Arrivals:
    """Return the process that *spec* describes; *starts_on* is the weekday of time 0."""
    if isinstance(spec, PoissonArrivals):
        if spec.count is not None:
            return Counted(spec.rps, spec.count)
        return Renewal(ConstantRate(spec.rps))
    if spec.day_curve is None:
        return Renewal(ConstantRate(spec.mean_rps), spec.gap_shape)
    return Renewal(WeeklyRate(spec.mean_rps, *spec.weights(), starts_on), spec.gap_shape)
