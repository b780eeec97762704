"""Length: the law of a prompt's or an answer's tokens, and the sampler made of it; no clock.

A law is a distribution on the positive reals. Tokens are its values rounded *up*, then capped:
X = clip(⌈Y⌉, min, max), so one token is the least, an exponential becomes exactly geometric, and
an integer table gives its own integers back. Rounding up adds about half a token to the mean of
a continuous law (`TokenSampler.mean_tokens` has it exactly). Draws invert the distribution
function on `Generator.random()`, one uniform number per request.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol, assert_never

import numpy as np

from sim.catalog.workloads import length_table
from sim.scenario.lengths import (
    ExponentialLengths,
    FixedLengths,
    GeometricLengths,
    Lengths,
    LognormalLengths,
    QuantileLengths,
    WorkloadLengths,
)
from sim.traffic.chunk import FloatArray, IntArray

Field = Literal["input", "output"]

MAX_TOKENS = 1_000_000_000
"""No sample is larger: keeps the tail of a wild lognormal inside 64-bit integers."""

_SLACK = 1e-12
"""Relative allowance, so that exp(ln 16) = 16.000000000000004 does not round up to 17."""

_EXACT_TERMS = 131_072
_TOP = 1.0 - 2.0**-53
"""Largest uniform number that `Generator.random` gives."""


class Sampler(Protocol):
    """What draws the tokens of a route's prompts or answers."""

    def sample(self, rng: np.random.Generator, n: int) -> IntArray:
        """Return *n* independent token counts, each at least 1."""
        ...

    def mean_tokens(self) -> float:
        """Return the mean of what `sample` draws."""
        ...


class Law(Protocol):
    """A distribution of Y > 0 (tokens before rounding up)."""

    def quantile(self, u: FloatArray) -> FloatArray:
        """Return the *u*-quantiles of Y, for u in [0, 1)."""
        ...

    def survival(self, tokens: FloatArray) -> FloatArray:
        """Return P(Y > tokens)."""
        ...


@dataclass(frozen=True)
class Fixed:
    """Always the same number of tokens."""

    tokens: float

    def quantile(self, u: FloatArray) -> FloatArray:
        """Return *tokens* for each of *u*."""
        return np.full(len(u), float(self.tokens))

    def survival(self, tokens: FloatArray) -> FloatArray:
        """Return 1 below the fixed number, 0 from it on."""
        return np.where(tokens < self.tokens, 1.0, 0.0)


@dataclass(frozen=True)
class Exponential:
    """Exponential with the given scale (its mean, before rounding up)."""

    scale: float

    def quantile(self, u: FloatArray) -> FloatArray:
        """Return -scale · ln(1 - u)."""
        return -self.scale * np.log1p(-u)

    def survival(self, tokens: FloatArray) -> FloatArray:
        """Return exp(-tokens / scale)."""
        return np.exp(-tokens / self.scale)


@dataclass(frozen=True)
class Lognormal:
    """exp(mu + sigma · Z) with Z standard normal."""

    mu: float
    sigma: float

    def quantile(self, u: FloatArray) -> FloatArray:
        """Return exp(mu + sigma · Φ⁻¹(u)); 0 at u = 0."""
        from scipy.special import ndtri  # slow to import

        return np.asarray(np.exp(self.mu + self.sigma * ndtri(u)), dtype=np.float64)

    def survival(self, tokens: FloatArray) -> FloatArray:
        """Return Φ((mu - ln tokens) / sigma)."""
        from scipy.special import ndtr  # slow to import

        log_tokens = np.log(np.maximum(tokens, 1e-300))
        return np.asarray(ndtr((self.mu - log_tokens) / self.sigma), dtype=np.float64)


class QuantileTable:
    """Quantiles at given levels, linear in ln tokens between them.

    Below the first level and above the last the table is flat: the rest of the mass sits on its
    first and last value. Equal neighbours are atoms.
    """

    def __init__(self, levels: Sequence[float], tokens: Sequence[float]) -> None:
        at = np.asarray(levels, dtype=np.float64)
        values = np.asarray(tokens, dtype=np.float64)
        if len(at) != len(values) or not len(at):
            raise ValueError(f"{len(at)} levels do not fit {len(values)} token counts")
        if at[0] < 0.0 or at[-1] > 1.0 or not (np.diff(at) > 0.0).all():
            raise ValueError(f"levels must increase within 0…1, not {at.tolist()}")
        if not (values >= 1.0).all() or not (np.diff(values) >= 0.0).all():
            raise ValueError(f"tokens must not fall and be at least 1, not {values.tolist()}")
        self._levels: FloatArray = at
        self._log_tokens: FloatArray = np.log(values)

    def quantile(self, u: FloatArray) -> FloatArray:
        """Return the interpolated quantiles."""
        return np.exp(np.interp(u, self._levels, self._log_tokens))

    def survival(self, tokens: FloatArray) -> FloatArray:
        """Return P(Y > tokens), right-continuous at atoms."""
        log_tokens = self._log_tokens
        x = np.concatenate((log_tokens[:1], log_tokens, log_tokens[-1:]))
        below = np.concatenate(([0.0], self._levels, [1.0]))
        found = np.interp(np.log(np.maximum(tokens, 1e-300)), x, below, left=0.0, right=1.0)
        return 1.0 - found


@dataclass(frozen=True)
class TokenSampler:
    """Whole tokens: *law* rounded up, then capped to [low, high] (mass beyond sits on the cap)."""

    law: Law
    low: int = 1
    high: int = MAX_TOKENS

    def __post_init__(self) -> None:
        if not 1 <= self.low <= self.high <= MAX_TOKENS:
            raise ValueError(f"caps must be 1 <= min ({self.low}) <= max ({self.high})")

    def sample(self, rng: np.random.Generator, n: int) -> IntArray:
        """Return *n* independent token counts, each in [low, high]."""
        whole = np.ceil(self.law.quantile(rng.random(n)) * (1.0 - _SLACK))
        return np.clip(whole, self.low, self.high).astype(np.int64)

    def mean_tokens(self) -> float:
        """Return the mean of the rounded and capped law.

        Σ P(X > k), term by term up to 131,072 tokens and by the trapezoid rule beyond (relative
        error there below 1e-4); some milliseconds.
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


def law_of(spec: Lengths, field: Field) -> Law:
    """Return the law that *spec* names; *field* chooses the table of a workload.

    A geometric law of mean m is an exponential one of scale -1/ln(1 - 1/m), rounded up.
    """
    match spec:
        case FixedLengths():
            return Fixed(spec.fixed)
        case ExponentialLengths():
            return Exponential(spec.exponential)
        case GeometricLengths() if spec.geometric == 1.0:
            return Fixed(1.0)
        case GeometricLengths():
            return Exponential(-1.0 / math.log1p(-1.0 / spec.geometric))
        case LognormalLengths():
            return Lognormal(spec.lognormal.mu, spec.lognormal.sigma)
        case QuantileLengths():
            return QuantileTable(spec.levels, spec.tokens)
        case WorkloadLengths():
            table = length_table(spec.workload, field)
            return QuantileTable(table.levels, table.tokens)
        case _:
            assert_never(spec)


def sampler(spec: Lengths, field: Field) -> Sampler:
    """Return the sampler of the *field* (input or output) that *spec* describes."""
    high = MAX_TOKENS if spec.max is None else spec.max
    return TokenSampler(law_of(spec, field), 1 if spec.min is None else spec.min, high)


def mean_tokens(spec: Lengths, field: Field) -> float:
    """Return the mean tokens of *spec*, rounding and caps included; see `TokenSampler`."""
    return sampler(spec, field).mean_tokens()
