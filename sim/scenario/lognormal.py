"""Lognormal: the pairs of numbers that a scenario may say a lognormal law by; knows no clock."""

from __future__ import annotations

import math
from typing import Annotated, ClassVar, Self

from pydantic import Field, model_validator

from sim.scenario.scalar import Number
from sim.scenario.spec import Fault, Spec
from sim.units import MAX_TOKENS, Duration, Tokens, format_duration

_Z95 = 1.6448536269514722  # 95 % quantile of the standard normal distribution
_LEAST_SIGMA = 1e-9  # numbers that differ by rounding only would make it 0

OneOrMore = Annotated[Tokens, Field(ge=1)]
MeanTokens = Annotated[Number, Field(ge=1, le=MAX_TOKENS)]
_Cv = Annotated[Number, Field(gt=0, le=100)]
SomeTime = Annotated[Duration, Field(gt=0)]

_MEDIAN = "Half of the draws are below."
_P95 = "95 % of the draws are below."
_CV = "Coefficient of variation: standard deviation / mean."


class LognormalNumbers(Spec):
    """Exactly one of `pairs` is given; subclasses say in which unit."""

    pairs: ClassVar[tuple[tuple[str, str], ...]] = (("median", "p95"), ("mean", "cv"))

    median: float | None = None
    p95: float | None = None
    mean: float | None = None
    cv: float | None = None

    @model_validator(mode="after")
    def _one_pair(self) -> Self:
        given = [name for pair in self.pairs for name in pair if getattr(self, name) is not None]
        if tuple(given) not in self.pairs:
            several = [" and ".join(pair) for pair in self.pairs]
            ways = f"{', '.join(several[:-1])}, or {several[-1]}"
            raise Fault(f"needs {ways} (got {', '.join(sorted(given)) or 'neither'})")
        if self.median is not None and self.p95 is not None and self.p95 <= self.median:
            median, p95 = self._written(self.median), self._written(self.p95)
            raise Fault(f"must be above the median, {median} (got {p95})", "p95")
        return self

    @staticmethod
    def _written(value: float) -> str:
        return str(value)

    def parameters(self) -> tuple[float, float]:
        """Return mean and standard deviation of the logarithm."""
        if self.mean is not None and self.cv is not None:
            variance = max(math.log1p(self.cv**2), _LEAST_SIGMA**2)
            return math.log(self.mean) - variance / 2, math.sqrt(variance)
        median, p95 = self.median or 1.0, self.p95 or 1.0
        return math.log(median), max(math.log(p95 / median) / _Z95, _LEAST_SIGMA)

    @property
    def mean_value(self) -> float:
        """Mean of the law, exp(mu + sigma²/2), in the unit of `median`."""
        mu, sigma = self.parameters()
        return math.exp(mu + sigma**2 / 2)


class LognormalTokens(LognormalNumbers):
    """A lognormal law of tokens, by its median and 95 % quantile or by its mean and variation."""

    median: OneOrMore | None = Field(default=None, description=_MEDIAN)
    p95: OneOrMore | None = Field(default=None, description=_P95)
    mean: MeanTokens | None = Field(default=None, description="Mean tokens.")
    cv: _Cv | None = Field(default=None, description=_CV)


class LognormalSeconds(LognormalNumbers):
    """A lognormal law of time, by its median and 95 % quantile or by its mean and variation."""

    median: SomeTime | None = Field(default=None, description=_MEDIAN)
    p95: SomeTime | None = Field(default=None, description=_P95)
    mean: SomeTime | None = Field(default=None, description="Mean time.")
    cv: _Cv | None = Field(default=None, description=_CV)

    @staticmethod
    def _written(value: float) -> str:
        return format_duration(value)


class Component(LognormalTokens):
    """One lognormal of a mixture of token counts."""

    pairs: ClassVar[tuple[tuple[str, str], ...]] = (*LognormalNumbers.pairs, ("mu", "sigma"))

    weight: Annotated[Number, Field(gt=0, le=1e9)] = Field(
        description="Its part of the draws, relative to the other weights."
    )
    mu: Annotated[Number, Field(ge=-20, le=21)] | None = Field(
        default=None, description="Mean of ln(tokens)."
    )
    sigma: Annotated[Number, Field(gt=0, le=10)] | None = Field(
        default=None, description="Standard deviation of ln(tokens)."
    )

    def parameters(self) -> tuple[float, float]:
        """Return mean and standard deviation of the logarithm."""
        if self.mu is not None and self.sigma is not None:
            return self.mu, max(self.sigma, _LEAST_SIGMA)
        return super().parameters()
