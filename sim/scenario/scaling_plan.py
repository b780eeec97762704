"""Scaling plan: replicas by the clock, or by the demand of a day ago, as specs; knows no clock."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Discriminator,
    Field,
    Strict,
    Tag,
    WithJsonSchema,
    model_validator,
)

from sim.scenario.filled import Filled
from sim.scenario.hint import hint
from sim.scenario.kind import TAG_MARK
from sim.scenario.scalar import Count, Number
from sim.scenario.spec import Fault, Spec
from sim.units import Duration, format_duration, shown


def _some_time(seconds: float) -> float:
    if seconds <= 0:
        raise Fault(f"must be more than 0 (got {format_duration(seconds)})")
    return seconds


Span = Annotated[Duration, AfterValidator(_some_time)]
"""A duration above 0."""

Weekday = Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
"""Names of the days."""

WEEKDAYS: tuple[Weekday, ...] = (
    "monday",
    "tuesday",
    "wednesday",
    "thursday",
    "friday",
    "saturday",
    "sunday",
)

_DAYS: dict[str, tuple[Weekday, ...]] = {
    "all": WEEKDAYS,
    "weekdays": WEEKDAYS[:5],
    "weekends": WEEKDAYS[5:],
}

_CLOCK = r"([01][0-9]|2[0-3]):([0-5][0-9])"


def _check_clock(value: Any) -> str:
    if not isinstance(value, str) or not re.fullmatch(_CLOCK, value, re.ASCII):
        raise Fault(f'must be a time of day such as "08:00" (got {shown(value)})')
    return value


def _check_days(value: Any) -> Any:
    if isinstance(value, list | tuple):
        return value
    if isinstance(value, str) and value in _DAYS:
        return value
    rule = f"must be {', '.join(_DAYS)} or a list of days such as [monday, friday]"
    raise Fault(f"{rule} ({hint(value, _DAYS)})")


def _days_tag(value: Any) -> str:
    return TAG_MARK + ("name" if isinstance(value, str) else "days")


_Days = Annotated[
    Annotated[Literal["all", "weekdays", "weekends"], Tag(TAG_MARK + "name")]
    | Annotated[tuple[Weekday, ...], Strict(False), Filled, Tag(TAG_MARK + "days")],
    Discriminator(_days_tag),
    BeforeValidator(_check_days),
]


class ScheduleStep(Spec):
    """From a time of day on, so many replicas."""

    at: Annotated[
        str,
        BeforeValidator(_check_clock),
        WithJsonSchema({"type": "string", "pattern": f"^{_CLOCK}$"}),
    ] = Field(description='Time of day, such as "08:00".')
    days: _Days = Field(
        default="all", description="On which days: all, weekdays, weekends or a list of days."
    )
    replicas: Annotated[Count, Field(ge=0, le=10_000)] = Field(
        description="Replicas from then on, until another step; 0 needs scale_to_zero."
    )

    @property
    def at_s(self) -> float:
        """Seconds from midnight."""
        hours, minutes = self.at.split(":")
        return 3600.0 * int(hours) + 60.0 * int(minutes)

    def weekdays(self) -> tuple[Weekday, ...]:
        """Return the days of the step."""
        return _DAYS[self.days] if isinstance(self.days, str) else self.days


class ScheduleScaler(Spec):
    """So many replicas at such times of the week; the last step of a week lasts into the next."""

    kind: Literal["schedule"] = Field(description="schedule.")
    steps: Annotated[tuple[ScheduleStep, ...], Strict(False), Filled] = Field(
        description="When the number of replicas changes, and to what."
    )
    every: Span = Field(default=15.0, description="Time from one look at the clock to the next.")

    @model_validator(mode="after")
    def _one_step_at_a_time(self) -> Self:
        taken: set[tuple[str, str]] = set()
        for number, step in enumerate(self.steps):
            for day in step.weekdays():
                if (day, step.at) in taken:
                    rule = f"there is another step on {day} at {step.at}"
                    raise Fault(rule, "steps", number, "at")
                taken.add((day, step.at))
        return self


def _share(value: Any) -> float:
    percent = (
        re.fullmatch(r" *([0-9]+(?:\.[0-9]+)?) *% *", value) if isinstance(value, str) else None
    )
    number = float(percent[1]) / 100 if percent else value
    if isinstance(number, bool) or not isinstance(number, int | float) or not 0 <= number <= 5:
        raise ValueError(f"must be a share from 0 to 5, such as 20% or 0.2 (got {shown(value)})")
    return float(number)


_Share = Annotated[
    float,
    BeforeValidator(_share),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "number", "minimum": 0, "maximum": 5},
                {"type": "string", "pattern": r"^ *[0-9]+(\.[0-9]+)? *% *$"},
            ]
        }
    ),
]


class ForecastScaler(Spec):
    """Yesterday's demand at the same time, plus a margin, ordered ahead of the cold start."""

    kind: Literal["forecast"] = Field(description="forecast.")
    requests_per_s: Annotated[Number, Field(gt=0, le=1e6)] | None = Field(
        default=None, description="Requests a second that one replica is to serve."
    )
    tokens_per_s: Annotated[Number, Field(gt=0, le=1e9)] | None = Field(
        default=None,
        description="Input and output tokens a second that one replica is to serve; this or "
        "requests_per_s.",
    )
    margin: _Share = Field(default=0.2, description="Added to the forecast: 20% or 0.2.")
    period: Span = Field(default=86_400.0, description="How long ago it was the same: 24h or 7d.")
    lead: Duration = Field(
        default=600.0, description="How far ahead it looks: as long as a replica takes to start."
    )
    slot: Span = Field(default=300.0, description="Demand is averaged over slots of this length.")
    every: Span = Field(default=60.0, description="Time from one look to the next.")

    @model_validator(mode="after")
    def _adds_up(self) -> Self:
        if (self.requests_per_s is None) == (self.tokens_per_s is None):
            raise Fault("give requests_per_s or tokens_per_s: what one replica is to serve")
        if self.period % self.slot:
            rule = f"must go into period, {format_duration(self.period)}, without a rest"
            raise Fault(f"{rule} (got {format_duration(self.slot)})", "slot")
        if self.lead + self.slot > self.period:
            rule = "must end a slot or more before the period does"
            raise Fault(f"{rule} (got {format_duration(self.lead)})", "lead")
        return self

    def replicas_for(self, requests_per_s: float, tokens_per_s: float) -> float:
        """Return how many replicas, and what part of one, a demand would fill, without margin."""
        if self.requests_per_s is not None:
            return requests_per_s / self.requests_per_s
        return tokens_per_s / (self.tokens_per_s or 1.0)
