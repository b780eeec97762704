"""HPA manifest: a Kubernetes HorizontalPodAutoscaler (autoscaling/v2) as specs; knows no clock.

Keys, defaults and bounds are those of the Kubernetes API reference (HorizontalPodAutoscaler v2)
and of its validation: policies of 1 to 1800 s, windows of 0 to 3600 s, positive targets. What
cannot be simulated is refused with what to use instead, never ignored; only `metadata`, `status`,
`scaleTargetRef`, `describedObject` and selectors are taken without meaning: the pool is the target.
"""

# ruff: noqa: N815 - the keys are spelled as Kubernetes spells them

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import (
    BeforeValidator,
    Discriminator,
    Field,
    Strict,
    Tag,
    ValidationInfo,
    WithJsonSchema,
    field_validator,
    model_validator,
)

from sim.scenario.choice import Choice
from sim.scenario.filled import Filled
from sim.scenario.kind import tag
from sim.scenario.quantity import PositiveQuantity, QuantityFromZero, thousandths
from sim.scenario.scalar import Count, Text
from sim.scenario.spec import Fault, Spec
from sim.units import shown

Gauge = Literal["requests_waiting", "requests_running", "kv_usage", "requests_per_s"]
"""What an autoscaler can see of a replica: requests waiting and running, the used share (0 to 1)
of its KV cache, and requests that came per second."""

_GAUGES: dict[str, Gauge] = {
    "vllm:num_requests_waiting": "requests_waiting",
    "num_requests_waiting": "requests_waiting",
    "vllm:num_requests_running": "requests_running",
    "num_requests_running": "requests_running",
    "vllm:kv_cache_usage_perc": "kv_usage",
    "vllm:gpu_cache_usage_perc": "kv_usage",
    "kv_cache_usage_perc": "kv_usage",
    "gpu_cache_usage_perc": "kv_usage",
    "requests_per_second": "requests_per_s",
    "http_requests_per_second": "requests_per_s",
}

METRIC_NAMES = tuple(name for name in _GAUGES if name.startswith(("vllm:", "requests")))
"""The names to give in messages; each is also known without ``vllm:``."""


def _plain(name: str) -> str:
    """Return *name* without the marks that adapters change: vllm:x, vllm_x and vllm-x are one."""
    return re.sub(r"[^a-z0-9]", "_", name.lower())


_BY_PLAIN_NAME = {_plain(name): gauge for name, gauge in _GAUGES.items()}


def gauge_of(name: str) -> Gauge | None:
    """Return what a metric of this name measures; None if its name does not tell.

    >>> gauge_of("vllm:num_requests_waiting"), gauge_of("vllm_gpu_cache_usage_perc")
    ('requests_waiting', 'kv_usage')
    """
    return _BY_PLAIN_NAME.get(_plain(name))


def _nothing(_: Any) -> None:
    return None


_Ignored = Annotated[None, BeforeValidator(_nothing), WithJsonSchema({"type": "object"})]


def _ignored(what: str) -> Any:
    return Field(default=None, exclude=True, description=f"{what}; taken without meaning.")


class MetricName(Spec):
    """Names a metric."""

    name: Text = Field(description="Name of the metric, such as vllm:num_requests_waiting.")
    selector: _Ignored = _ignored("Which series: always those of this pool")


class Target(Spec):
    """What a metric should come to."""

    type: Literal["AverageValue", "Value"] = Field(
        description="AverageValue: per replica; Value: the metric as it is."
    )
    averageValue: PositiveQuantity | None = Field(
        default=None, validate_default=True, description="With type AverageValue: the target."
    )
    value: PositiveQuantity | None = Field(
        default=None, validate_default=True, description="With type Value: the target."
    )

    @field_validator("type", mode="before")
    @classmethod
    def _no_utilization(cls, given: Any) -> Any:
        if given == "Utilization":
            raise Fault("Utilization is for CPU and memory only; use AverageValue or Value")
        return given

    @field_validator("averageValue", "value")
    @classmethod
    def _as_the_type_says(cls, given: str | None, info: ValidationInfo) -> str | None:
        wanted = {"AverageValue": "averageValue", "Value": "value"}.get(info.data.get("type", ""))
        if wanted == info.field_name and given is None:
            raise Fault(f"is missing: type is {info.data['type']}")
        if wanted is not None and wanted != info.field_name and given is not None:
            raise Fault(f"must not be given: type is {info.data['type']}; give {wanted}")
        return given

    @property
    def thousandths(self) -> int:
        """The target in whole thousandths, rounded up."""
        return thousandths(self.averageValue or self.value or "0")


