"""Length distance: how far samplers of token counts are from samples of them; knows no clock.

Distances are between distribution functions: of one side (Kolmogorov and Smirnov's), and of
input and output together on a grid of quantiles.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from sim.scenario.lengths import Lengths
from sim.traffic.chunk import FloatArray, IntArray
from sim.traffic.lengths import Field, pair_sampler, sampler
from sim.workload.requests import Requests
from sim.workload.token_table import Share, share_of

GRID_LEVELS = tuple(k / 20 for k in range(1, 20))
"""Levels of the grid of the joint distance: 19 × 19."""

Pairs = tuple[IntArray, IntArray]

_MODEL_DRAWS = 200_000
_MOST_DRAWS = 20_000
_SLACK = 1e-12
_SEED = 419


def distance(model: Lengths, field: Field, share: Share) -> float:
    """Return the largest |P_model(X <= n) - P(X <= n)|, exactly, of what the sampler draws."""
    drawn = sampler(model, field)
    at = np.unique(np.concatenate((share.tokens - 1, share.tokens)))
    below = np.where(
        at >= drawn.high, 1.0, 1.0 - drawn.law.survival(at.astype(np.float64) * (1.0 + _SLACK))
    )
    return float(np.abs(np.where(at < drawn.low, 0.0, below) - share.at(at)).max())


def sample_distance(first: IntArray, second: IntArray) -> float:
    """Return the largest difference of the two samples' distribution functions."""
    shares = share_of(first), share_of(second)
    at = np.union1d(shares[0].tokens, shares[1].tokens)
    return float(np.abs(shares[0].at(at) - shares[1].at(at)).max())


def joint_distance(first: Pairs, second: Pairs) -> float:
    """Return the largest |P₁(X <= x, Y <= y) - P₂(…)| over a 19 × 19 grid.

    The grid is made of the quantiles of *second*, which is the sample that is tested on.
    """
    x, y = (_grid(side) for side in second)
    return float(np.abs(_joint(first, x, y) - _joint(second, x, y)).max())


def draws(
    model_input: Lengths, model_output: Lengths, n: int = _MODEL_DRAWS, seed: int = 0
) -> Pairs:
    """Return *n* requests of a route with these lengths."""
    input_rng, output_rng = (np.random.default_rng([_SEED, seed, side]) for side in (0, 1))
    return pair_sampler(model_input, model_output).sample(input_rng, output_rng, n)


def noise(measure: Callable[[int], float], n: int, seeds: int) -> tuple[float, float]:
    """Return the 5 and 95 % quantile of *measure* over *seeds* samples of *n* requests.

    *measure* takes a seed. Samples are of at most 20,000, and what they show is scaled by the
    root of the sizes' ratio.
    """
    scale = (min(n, _MOST_DRAWS) / n) ** 0.5
    found = [scale * measure(seed) for seed in range(1, seeds + 1)]
    low, high = np.quantile(found, (0.05, 0.95))
    return float(low), float(high)


def drawn_at_once(n: int) -> int:
    """Return how many requests a sample for `noise` has."""
    return min(n, _MOST_DRAWS)


def pairs_of(requests: Requests) -> Pairs:
    """Return the token counts of *requests*."""
    return requests.input_tokens, requests.output_tokens


def _grid(tokens: IntArray) -> IntArray:
    return np.asarray(np.quantile(tokens, GRID_LEVELS, method="inverted_cdf"), dtype=np.int64)


def _joint(pairs: Pairs, x: IntArray, y: IntArray) -> FloatArray:
    """Return P(X <= x, Y <= y) for all pairs of the rising *x* and *y*."""
    columns = np.searchsorted(x, pairs[0]), np.searchsorted(y, pairs[1])
    size = len(x) + 1, len(y) + 1
    flat = np.bincount(columns[0] * size[1] + columns[1], minlength=size[0] * size[1])
    sums = flat.reshape(size).cumsum(axis=0).cumsum(axis=1)
    return np.asarray(sums[:-1, :-1] / len(pairs[0]), dtype=np.float64)
