"""Lengths: how many tokens a prompt or an answer has, as a scenario says it; knows no clock.

The key that is present chooses the law; `min` and `max` cap every law. Sampling is elsewhere.
"""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Discriminator, Field, Tag, model_validator

from sim.catalog.workloads import length_table
from sim.scenario.kind import Kinds, tag
from sim.scenario.scalar import Number, Text
from sim.scenario.spec import Fault, Frozen, Spec
from sim.units import MAX_TOKENS, Tokens, shown

_Z95 = 1.6448536269514722  # 95 % quantile of the standard normal distribution

_OneOrMore = Annotated[Tokens, Field(ge=1)]
_Mean = Annotated[Number, Field(ge=1, le=MAX_TOKENS)]


def quantile_mean(levels: tuple[float, ...], tokens: tuple[float, ...]) -> float:
    """Return the mean of a quantile table that is linear in ln x between its levels.

    Over a piece from x to y it is the logarithmic mean (y - x) / ln(y / x).

    >>> round(quantile_mean((0.0, 1.0), (1.0, math.e)), 6)
    1.718282
    """
    pieces = zip(pairwise(levels), pairwise(tokens), strict=True)
    return math.fsum(
        (u1 - u0) * (x0 if x0 == x1 else (x1 - x0) / math.log(x1 / x0))
        for (u0, u1), (x0, x1) in pieces
    )


class LengthSpec(Spec):
    """What all laws share: caps. A draw outside them becomes the cap, it is not drawn again."""

    min: _OneOrMore | None = Field(default=None, description="No draw is below this many tokens.")
    max: _OneOrMore | None = Field(default=None, description="No draw is above this many tokens.")

    @model_validator(mode="after")
    def _min_below_max(self) -> LengthSpec:
        if self.min is not None and self.max is not None and self.min > self.max:
            raise Fault(f"must not be above max (got min {self.min}, max {self.max})", "min")
        return self

    @property
    def rough_mean(self) -> float:
        """The law's mean in tokens, itself clipped to the caps: a few per cent off if they bite."""
        low = 1.0 if self.min is None else float(self.min)
        high = math.inf if self.max is None else float(self.max)
        return min(max(self._mean(), low), high)

    def _mean(self) -> float:
        raise NotImplementedError


class FixedLengths(LengthSpec):
    """Always the same number of tokens."""

    fixed: _OneOrMore = Field(description="Tokens of every request.")

    def _mean(self) -> float:
        return float(self.fixed)


class Lognormal(Spec):
    """A lognormal law, by its median and 95 % quantile or by its mean and variation."""

    median: _OneOrMore | None = Field(default=None, description="Half of the draws are below.")
    p95: _OneOrMore | None = Field(default=None, description="95 % of the draws are below.")
    mean: _Mean | None = Field(default=None, description="Mean tokens.")
    cv: Annotated[Number, Field(gt=0, le=100)] | None = Field(
        default=None, description="Coefficient of variation: standard deviation / mean."
    )

    @model_validator(mode="after")
    def _one_way(self) -> Lognormal:
        given = {
            name for name in ("median", "p95", "mean", "cv") if getattr(self, name) is not None
        }
        if given not in ({"median", "p95"}, {"mean", "cv"}):
            got = ", ".join(sorted(given)) or "neither"
            raise Fault(f"needs median and p95, or mean and cv (got {got})")
        if self.median is not None and self.p95 is not None and self.p95 <= self.median:
            raise Fault(f"must be above the median, {self.median} (got {self.p95})", "p95")
        return self

    @property
    def mu(self) -> float:
        """Mean of the logarithm."""
        if self.mean is not None:
            return math.log(self.mean) - self.sigma**2 / 2
        return math.log(self.median or 1)

    @property
    def sigma(self) -> float:
        """Standard deviation of the logarithm."""
        if self.cv is not None:
            return math.sqrt(math.log1p(self.cv**2))
        return math.log((self.p95 or 1) / (self.median or 1)) / _Z95


class LognormalLengths(LengthSpec):
    """Lognormal tokens: a long right tail."""

    lognormal: Lognormal = Field(description="{median, p95} or {mean, cv}.")

    def _mean(self) -> float:
        return math.exp(min(self.lognormal.mu + self.lognormal.sigma**2 / 2, 50.0))


