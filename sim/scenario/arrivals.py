"""Arrivals: when a route's requests come, as a scenario says it; knows no clock.

The key that is present chooses the kind: `rps`, `mean_rps` or `workload`, `concurrency`, `trace`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    Strict,
    Tag,
    model_validator,
)

from sim.catalog.presets import Burst
from sim.scenario.bursts import Batches, Bursts, BurstTerm, OnOffClients, preset
from sim.scenario.curve import Curve, Hours, week_weights
from sim.scenario.events import Event
from sim.scenario.kind import Kinds, tag
from sim.scenario.rate import RateSettings
from sim.scenario.scalar import Count, Flag, Number, Text
from sim.scenario.spec import Fault, Spec
from sim.units import Duration, shown

_Rate = Annotated[Number, Field(gt=0, le=1e6)]


class PoissonArrivals(Spec):
    """A constant rate."""

    rps: _Rate = Field(description="Requests a second, arriving at random (Poisson).")
    count: Annotated[Count, Field(ge=1, le=100_000_000)] | None = Field(
        default=None,
        description="Send just this many, from time 0 of the measured window, rescaled so that "
        "the last comes at exactly count/rps seconds, as `vllm bench serve` does.",
    )


def _rate_or_workload(schema: dict[str, Any]) -> None:
    """Tell editors that a workload brings `mean_rps`."""
    schema.pop("required")
    schema["anyOf"] = [{"required": [key]} for key in ("mean_rps", "workload")]


class VaryingArrivals(Spec):
    """A rate that follows the hours, grows, wanders and bursts, as far as it is told to."""

    model_config = ConfigDict(json_schema_extra=_rate_or_workload)

    workload: Text | None = Field(
        default=None,
        description="Take all that is not given here (mean_rps, day_curve, gap_shape, bursts, "
        "batches) from this workload of the catalog.",
        json_schema_extra={"x-catalog": "workloads"},
    )
    mean_rps: _Rate = Field(
        description="Requests a second, on average over a whole week, before growth and events."
    )
    day_curve: Curve | None = Field(
        default=None,
        description="How the rate varies: a day curve of the catalog, 24 numbers from 00:00, or "
        "{weekday: [24 numbers], weekend: [24 numbers]}. Without it all hours are alike.",
        json_schema_extra={"x-catalog": "day_curves"},
    )
    utc_offset_hours: Annotated[Number, Field(ge=-14, le=14)] = Field(
        default=0.0,
        description="How far the clock that day_curve goes by is ahead of the scenario's: with "
        "the scenario in UTC, 9 for users in Tokyo.",
    )
    gap_shape: Annotated[Number, Field(ge=0.01, le=1000)] = Field(
        default=1.0,
        description="Shape of the gamma gaps between requests: 1 is Poisson, below 1 burstier.",
    )
    bursts: Bursts | None = Field(
        default=None,
        description="How the rate wanders: as in a workload of the catalog, or own terms "
        "[{variance: 0.031, time: 700ms}, ...] of ln(rate). [] is none, also with a workload.",
        json_schema_extra={"x-catalog": "workloads"},
    )
    load_grows_by: Literal["use", "clients"] = Field(
        default="use",
        description="What a rate other than bursts_at_rps comes from. use: the same clients ask "
        "more often, so bursts stay as strong as they are, in per cent. clients: there are more "
        "of them, whose bursts even out: e^variance - 1 goes with 1/rate.",
    )
    bursts_at_rps: _Rate | None = Field(
        default=None,
        description="Rate at which the burst terms hold, for load_grows_by: clients. Default: "
        "that of the workload that bursts names.",
    )
    batches: Batches | None = Field(
        default=None, description="Requests that come several at once: {mean_size: 4, gap: 50ms}."
    )
    on_off: OnOffClients | None = Field(
        default=None,
        description="Clients that are active by turns: {clients: 12, on: 10m, off: 30m}. Together "
        "they send mean_rps.",
    )
    growth_percent_per_week: Annotated[Number, Field(ge=-99, le=1000)] = Field(
        default=0.0,
        description="Growth of the rate, compounded; mean_rps is the rate at the horizon's start.",
    )
    events: Annotated[tuple[Event, ...], Strict(False), Field(max_length=1000)] = Field(
        default=(),
        description="Times of unusual traffic: [{at: 2d10h, for: 3h, times: 4, name: launch}].",
    )

    @model_validator(mode="before")
    @classmethod
    def _filled_in(cls, data: Any) -> Any:
        name = data.get("workload") if isinstance(data, Mapping) else None
        if not isinstance(name, str):
            return data
        return _fields_of(name) | {k: v for k, v in data.items() if v is not None}

    @model_validator(mode="after")
    def _terms_hold_somewhere(self) -> Self:
        if self.load_grows_by == "clients" and self.bursts and self._hold_at_rps is None:
            rule = "is missing: with load_grows_by: clients, own burst terms need the rate"
            raise Fault(f"{rule} at which they hold", "bursts_at_rps")
        return self

    @property
    def _hold_at_rps(self) -> float | None:
        if self.bursts_at_rps is None and isinstance(self.bursts, str):
            return preset(self.bursts).mean_rps
        return self.bursts_at_rps

    def terms(self) -> tuple[Burst, ...]:
        """Return the burst terms that have any strength, those of a workload looked up."""
        if isinstance(self.bursts, str):
            terms = preset(self.bursts).bursts
        else:
            own: tuple[BurstTerm, ...] = self.bursts or ()
            terms = tuple(Burst(variance=term.variance, time_s=term.time) for term in own)
        return tuple(term for term in terms if term.variance > 0)

    def settings(self) -> RateSettings:
        """Return what the process needs to know, with names looked up and units in seconds."""
        weekday, weekend = self.weights()
        batches = self.batches or Batches(mean_size=1)
        return RateSettings(
            mean_rps=self.mean_rps,
            weekday=weekday,
            weekend=weekend,
            ahead_s=self.utc_offset_hours * 3600.0,
            gap_shape=self.gap_shape,
            terms=self.terms(),
            bursts_at_rps=self._hold_at_rps if self.load_grows_by == "clients" else None,
            batch_mean_size=batches.mean_size,
            batch_gap_s=batches.gap,
            on_off=self.on_off,
            growth=1.0 + self.growth_percent_per_week / 100.0,
            events=self.events,
        )

    def weights(self) -> tuple[Hours, Hours]:
        """Return 24 weekday and 24 weekend factors of `mean_rps`; their mean over a week is 1."""
        return week_weights(self.day_curve)

    @property
    def has_weekends(self) -> bool:
        """Whether weekend hours differ from weekday hours."""
        weekday, weekend = self.weights()
        return weekday != weekend


def _fields_of(workload: str) -> dict[str, Any]:
    """Return the fields of `VaryingArrivals` that *workload* brings; a Fault if it has none."""
    try:
        found = preset(workload)
    except ValueError as error:
        raise Fault(str(error), "workload") from None
    fields: dict[str, Any] = {"mean_rps": found.mean_rps, "gap_shape": found.gap_shape}
    if found.day_curve is not None:
        fields["day_curve"] = found.day_curve
    if found.bursts:
        fields["bursts"] = workload
    if found.batch_mean_size > 1:
        fields["batches"] = {"mean_size": found.batch_mean_size, "gap": found.batch_gap_s}
    return fields


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
    format: Literal[
        "auto", "azure", "mooncake", "burstgpt", "litellm", "vllm-bench", "csv", "jsonl"
    ] = Field(default="auto", description="Format of the file; auto looks at its first line.")
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
        if self.columns is not None and self.format not in ("auto", "csv", "jsonl"):
            rule = f"is for format csv or jsonl; the columns of {self.format} are known"
            raise Fault(rule, "columns")
        return self


_KINDS = Kinds(
    "arrivals",
    {
        "rps": (PoissonArrivals, "{rps: 4.0}"),
        "mean_rps": (VaryingArrivals, "{mean_rps: 4.0, day_curve: azure-conv-2024}"),
        "workload": (VaryingArrivals, "{workload: azure-conv-2024}"),
        "concurrency": (ClosedArrivals, "{concurrency: 64}"),
        "trace": (TraceArrivals, "{trace: file.csv}"),
    },
)


def _check_kind(value: Any) -> Any:
    """Return *value* if it chooses one kind, for which `mean_rps` beside `workload` is no rival."""
    if isinstance(value, Mapping) and "workload" in value:
        _KINDS.check({key: of for key, of in value.items() if key != "mean_rps"})
        return value
    return _KINDS.check(value)


Arrivals = Annotated[
    Annotated[PoissonArrivals, Tag(tag(PoissonArrivals))]
    | Annotated[VaryingArrivals, Tag(tag(VaryingArrivals))]
    | Annotated[ClosedArrivals, Tag(tag(ClosedArrivals))]
    | Annotated[TraceArrivals, Tag(tag(TraceArrivals))],
    Discriminator(_KINDS.tag_of),
    BeforeValidator(_check_kind),
]
"""When requests come; the key that is present chooses the kind."""
