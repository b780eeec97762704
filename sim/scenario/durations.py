"""Durations that vary: a plain duration or a law of times, as a scenario says it; knows no clock.

The key that is present chooses the law. Each has `law`, in seconds, and its mean `mean_s`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import (
    AfterValidator,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    RootModel,
    Strict,
    Tag,
)

from sim.scenario.kind import TAG_MARK, Kinds, tag
from sim.scenario.lognormal import LognormalSeconds, SomeTime
from sim.scenario.quantiles import check_quantiles, quantile_mean, table_of, text_keys
from sim.scenario.scalar import Number
from sim.scenario.spec import Fault, Frozen, Spec
from sim.units import Duration, format_duration

if TYPE_CHECKING:  # numpy, which reading a scenario does without
    from sim.laws.law import Law


class FixedDuration(RootModel[Duration]):
    """Always the same time, written as a plain duration; may be 0."""

    model_config = ConfigDict(frozen=True)

    def law(self) -> Law:
        """Return the law, in seconds."""
        from sim.laws.fixed import Fixed

        return Fixed(self.root)

    @property
    def mean_s(self) -> float:
        """Mean, in s."""
        return self.root


class ExponentialDuration(Spec):
    """Exponential times."""

    exponential: SomeTime = Field(description="Mean time.")

    def law(self) -> Law:
        """Return the law, in seconds."""
        from sim.laws.exponential import Exponential

        return Exponential(self.exponential)

    @property
    def mean_s(self) -> float:
        """Mean, in s."""
        return self.exponential


class LognormalDuration(Spec):
    """Lognormal times: a long right tail."""

    lognormal: LognormalSeconds = Field(description="{median, p95} or {mean, cv}.")

    def law(self) -> Law:
        """Return the law, in seconds."""
        from sim.laws.lognormal import Lognormal

        return Lognormal(*self.lognormal.parameters())

    @property
    def mean_s(self) -> float:
        """Mean, in s."""
        return self.lognormal.mean_value


def _check_bounds(bounds: tuple[float, ...]) -> tuple[float, ...]:
    if len(bounds) != 2:
        raise Fault(f"needs two durations, such as [1m, 3m] (got {len(bounds)})")
    low, high = bounds
    if low >= high:
        first, second = format_duration(low), format_duration(high)
        raise Fault(f"the first must be below the second (got {first} and {second})")
    return bounds


class UniformDuration(Spec):
    """Any time between two bounds, all alike."""

    uniform: Annotated[tuple[Duration, ...], Strict(False), AfterValidator(_check_bounds)] = Field(
        description="Least and greatest time, such as [1m, 3m]."
    )

    def law(self) -> Law:
        """Return the law, in seconds."""
        from sim.laws.uniform import Uniform

        return Uniform(*self.uniform)

    @property
    def mean_s(self) -> float:
        """Mean, in s."""
        return sum(self.uniform) / 2.0


class QuantileDuration(Spec):
    """An own quantile table, linear in the logarithm between the levels."""

    quantiles: Annotated[
        dict[str, SomeTime],
        BeforeValidator(text_keys),
        AfterValidator(check_quantiles),
        Frozen,
        Field(description="Level (0 to 1) -> time, such as {0: 1s, 0.5: 66s, 1: 20m}."),
    ]

    def law(self) -> Law:
        """Return the law, in seconds."""
        from sim.laws.quantiles import QuantileTable

        return QuantileTable(*table_of(self.quantiles))

    @property
    def mean_s(self) -> float:
        """Mean, in s."""
        return quantile_mean(*table_of(self.quantiles))


class WeibullTime(Spec):
    """A Weibull law of time by its mean and shape."""

    mean: SomeTime = Field(description="Mean time.")
    shape: Annotated[Number, Field(ge=0.1, le=100)] = Field(
        description="1 is exponential, below 1 the tail is heavier, above 1 lighter."
    )


class WeibullDuration(Spec):
    """Weibull times."""

    weibull: WeibullTime = Field(description="{mean, shape}.")

    def law(self) -> Law:
        """Return the law, in seconds."""
        from sim.laws.weibull import Weibull

        return Weibull.of_mean(self.weibull.mean, self.weibull.shape)

    @property
    def mean_s(self) -> float:
        """Mean, in s."""
        return self.weibull.mean


_KINDS = Kinds(
    "duration law",
    {
        "exponential": (ExponentialDuration, "{exponential: 60s}"),
        "lognormal": (LognormalDuration, "{lognormal: {median: 66s, p95: 8m}}"),
        "uniform": (UniformDuration, "{uniform: [1m, 3m]}"),
        "quantiles": (QuantileDuration, "{quantiles: {0: 1s, 0.5: 66s, 1: 20m}}"),
        "weibull": (WeibullDuration, "{weibull: {mean: 5m, shape: 0.7}}"),
    },
)
_PLAIN = TAG_MARK + "plain"


def _tag_of(value: Any) -> str | None:
    return _KINDS.tag_of(value) if isinstance(value, Mapping | Spec) else _PLAIN


def _check(value: Any) -> Any:
    return _KINDS.check(value) if isinstance(value, Mapping | Spec) else value


DurationLaw = Annotated[
    Annotated[FixedDuration, Tag(_PLAIN)]
    | Annotated[ExponentialDuration, Tag(tag(ExponentialDuration))]
    | Annotated[LognormalDuration, Tag(tag(LognormalDuration))]
    | Annotated[UniformDuration, Tag(tag(UniformDuration))]
    | Annotated[QuantileDuration, Tag(tag(QuantileDuration))]
    | Annotated[WeibullDuration, Tag(tag(WeibullDuration))],
    Discriminator(_tag_of),
    BeforeValidator(_check),
]
"""A time that may vary: ``90s``, or a law of times; the key that is present chooses it."""