class ExponentialLengths(LengthSpec):
    """Exponential tokens."""

    exponential: _Mean = Field(description="Mean tokens.")

    def _mean(self) -> float:
        return self.exponential


class GeometricLengths(LengthSpec):
    """Geometric tokens 1, 2, 3 …: every token is the last with the same probability."""

    geometric: _Mean = Field(description="Mean tokens.")

    def _mean(self) -> float:
        return self.geometric


def _check_quantiles(quantiles: dict[str, int]) -> dict[str, int]:
    levels: list[float] = []
    for text in quantiles:
        try:
            level = float(text)
        except ValueError:
            level = math.nan
        if not 0.0 <= level <= 1.0:
            raise Fault(f"a level must be a number from 0 to 1 (got {shown(text)})", text)
        levels.append(level)
    if len(levels) < 2 or (min(levels), max(levels)) != (0.0, 1.0):
        raise Fault("needs at least the levels 0 and 1, such as {0: 1, 0.5: 128, 1: 1000}")
    if len(set(levels)) < len(levels):
        raise Fault("gives a level twice")
    ordered = [quantiles[text] for _, text in sorted(zip(levels, quantiles, strict=True))]
    if any(after < before for before, after in pairwise(ordered)):
        raise Fault("must not fall: a higher level needs at least as many tokens")
    return quantiles


def _text_keys(value: object) -> object:
    if isinstance(value, dict):
        return {f"{key:g}" if isinstance(key, float) else str(key): v for key, v in value.items()}
    return value


class QuantileLengths(LengthSpec):
    """An own quantile table, linear in ln(tokens) between the levels."""

    quantiles: Annotated[
        dict[str, _OneOrMore],
        BeforeValidator(_text_keys),
        AfterValidator(_check_quantiles),
        Frozen,
        Field(description="Level (0 to 1) -> tokens, such as {0: 1, 0.5: 128, 1: 1000}."),
    ]

    @property
    def levels(self) -> tuple[float, ...]:
        """Levels, rising from 0 to 1."""
        return tuple(sorted(float(text) for text in self.quantiles))

    @property
    def tokens(self) -> tuple[float, ...]:
        """Tokens at `levels`."""
        ordered = sorted(self.quantiles.items(), key=lambda item: float(item[0]))
        return tuple(float(tokens) for _, tokens in ordered)

    def _mean(self) -> float:
        return quantile_mean(self.levels, self.tokens)


def _check_workload(name: str) -> str:
    length_table(name, "input")
    return name


class WorkloadLengths(LengthSpec):
    """The lengths of a public trace; input or output, by the field that it stands in."""

    workload: Annotated[Text, AfterValidator(_check_workload)] = Field(
        description="A workload of the catalog.", json_schema_extra={"x-catalog": "workloads"}
    )

    def _mean(self) -> float:
        table = length_table(self.workload, "output")
        return quantile_mean(table.levels, table.tokens)


_KINDS = Kinds(
    "lengths",
    {
        "fixed": (FixedLengths, "{fixed: 500}"),
        "lognormal": (LognormalLengths, "{lognormal: {median: 800, p95: 4k}}"),
        "exponential": (ExponentialLengths, "{exponential: 300}"),
        "geometric": (GeometricLengths, "{geometric: 300}"),
        "quantiles": (QuantileLengths, "{quantiles: {0: 1, 0.5: 128, 1: 1k}}"),
        "workload": (WorkloadLengths, "{workload: azure-conv-2023}"),
    },
)

Lengths = Annotated[
    Annotated[FixedLengths, Tag(tag(FixedLengths))]
    | Annotated[LognormalLengths, Tag(tag(LognormalLengths))]
    | Annotated[ExponentialLengths, Tag(tag(ExponentialLengths))]
    | Annotated[GeometricLengths, Tag(tag(GeometricLengths))]
    | Annotated[QuantileLengths, Tag(tag(QuantileLengths))]
    | Annotated[WorkloadLengths, Tag(tag(WorkloadLengths))],
    Discriminator(_KINDS.tag_of),
    BeforeValidator(_KINDS.check),
]
"""A law of token counts; the key that is present chooses it."""
