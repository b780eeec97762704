"""Length laws: distributions of token counts by a few numbers; knows no clock."""

from __future__ import annotations

import math
from typing import Annotated, Self

from pydantic import AfterValidator, Field, Strict, model_validator

from sim.scenario.length_spec import LengthSpec
from sim.scenario.lognormal import Component, LognormalTokens, MeanTokens, OneOrMore
from sim.scenario.scalar import Number
from sim.scenario.spec import Fault, Spec

MOST_COMPONENTS = 20
"""Most lognormals of one mixture."""


class FixedLengths(LengthSpec):
    """Always the same number of tokens."""

    fixed: OneOrMore = Field(description="Tokens of every request.")

    def _mean(self) -> float:
        return float(self.fixed)


class LognormalLengths(LengthSpec):
    """Lognormal tokens: a long right tail."""

    lognormal: LognormalTokens = Field(description="{median, p95} or {mean, cv}.")

    def _mean(self) -> float:
        return self.lognormal.mean_value


class ExponentialLengths(LengthSpec):
    """Exponential tokens."""

    exponential: MeanTokens = Field(description="Mean tokens.")

    def _mean(self) -> float:
        return self.exponential


class GeometricLengths(LengthSpec):
    """Geometric tokens 1, 2, 3 …: every token is the last with the same probability."""

    geometric: MeanTokens = Field(description="Mean tokens.")

    def _mean(self) -> float:
        return self.geometric


class GammaNumbers(Spec):
    """A gamma law by its mean and variation."""

    mean: MeanTokens = Field(description="Mean tokens.")
    cv: Annotated[Number, Field(ge=0.001, le=10)] = Field(
        description="Coefficient of variation: standard deviation / mean. 1 is exponential."
    )


class GammaLengths(LengthSpec):
    """Gamma tokens: less of a tail than a lognormal of the same variation."""

    gamma: GammaNumbers = Field(description="{mean, cv}.")

    def _mean(self) -> float:
        return self.gamma.mean


class WeibullNumbers(Spec):
    """A Weibull law of tokens by its mean and shape."""

    mean: MeanTokens = Field(description="Mean tokens.")
    shape: Annotated[Number, Field(ge=0.1, le=100)] = Field(
        description="1 is exponential, below 1 the tail is heavier, above 1 lighter."
    )


class WeibullLengths(LengthSpec):
    """Weibull tokens."""

    weibull: WeibullNumbers = Field(description="{mean, shape}.")

    def _mean(self) -> float:
        return self.weibull.mean


def _check_parts(parts: tuple[Component, ...]) -> tuple[Component, ...]:
    if not 1 <= len(parts) <= MOST_COMPONENTS:
        raise Fault(f"needs 1 to {MOST_COMPONENTS} lognormals (got {len(parts)})")
    return parts


class MixtureLengths(LengthSpec):
    """Each draw comes from one of several lognormals, such as short and long answers."""

    mixture: Annotated[tuple[Component, ...], Strict(False), AfterValidator(_check_parts)] = Field(
        description="Lognormals: {weight} with {median, p95}, {mean, cv} or {mu, sigma} of ln."
    )

    def _mean(self) -> float:
        total = math.fsum(part.weight for part in self.mixture)
        return math.fsum(part.weight / total * part.mean_value for part in self.mixture)


class ParetoNumbers(Spec):
    """A lognormal body and, from a knee on, a tail that falls as a power law."""

    median: OneOrMore = Field(description="Median of the lognormal body.")
    p95: OneOrMore = Field(description="95 % quantile that the lognormal body alone would have.")
    tail_from: OneOrMore = Field(description="Tokens at which the Pareto tail begins.")
    tail_index: Annotated[Number, Field(ge=0.1, le=100)] = Field(
        description="P(more than x tokens) falls as x^-tail_index; the mean is finite above 1."
    )

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.p95 <= self.median:
            raise Fault(f"must be above the median, {self.median} (got {self.p95})", "p95")
        if self.tail_from < self.median:
            rule = f"must not be below the median, {self.median} (got {self.tail_from})"
            raise Fault(rule, "tail_from")
        return self

    @property
    def body(self) -> LognormalTokens:
        """The lognormal that holds below `tail_from`."""
        return LognormalTokens(median=self.median, p95=self.p95)


class ParetoLengths(LengthSpec):
    """Lognormal tokens with a Pareto tail: now and then very long ones."""

    pareto: ParetoNumbers = Field(description="{median, p95, tail_from, tail_index}.")

    def _mean(self) -> float:
        """Return E[Y; Y <= knee] of the body plus P(Y > knee) · knee · index / (index - 1)."""
        index, knee = self.pareto.tail_index, float(self.pareto.tail_from)
        if index <= 1.0:
            return math.inf
        mu, sigma = self.pareto.body.parameters()
        score = (math.log(knee) - mu) / sigma
        below = math.exp(mu + sigma**2 / 2) * math.erfc((sigma - score) / math.sqrt(2)) / 2
        beyond = math.erfc(score / math.sqrt(2)) / 2
        return below + beyond * knee * index / (index - 1.0)
