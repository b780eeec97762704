"""Tokens: whole token counts drawn from a law, rounded up and capped; knows no clock.

Tokens are a law's values rounded *up*, then capped: X = clip(⌈Y⌉, min, max), so one token is the
least, an exponential becomes exactly geometric, and whole values come back as they are. Rounding
up adds about half a token to the mean of a continuous law (`TokenSampler.mean_tokens` has it
exactly). Draws invert the distribution function on `Generator.random()`, one uniform number per
request.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from sim.laws.law import Law
from sim.traffic.chunk import FloatArray, IntArray
from sim.units import MAX_TOKENS

_SLACK = 1e-12
"""Relative allowance, so that exp(ln 16) = 16.000000000000004 does not round up to 17."""

_EXACT_TERMS = 131_072
_TOP = 1.0 - 2.0**-53
"""Largest uniform number that `Generator.random` gives."""


@dataclass(frozen=True)
class TokenSampler:
    """Whole tokens: *law* rounded up, then capped to [low, high] (mass beyond sits on the cap).

    Without caps of its own it stops at `MAX_TOKENS`, so that the tail of a wild law stays inside
    64-bit integers.
    """

    law: Law
    low: int = 1
    high: int = MAX_TOKENS

    def __post_init__(self) -> None:
        if not 1 <= self.low <= self.high <= MAX_TOKENS:
            raise ValueError(f"caps must be 1 <= min ({self.low}) <= max ({self.high})")

    def sample(self, rng: np.random.Generator, n: int) -> IntArray:
        """Return *n* independent token counts, each in [low, high]."""
        return self.whole(self.law.quantile(rng.random(n)))

    def whole(self, y: FloatArray) -> IntArray:
        """Return *y*, tokens of the law, rounded up and capped."""
        return np.clip(np.ceil(y * (1.0 - _SLACK)), self.low, self.high).astype(np.int64)

    def mean_tokens(self) -> float:
        """Return the mean of the rounded and capped law.

        Σ P(X > k), term by term up to 131,072 tokens and by the trapezoid rule beyond (relative
        error there below 1e-4, below 3e-4 if all the mass sits on one value); some milliseconds.
        """
        top = np.ceil(self.law.quantile(np.array([_TOP]))[0])
        high = int(min(self.high, max(top, self.low)))
        knee = min(high, self.low + _EXACT_TERMS)
        mean = self.low + math.fsum(self._survival(np.arange(self.low, knee, dtype=np.float64)))
        if high > knee:
            grid = np.geomspace(knee, high, 16_385)
            over = self._survival(grid)
            areas = (over[1:] + over[:-1]) * np.diff(grid) / 2.0
            mean += float(areas.sum() + (over[0] - over[-1]) / 2.0)  # sum from integral
        return mean

    def _survival(self, tokens: FloatArray) -> FloatArray:
        return self.law.survival(tokens * (1.0 + _SLACK))
