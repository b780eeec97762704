"""Autoscaler: what decides how many replicas a pool has, as a scenario says it; knows no clock.

The value of `kind` chooses: `fixed`, `p95`, `hpa`, `schedule` or `forecast`.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Discriminator,
    Field,
    GetJsonSchemaHandler,
    Tag,
    model_validator,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from sim.scenario.choice import Choice
from sim.scenario.hint import hint
from sim.scenario.hpa_manifest import METRIC_NAMES, Gauge, HpaManifest, gauge_of
from sim.scenario.kind import TAG_MARK, tag
from sim.scenario.manifestfile import read_manifest
from sim.scenario.problem import ScenarioError
from sim.scenario.scalar import Count, Number, Text
from sim.scenario.scaling_plan import ForecastScaler, ScheduleScaler, Span
from sim.scenario.spec import Fault, Faults, Frozen, Spec, raise_all
from sim.units import Duration, shown

DEFAULT_SHARE_OF_SLO = 0.75
"""The `p95` law's default target, as a share of the route's TPOT SLO."""


class FixedScaler(Spec):
    """Never changes the number of replicas."""

    kind: Literal["fixed"] = Field(default="fixed", description="fixed.")


def _guard_tag(value: Any) -> str:
    return TAG_MARK + ("none" if value == "none" else "duration")


_Guard = Annotated[
    Annotated[Span, Tag(TAG_MARK + "duration")]
    | Annotated[Literal["none"], Tag(TAG_MARK + "none")],
    Discriminator(_guard_tag),
]


class P95Scaler(Spec):
    """Keeps the 95th percentile of time per output token near a target (`sim.fleet.p95`)."""

    kind: Literal["p95"] = Field(description="p95.")
    target: Span | None = Field(
        default=None,
        description="95th percentile of TPOT to keep to. Default: 0.75 times the least tpot_p95 "
        "SLO of the pool's routes.",
    )
    window: Span = Field(
        default=60.0, description="Requests that finished within this time are measured."
    )
    every: Span = Field(default=15.0, description="Time from one look to the next.")
    stable: Span = Field(
        default=600.0, description="One replica fewer only after this time without a change."
    )
    ttft_guard: _Guard | None = Field(
        default=None,
        description="95th percentile of TTFT, or age of the oldest waiting request, beyond which "
        "replicas are added and never taken away; none: no such guard. Default: the least "
        "ttft_p95 SLO of the pool's routes.",
    )
    metric_delay: Duration = Field(
        default=15.0, description="Age of what it sees: half a scrape of 30 s."
    )
    step: Annotated[Number, Field(gt=1, le=100)] = Field(
        default=2.0, description="At most this many times the ready replicas at once."
    )
    up_above: Annotated[Number, Field(ge=1, le=10)] = Field(
        default=1.1, description="Up if TPOT is above this many times the target."
    )
    down_below: Annotated[Number, Field(gt=0, le=1)] = Field(
        default=0.9,
        description="Down only if TPOT would stay below this many times the target.",
    )
    min_output_tokens: Annotated[Count, Field(ge=2, le=10**6)] = Field(
        default=32, description="Requests with fewer output tokens are not measured."
    )

    def target_tpot_s(self, slos_s: Iterable[float]) -> float:
        """Return the TPOT (s) to keep to; *slos_s* are the TPOT SLOs of the pool's routes.

        Raises a Fault if neither says one.
        """
        if self.target is not None:
            return self.target
        least = min(slos_s, default=None)
        if least is None:
            raise Fault("is missing: no route of the pool has a tpot_p95 SLO", "target")
        return DEFAULT_SHARE_OF_SLO * least

    def guard_ttft_s(self, slos_s: Iterable[float]) -> float | None:
        """Return the TTFT (s) of the guard, None without one; *slos_s* are the TTFT SLOs."""
        if self.ttft_guard == "none":
            return None
        return min(slos_s, default=None) if self.ttft_guard is None else self.ttft_guard


def _read(value: Any) -> Any:
    """Read the manifest if *value* is a path; its problems become faults of this field."""
    if not isinstance(value, str):
        return value
    try:
        return read_manifest(Path(value))
    except ScenarioError as error:
        raise Faults([Fault(str(problem).split("\n")[0]) for problem in error.problems]) from None


class _OrPath:
    """Annotation: the JSON Schema lets text through, which is the path of a file."""

    def __get_pydantic_json_schema__(
        self, core_schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        return {"anyOf": [{"type": "string"}, handler(core_schema)]}


def _check_measure(name: str) -> str:
    if gauge_of(name) is None:
        raise Fault(f"must be one of {', '.join(METRIC_NAMES)} ({hint(name, METRIC_NAMES)})")
    return name


class HpaScaler(Spec):
    """Kubernetes' HorizontalPodAutoscaler, from its manifest (`sim.fleet.hpa`)."""

    kind: Literal["hpa"] = Field(description="hpa.")
    manifest: Annotated[HpaManifest, _OrPath(), BeforeValidator(_read)] = Field(
        description="An autoscaling/v2 manifest: the path of its file, relative to the scenario's, "
        "or the mapping itself."
    )
    measures: Annotated[dict[Text, Annotated[Text, AfterValidator(_check_measure)]], Frozen] = (
        Field(
            default_factory=dict,
            validate_default=True,
            description="What a metric of the manifest measures, where its name does not tell: "
            "{s0-prometheus: vllm:num_requests_waiting}.",
        )
    )
    every: Span = Field(
        default=15.0, description="The controller's sync period: time from one look to the next."
    )
    tolerance: Annotated[Number, Field(ge=0, lt=1)] = Field(
        default=0.1, description="The controller's tolerance, where the manifest gives none."
    )
    downscale_stabilization: Duration = Field(
        default=300.0,
        description="The controller's window before it goes down, where the manifest gives none.",
    )
    metric_delay: Duration = Field(
        default=15.0, description="Age of what it sees: half a scrape of 30 s."
    )
    rate_window: Span = Field(
        default=60.0, description="Rates are means over this time, as in rate(...[1m])."
    )

    @model_validator(mode="after")
    def _metrics_are_known(self) -> Self:
        raise_all(
            [
                Fault(
                    f"what {shown(name)} measures is not known; say it with measures: "
                    f"{{{name}: {METRIC_NAMES[0]}}}; known are {', '.join(METRIC_NAMES)}",
                    "manifest",
                    *steps,
                )
                for name, steps in self.manifest.metrics()
                if name not in self.measures and gauge_of(name) is None
            ]
        )
        return self

    def gauge(self, name: str) -> Gauge:
        """Return what the manifest's metric *name* measures."""
        found = gauge_of(self.measures.get(name, name))
        if found is None:
            raise ValueError(f"no metric of the manifest is called {name!r}")
        return found


_NOT_YET = "is not supported yet; use hpa with the manifest that it makes, or p95"

_AUTOSCALER = Choice(
    "autoscaler",
    "kind",
    {
        "fixed": FixedScaler,
        "p95": P95Scaler,
        "hpa": HpaScaler,
        "schedule": ScheduleScaler,
        "forecast": ForecastScaler,
    },
    {name: f"{name} {_NOT_YET}" for name in ("keda", "knative")},
)

Autoscaler = Annotated[
    Annotated[FixedScaler, Tag(tag(FixedScaler))]
    | Annotated[P95Scaler, Tag(tag(P95Scaler))]
    | Annotated[HpaScaler, Tag(tag(HpaScaler))]
    | Annotated[ScheduleScaler, Tag(tag(ScheduleScaler))]
    | Annotated[ForecastScaler, Tag(tag(ForecastScaler))],
    Discriminator(_AUTOSCALER.tag_of),
    BeforeValidator(_AUTOSCALER.check),
]
"""What decides how many replicas a pool has; the value of `kind` chooses."""
