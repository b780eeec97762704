"""Renewal: gamma renewal points moved through the integral of a rate; knows no clock.

If points have unit rate in Λ(t), their images Λ⁻¹ have rate λ(t), whether λ is known beforehand
or itself random (Daley & Vere-Jones 2003, theorem 7.4.I). Results do not depend on the sizes of
arrays.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from sim.laws.gamma import gamma_quantiles
from sim.traffic.chunk import CHUNK_REQUESTS, FloatArray, chunk_sizes
from sim.traffic.draws import exponentials
from sim.traffic.rate_path import RandomRate
from sim.traffic.rates import Rate


def unit_points(
    rng: np.random.Generator, shape: float, after: float, limit: int
) -> Iterator[FloatArray]:
    """Yield renewal points beyond *after* in arrays of at most *limit*, endless.

    Gaps are Gamma(shape, 1/shape): mean 1, squared variation 1/shape; shape 1 is the Poisson
    process. It is stationary from the start: the first gap has the equilibrium law, a uniform
    part of a length-biased gap, which is Gamma(shape + 1, 1/shape) (Cox 1962, section 5.4).
    """
    first = _first_gap(rng, shape)
    reached = after
    for size in chunk_sizes(limit):
        gaps = _gaps(rng, size, shape)
        if first is not None:
            gaps[0], first = first, None
        gaps[0] += reached
        points = np.cumsum(gaps)  # adds in order, so the cut into arrays leaves no trace
        reached = float(points[-1])
        yield points


def _gaps(rng: np.random.Generator, n: int, shape: float) -> FloatArray:
    if shape == 1.0:
        return exponentials(rng, n)
    return gamma_quantiles(rng.random(n), shape) / shape


def _first_gap(rng: np.random.Generator, shape: float) -> float | None:
    """Return the gap from the start to the first point; None: it is a gap like any other."""
    if shape == 1.0:
        return None
    length_biased = gamma_quantiles(rng.random(1), shape + 1.0)[0] / shape
    return float(rng.random() * length_biased)


def _check_shape(shape: float) -> None:
    if not (0.0 < shape < np.inf):
        raise ValueError(f"shape ({shape}) must be positive and finite")


def _rising(instants: FloatArray, latest_s: float) -> FloatArray:
    """Return *instants* without falls: at the edge of two rates rounding may make one."""
    instants[0] = max(instants[0], latest_s)
    return np.asarray(np.maximum.accumulate(instants))


@dataclass(frozen=True)
class Renewal:
    """A gamma renewal process under a rate that is known beforehand."""

    rate: Rate
    shape: float = 1.0

    def __post_init__(self) -> None:
        _check_shape(self.shape)

    def chunks(
        self, rng: np.random.Generator, start_s: float, limit: int = CHUNK_REQUESTS
    ) -> Iterator[FloatArray]:
        """Yield arrays of at most *limit* non-decreasing instants (s) from *start_s*, endless."""
        latest_s = start_s
        for expected in unit_points(rng, self.shape, self.rate.expected(start_s), limit):
            instants = _rising(self.rate.instants(expected), latest_s)
            yield instants
            latest_s = float(instants[-1])


@dataclass(frozen=True)
class CoxRenewal:
    """A gamma renewal process under a rate that comes about as time goes on.

    The rate draws from branches of the generator, so that the points in Λ are those of `Renewal`
    on the same generator.
    """

    rate: RandomRate
    shape: float = 1.0

    def __post_init__(self) -> None:
        _check_shape(self.shape)

    def chunks(
        self, rng: np.random.Generator, start_s: float, limit: int = CHUNK_REQUESTS
    ) -> Iterator[FloatArray]:
        """Yield arrays of at most *limit* non-decreasing instants (s) from *start_s*.

        Ends only where a falling rate has practically come to nothing.
        """
        blocks = self.rate.blocks(rng, start_s)
        edges_s, expected = next(blocks)
        latest_s = start_s
        for points in unit_points(rng, self.shape, 0.0, limit):
            left = points
            while len(left):
                n = int(np.searchsorted(left, expected[-1]))
                if n:
                    instants = _rising(np.interp(left[:n], expected, edges_s), latest_s)
                    yield instants
                    latest_s = float(instants[-1])
                left = left[n:]
                if len(left):
                    block = next(blocks, None)
                    if block is None:
                        return
                    edges_s, expected = block
