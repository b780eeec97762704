"""Draws: random numbers by inversion, and generators that branch off another; knows no clock.

Inverting distribution functions on `Generator.random()` makes draws depend on the bit generator
alone and not on numpy's distribution code, which may change between releases (NEP 19).
"""

from __future__ import annotations

import copy
import hashlib

import numpy as np

from sim.traffic.chunk import FloatArray, IntArray

_LEAST = 2.0**-54  # stands for a uniform draw of 0, whose quantile would be infinite


def branch(rng: np.random.Generator, purpose: str) -> np.random.Generator:
    """Return a generator for *purpose*, seeded by where *rng* stands; *rng* itself stays there.

    So what one purpose draws is not changed by whether others exist, and two branches of one
    generator that has moved on in between differ.

    >>> rng = np.random.default_rng(7)
    >>> branch(rng, "batches").random() == branch(rng, "batches").random()
    True
    """
    ahead = copy.deepcopy(rng).bit_generator.random_raw(4)
    digest = hashlib.sha256(purpose.encode()).digest()
    words = tuple(int.from_bytes(digest[i : i + 4], "little") for i in range(0, 16, 4))
    sequence = np.random.SeedSequence([int(word) for word in ahead], spawn_key=words)
    return np.random.Generator(np.random.PCG64(sequence))


def exponentials(rng: np.random.Generator, n: int) -> FloatArray:
    """Return *n* exponential draws of mean 1."""
    return -np.log1p(-rng.random(n))


def normals(rng: np.random.Generator, n: int) -> FloatArray:
    """Return *n* standard normal draws."""
    from scipy.special import ndtri  # slow to import, needed by bursts alone

    return np.asarray(ndtri(np.maximum(rng.random(n), _LEAST)), dtype=np.float64)


def geometrics(rng: np.random.Generator, n: int, mean: float) -> IntArray:
    """Return *n* draws from 1, 2, 3 ... with that *mean*, each the last with probability 1/mean."""
    if mean == 1.0:
        return np.ones(n, dtype=np.int64)
    trials = np.log1p(-rng.random(n)) / np.log1p(-1.0 / mean)
    return np.asarray(trials, dtype=np.int64) + 1