class PodsSource(Spec):
    """A metric of each pod, averaged over the pods."""

    metric: MetricName = Field(description="Which metric.")
    target: Target = Field(description="What it should come to, on average over the pods.")

    @field_validator("target")
    @classmethod
    def _is_averaged(cls, target: Target) -> Target:
        if target.type != "AverageValue":
            raise Fault("must be AverageValue: metrics of type Pods are averaged", "type")
        return target


class ExternalSource(Spec):
    """A metric from outside the cluster's objects."""

    metric: MetricName = Field(description="Which metric.")
    target: Target = Field(description="What it should come to.")


class ObjectSource(Spec):
    """A metric of one object of the cluster."""

    describedObject: _Ignored = _ignored("Whose metric")
    metric: MetricName = Field(description="Which metric.")
    target: Target = Field(description="What it should come to.")


class PodsMetric(Spec):
    """Scales on the mean of a metric over the pods."""

    type: Literal["Pods"] = Field(description="Pods.")
    pods: PodsSource = Field(description="The metric and its target.")

    @property
    def source(self) -> PodsSource:
        """The metric and its target."""
        return self.pods


class ExternalMetric(Spec):
    """Scales on one number, such as the sum over the pool."""

    type: Literal["External"] = Field(description="External.")
    external: ExternalSource = Field(description="The metric and its target.")

    @property
    def source(self) -> ExternalSource:
        """The metric and its target."""
        return self.external


class ObjectMetric(Spec):
    """Scales on one number, as External does."""

    type: Literal["Object"] = Field(description="Object.")
    object: ObjectSource = Field(description="The metric and its target.")

    @property
    def source(self) -> ObjectSource:
        """The metric and its target."""
        return self.object


_NOT_CPU = (
    "CPU and memory of a pod say little of a GPU that serves a model, and are not simulated; "
    "use type: Pods with " + " or ".join(("vllm:num_requests_waiting", "vllm:kv_cache_usage_perc"))
)

_METRIC = Choice(
    "metric",
    "type",
    {"Pods": PodsMetric, "External": ExternalMetric, "Object": ObjectMetric},
    {"Resource": _NOT_CPU, "ContainerResource": _NOT_CPU},
)

Metric = Annotated[
    Annotated[PodsMetric, Tag(tag(PodsMetric))]
    | Annotated[ExternalMetric, Tag(tag(ExternalMetric))]
    | Annotated[ObjectMetric, Tag(tag(ObjectMetric))],
    Discriminator(_METRIC.tag_of),
    BeforeValidator(_METRIC.check),
]
"""One entry of `metrics`, by its type."""


class ScalingPolicy(Spec):
    """How much may change within a period."""

    type: Literal["Pods", "Percent"] = Field(description="Pods, or Percent of the replicas.")
    value: Annotated[Count, Field(ge=1, le=2**31 - 1)] = Field(description="How much may change.")
    periodSeconds: Annotated[Count, Field(ge=1, le=1800)] = Field(
        description="Within how many seconds."
    )


class ScalingRules(Spec):
    """How fast one direction may go; what is not given takes Kubernetes' default."""

    stabilizationWindowSeconds: Annotated[Count, Field(ge=0, le=3600)] | None = Field(
        default=None,
        description="Past recommendations that are heeded, in seconds. Default: 0 up; down the "
        "controller's downscale stabilization, 300.",
    )
    selectPolicy: Literal["Max", "Min", "Disabled"] | None = Field(
        default=None, description="Which policy counts; Disabled: none. Default: Max."
    )
    policies: Annotated[tuple[ScalingPolicy, ...], Strict(False), Filled] | None = Field(
        default=None,
        description="Default: up 4 pods or 100 % in 15 s; down 100 % in 15 s.",
    )
    tolerance: QuantityFromZero | None = Field(
        default=None,
        description="Change of the metric that is let pass. Default: the controller's, 0.1.",
    )


