"""Ticks: how coarse a file's clock is, and its times spread over what it cannot tell; no clock."""

from __future__ import annotations

import numpy as np

from sim.traffic.chunk import FloatArray

COARSE = 0.02
"""A tick above this share of the mean gap shows in the law of the gaps."""

_FINEST_S = 1e-6
_OFF_GRID = 0.02
"""Instants may miss the grid by this share of a tick (Mooncake's 3 s come 3 ms early or late)."""
_SEED = 20_231_116


def tick_of(at_s: FloatArray) -> float | None:
    """Return the clock's tick (s) if it is coarse for the rate of *at_s*, else None.

    Nearly all distances between the distinct instants must be whole ticks, and requests must
    share instants: without ties there is nothing to spread.
    """
    instants = np.unique(np.round(at_s, 6))
    if len(instants) < 3 or len(instants) == len(at_s):
        return None
    steps = np.diff(instants)
    least_s = float(np.quantile(steps, 0.01, method="lower"))
    tick_s = float(np.median(steps[steps <= 1.05 * least_s]))
    rate_per_s = len(at_s) / float(at_s[-1] - at_s[0] + tick_s)
    if tick_s * rate_per_s < COARSE:
        return None
    off = np.abs(steps / tick_s - np.rint(steps / tick_s))
    if float((off > _OFF_GRID).mean()) > 0.01:
        return None
    tick_s = float(steps.sum() / np.rint(steps / tick_s).sum())
    return float(np.rint(tick_s / _FINEST_S) * _FINEST_S) if tick_s < 0.1 else round(tick_s, 3)


def spread(at_s: FloatArray, tick_s: float) -> FloatArray:
    """Return *at_s* with each time moved uniformly within its tick, in order; always the same."""
    rng = np.random.default_rng(_SEED)
    grid_s = np.rint((at_s - at_s[0]) / tick_s) * tick_s
    return np.sort(at_s[0] + grid_s + tick_s * rng.random(len(at_s)))
