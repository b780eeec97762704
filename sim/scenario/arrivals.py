"""Arrivals: when a route's requests come, as a scenario says it; knows no clock.

The key that is present chooses the kind: `rps`, `mean_rps`, `concurrency` or `trace`.
"""

from __future__ import annotations

import math
from typing import Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Discriminator,
    Field,
    Strict,
    Tag,
    model_validator,
)

from sim.catalog.workloads import day_curve
from sim.scenario.kind import TAG_MARK, Kinds, tag
from sim.scenario.scalar import Count, Flag, Number, Text
from sim.scenario.spec import Fault, Spec
from sim.units import Duration, shown

_Rate = Annotated[Number, Field(gt=0, le=1e6)]
_Hours = tuple[float, ...]


def _check_day(values: _Hours) -> _Hours:
    if len(values) != 24:
        raise Fault(f"needs 24 numbers, one for each hour (got {len(values)})")
    if not any(values):
        raise Fault("needs an hour above 0")
    return values


_Day = Annotated[
    tuple[Annotated[Number, Field(ge=0, le=1e6)], ...], Strict(False), AfterValidator(_check_day)
]


class WeekCurve(Spec):
    """Relative rates by hour of the day, apart for weekdays and weekends."""

    weekday: _Day = Field(description="24 relative rates from 00:00, Monday to Friday.")
    weekend: _Day = Field(description="24 relative rates from 00:00, Saturday and Sunday.")


def _curve_tag(value: Any) -> str:
    if isinstance(value, str):
        return TAG_MARK + "name"
    return TAG_MARK + "day" if isinstance(value, list | tuple) else tag(WeekCurve)


def _check_curve(value: Any) -> Any:
    if isinstance(value, str | list | tuple | dict | WeekCurve):
        return value
    rule = "must be the name of a day curve, 24 numbers or {weekday: [...], weekend: [...]}"
    raise Fault(f"{rule} (got {shown(value)})")


def _check_curve_name(name: str) -> str:
    day_curve(name)
    return name


Curve = Annotated[
    Annotated[str, AfterValidator(_check_curve_name), Tag(TAG_MARK + "name")]
    | Annotated[_Day, Tag(TAG_MARK + "day")]
    | Annotated[WeekCurve, Tag(tag(WeekCurve))],
    Discriminator(_curve_tag),
    BeforeValidator(_check_curve),
]
"""A day curve: the name of one in the catalog, 24 numbers, or 24 each for weekday and weekend."""


class PoissonArrivals(Spec):
    """A constant rate."""

    rps: _Rate = Field(description="Requests a second, arriving at random (Poisson).")
    count: Annotated[Count, Field(ge=1, le=100_000_000)] | None = Field(
        default=None,
        description="Send just this many, from time 0 of the measured window, rescaled so that "
        "the last comes at exactly count/rps seconds, as `vllm bench serve` does.",
    )


class VaryingArrivals(Spec):
    """A rate that follows the hours of the day."""

    mean_rps: _Rate = Field(description="Requests a second, on average over a whole week.")
    day_curve: Curve | None = Field(
        default=None,
        description="How the rate varies: a day curve of the catalog, 24 numbers from 00:00, or "
        "{weekday: [24 numbers], weekend: [24 numbers]}. Without it the rate is constant.",
        json_schema_extra={"x-catalog": "day_curves"},
    )
    gap_shape: Annotated[Number, Field(ge=0.01, le=1000)] = Field(
        default=1.0,
        description="Shape of the gamma gaps between requests: 1 is Poisson, below 1 burstier.",
    )

    def weights(self) -> tuple[_Hours, _Hours]:
        """Return 24 weekday and 24 weekend factors of `mean_rps`; their mean over a week is 1."""
        if isinstance(self.day_curve, str):
            named = day_curve(self.day_curve)
            weekday, weekend = tuple(named.weekday), tuple(named.weekend)
        elif isinstance(self.day_curve, WeekCurve):
            weekday, weekend = self.day_curve.weekday, self.day_curve.weekend
        else:
            weekday = weekend = self.day_curve or (1.0,) * 24
        mean = (5 * math.fsum(weekday) + 2 * math.fsum(weekend)) / 168
        return tuple(w / mean for w in weekday), tuple(w / mean for w in weekend)

    @property
    def has_weekends(self) -> bool:
        """Whether weekend hours differ from weekday hours."""
        weekday, weekend = self.weights()
        return weekday != weekend


class ClosedArrivals(Spec):
    """A fixed number of users, each of whom asks again after an answer."""

    concurrency: Annotated[Count, Field(ge=1, le=1_000_000)] = Field(
        description="Users; each has at most one request at a time."
    )
    think_time: Duration = Field(
        default=0.0, description="From an answer to the same user's next request."
    )


class TraceColumns(Spec):
    """Which column (or JSON key) of a trace holds what."""

    time: Text | None = Field(default=None, description="Column of the arrival time.")
    input_tokens: Text | None = Field(default=None, description="Column of the prompt's tokens.")
    output_tokens: Text | None = Field(default=None, description="Column of the answer's tokens.")


def _check_path(path: str) -> str:
    if not path.strip() or not path.isprintable() or len(path) > 4096:
        raise Fault(f"must be the path of a file (got {shown(path)})")
    return path


class TraceArrivals(Spec):
    """Requests as they came once: times and lengths from a file."""

    trace: Annotated[Text, AfterValidator(_check_path)] = Field(
        description="Path of the trace, plain or gzipped; relative to the scenario file."
    )
    format: Literal["auto", "azure", "mooncake", "csv", "jsonl"] = Field(
        default="auto", description="Format of the file; auto looks at its first line."
    )
    columns: TraceColumns | None = Field(
        default=None, description="Names of the columns, for csv and jsonl with unusual ones."
    )
    repeat: Flag = Field(default=False, description="Start again at the end of the trace.")
    speedup: Annotated[Number, Field(ge=1e-6, le=1e6)] = Field(
        default=1.0, description="Times are divided by this: 2 plays twice the rate."
    )
    time_unit: Literal["auto", "s", "ms", "us", "ns"] = Field(
        default="auto",
        description="Unit of times that are plain numbers; auto: by column name, else by size.",
    )

    @model_validator(mode="after")
    def _columns_are_for_tables(self) -> Self:
        if self.columns is not None and self.format in ("azure", "mooncake"):
            rule = f"is for format csv or jsonl; the columns of {self.format} are known"
            raise Fault(rule, "columns")
        return self


_KINDS = Kinds(
    "arrivals",
    {
        "rps": (PoissonArrivals, "{rps: 4.0}"),
        "mean_rps": (VaryingArrivals, "{mean_rps: 4.0, day_curve: azure-conv-2024}"),
        "concurrency": (ClosedArrivals, "{concurrency: 64}"),
        "trace": (TraceArrivals, "{trace: file.csv}"),
    },
)

Arrivals = Annotated[
    Annotated[PoissonArrivals, Tag(tag(PoissonArrivals))]
    | Annotated[VaryingArrivals, Tag(tag(VaryingArrivals))]
    | Annotated[ClosedArrivals, Tag(tag(ClosedArrivals))]
    | Annotated[TraceArrivals, Tag(tag(TraceArrivals))],
    Discriminator(_KINDS.tag_of),
    BeforeValidator(_KINDS.check),
]
"""When requests come; the key that is present chooses the kind."""