class Behavior(Spec):
    """How fast the replicas may change."""

    scaleUp: ScalingRules | None = Field(default=None, description="Rules for more replicas.")
    scaleDown: ScalingRules | None = Field(default=None, description="Rules for fewer replicas.")


class HpaSpec(Spec):
    """What a HorizontalPodAutoscaler does."""

    scaleTargetRef: _Ignored = _ignored("What is scaled: always this pool")
    minReplicas: Annotated[Count, Field(ge=1, le=10_000)] = Field(
        default=1, description="Fewest replicas (scaling to zero is not simulated)."
    )
    maxReplicas: Annotated[Count, Field(ge=1, le=10_000)] = Field(description="Most replicas.")
    metrics: Annotated[tuple[Metric, ...], Strict(False), Filled] = Field(
        description="metrics to scale on (without any, Kubernetes would look at the CPU)."
    )
    behavior: Behavior | None = Field(
        default=None,
        description="How fast the replicas may change. Without it the controller lets them at "
        "most double, or reach 4, at each look, and heeds 5 minutes before it goes down.",
    )

    @field_validator("maxReplicas")
    @classmethod
    def _not_below_the_least(cls, most: int, info: ValidationInfo) -> int:
        if most < info.data.get("minReplicas", 1):
            raise Fault(f"must be at least minReplicas, {info.data['minReplicas']} (got {most})")
        return most


_V2 = "autoscaling/v2"
_KIND = "HorizontalPodAutoscaler"


def _wrong_object(kind: Any, version: Any) -> Fault | None:
    """Say what is wrong with an object of this *kind* and *version*, and what to give instead."""
    if kind == "ScaledObject":
        rule = "KEDA's ScaledObject is not supported yet; give the autoscaler that KEDA made of it"
        return Fault(f"{rule}: kubectl get hpa keda-hpa-NAME -o yaml", "kind")
    if kind != _KIND:
        return Fault(f"must be {_KIND} (got {shown(kind)})", "kind")
    if version == "autoscaling/v1":
        rule = f"autoscaling/v1 knows only the CPU; give an {_V2} manifest with metrics of type"
        return Fault(f"{rule} Pods, External or Object", "apiVersion")
    if version in ("autoscaling/v2beta1", "autoscaling/v2beta2"):
        rule = f"Kubernetes dropped {version}; convert the manifest to {_V2}"
        return Fault(f"{rule}: kubectl get hpa.v2.autoscaling NAME -o yaml", "apiVersion")
    if version != _V2:
        return Fault(f"must be {_V2} (got {shown(version)})", "apiVersion")
    return None


class HpaManifest(Spec):
    """A HorizontalPodAutoscaler, autoscaling/v2."""

    apiVersion: Literal["autoscaling/v2"] = Field(description="autoscaling/v2.")
    kind: Literal["HorizontalPodAutoscaler"] = Field(description="HorizontalPodAutoscaler.")
    metadata: _Ignored = _ignored("Name and labels")
    spec: HpaSpec = Field(description="What it does.")
    status: _Ignored = _ignored("What the cluster says of it")

    @model_validator(mode="before")
    @classmethod
    def _is_one(cls, data: Any) -> Any:
        if isinstance(data, Mapping) and (
            fault := _wrong_object(data.get("kind"), data.get("apiVersion"))
        ):
            raise fault
        return data

    def metrics(self) -> tuple[tuple[str, tuple[str | int, ...]], ...]:
        """Return (metric name, steps to where it stands) of each metric."""
        return tuple(
            (
                metric.source.metric.name,
                ("spec", "metrics", number, metric.type.lower(), "metric", "name"),
            )
            for number, metric in enumerate(self.spec.metrics)
        )
