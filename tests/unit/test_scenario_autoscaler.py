"""Autoscaler: the kinds, their defaults and what is refused; plans by the clock and the past."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Any

import jsonschema
import pytest
from pydantic import TypeAdapter, ValidationError

from sim.scenario.autoscaler import (
    Autoscaler,
    FixedScaler,
    HpaScaler,
    P95Scaler,
)
from sim.scenario.choice import Choice
from sim.scenario.explain import findings
from sim.scenario.filled import Filled
from sim.scenario.hpa_manifest import HpaManifest
from sim.scenario.scaling_plan import WEEKDAYS, ForecastScaler, ScheduleScaler
from sim.scenario.spec import Fault, Spec
from sim.scenario.yaml12 import parse

AUTOSCALER: TypeAdapter[Any] = TypeAdapter(Autoscaler)

MANIFEST: dict[str, Any] = {
    "apiVersion": "autoscaling/v2",
    "kind": "HorizontalPodAutoscaler",
    "spec": {
        "maxReplicas": 4,
        "metrics": [
            {
                "type": "External",
                "external": {
                    "metric": {"name": "vllm:num_requests_waiting"},
                    "target": {"type": "AverageValue", "averageValue": 5},
                },
            }
        ],
    },
}


class Pool(Spec):
    """Holds an autoscaler, so that messages have paths."""

    autoscaler: Autoscaler


def read(value: object) -> Any:
    return AUTOSCALER.validate_python(value)


def messages(value: object) -> list[str]:
    with pytest.raises(ValidationError) as caught:
        Pool.model_validate({"autoscaler": value})
    found = findings(caught.value, Pool)
    return [".".join(str(step) for step in f.path[1:]) + f": {f.message}" for f in found]


def test_each_kind_by_its_name() -> None:
    assert read({"kind": "fixed"}) == FixedScaler()
    assert isinstance(read({"kind": "p95"}), P95Scaler)
    assert isinstance(read({"kind": "hpa", "manifest": MANIFEST}), HpaScaler)
    step = {"at": "08:00", "replicas": 3}
    assert isinstance(read({"kind": "schedule", "steps": [step]}), ScheduleScaler)
    assert isinstance(read({"kind": "forecast", "requests_per_s": 2}), ForecastScaler)
    assert read(FixedScaler()) == FixedScaler()


EVERY_KIND: list[dict[str, Any]] = [
    {"kind": "fixed"},
    {"kind": "p95", "target": "45ms", "ttft_guard": "1s"},
    {"kind": "p95", "ttft_guard": "none", "step": 1.5},
    {"kind": "hpa", "manifest": MANIFEST, "measures": {"a": "vllm:num_requests_running"}},
    {
        "kind": "schedule",
        "steps": [
            {"at": "08:00", "days": "weekdays", "replicas": 3},
            {"at": "08:00", "days": ["sunday"], "replicas": 1},
        ],
    },
    {"kind": "forecast", "tokens_per_s": 3000, "margin": "20%", "period": "7d"},
]


@pytest.mark.parametrize("value", EVERY_KIND, ids=lambda value: str(value["kind"]))
def test_a_spec_is_the_same_after_a_dump_and_fits_its_schema(value: dict[str, Any]) -> None:
    spec = read(value)
    dumped = AUTOSCALER.dump_python(spec, mode="json", exclude_none=True)
    assert read(dumped) == spec
    assert hash(spec) == hash(read(dumped))
    jsonschema.validate(value, AUTOSCALER.json_schema())
    jsonschema.validate(dumped, AUTOSCALER.json_schema())


@pytest.mark.parametrize(
    "kind", [FixedScaler, P95Scaler, HpaScaler, ScheduleScaler, ForecastScaler]
)
def test_every_key_is_described(kind: type[Spec]) -> None:
    assert all(field.description for field in kind.model_fields.values())


NAMES = "fixed, p95, hpa, schedule, forecast"


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("p95", ": must be a mapping such as {kind: fixed} (got 'p95')"),
        ({}, f": says no kind of autoscaler; give kind: one of {NAMES}"),
        ({"kind": 3}, f"kind: must be one of {NAMES} (got 3)"),
        ({"kind": "p99"}, f"kind: must be one of {NAMES} (got 'p99'; did you mean 'p95'?)"),
        (
            {"kind": "keda"},
            "kind: keda is not supported yet; use hpa with the manifest that it makes, or p95",
        ),
        ({"kind": "p95", "target": 0}, "target: must be more than 0 (got 0s)"),
        (
            {"kind": "p95", "ttft_guard": "never"},
            "ttft_guard: must be a duration such as 250ms, 30s, 1h30m or 7d (got 'never')",
        ),
        ({"kind": "p95", "step": 1}, "step: must be more than 1 (got 1)"),
        ({"kind": "p95", "widow": 1}, "widow: unknown key 'widow'; did you mean 'window'?"),
        ({"kind": "fixed", "every": 1}, "every: unknown key 'every'; allowed here: kind"),
        (
            {"kind": "forecast"},
            ": give requests_per_s or tokens_per_s: what one replica is to serve",
        ),
        (
            {"kind": "forecast", "requests_per_s": 1, "tokens_per_s": 1},
            ": give requests_per_s or tokens_per_s: what one replica is to serve",
        ),
        (
            {"kind": "forecast", "requests_per_s": 1, "slot": "7m"},
            "slot: must go into period, 1d, without a rest (got 7m)",
        ),
        (
            {"kind": "forecast", "requests_per_s": 1, "lead": "1d"},
            "lead: must end a slot or more before the period does (got 1d)",
        ),
        (
            {"kind": "forecast", "requests_per_s": 1, "margin": 20},
            "margin: must be a share from 0 to 5, such as 20% or 0.2 (got 20)",
        ),
        ({"kind": "schedule", "steps": []}, "steps: must not be empty"),
        (
            {"kind": "schedule", "steps": [{"at": "8:00", "replicas": 1}]},
            "steps.0.at: must be a time of day such as \"08:00\" (got '8:00')",
        ),
        (
            {"kind": "schedule", "steps": [{"at": "08:00", "days": "monday", "replicas": 1}]},
            "steps.0.days: must be all, weekdays, weekends or a list of days such as "
            "[monday, friday] (got 'monday')",
        ),
        (
            {"kind": "schedule", "steps": [{"at": "08:00", "days": ["mon"], "replicas": 1}]},
            f"steps.0.days.0: must be one of {', '.join(WEEKDAYS)} (got 'mon'; did you mean "
            "'monday'?)",
        ),
        (
            {
                "kind": "schedule",
                "steps": [
                    {"at": "08:00", "replicas": 1},
                    {"at": "08:00", "days": ["friday"], "replicas": 2},
                ],
            },
            "steps.1.at: there is another step on friday at 08:00",
        ),
    ],
)
def test_what_is_refused(value: object, message: str) -> None:
    assert messages(value) == [message]


def test_the_laws_target_is_a_share_of_the_slo() -> None:
    p95 = P95Scaler(kind="p95")
    assert p95.target_tpot_s([0.08, 0.06]) == pytest.approx(0.045)
    assert P95Scaler(kind="p95", target="40ms").target_tpot_s([]) == 0.04
    with pytest.raises(Fault, match="no route of the pool has a tpot_p95 SLO"):
        p95.target_tpot_s([])


def test_the_guard_is_the_slo_unless_given() -> None:
    p95 = P95Scaler(kind="p95")
    assert p95.guard_ttft_s([2.0, 1.0]) == 1.0
    assert p95.guard_ttft_s([]) is None
    assert P95Scaler(kind="p95", ttft_guard="none").guard_ttft_s([1.0]) is None
    assert P95Scaler(kind="p95", ttft_guard="3s").guard_ttft_s([1.0]) == 3.0


def test_the_laws_defaults() -> None:
    p95 = P95Scaler(kind="p95")
    assert (p95.window, p95.every, p95.stable) == (60.0, 15.0, 600.0)
    assert (p95.step, p95.up_above, p95.down_below, p95.min_output_tokens) == (2.0, 1.1, 0.9, 32)


def test_the_controllers_defaults() -> None:
    hpa = read({"kind": "hpa", "manifest": MANIFEST})
    assert (hpa.every, hpa.tolerance, hpa.downscale_stabilization) == (15.0, 0.1, 300.0)


def named(name: str) -> dict[str, Any]:
    metric = {**MANIFEST["spec"]["metrics"][0]["external"], "metric": {"name": name}}
    spec = {**MANIFEST["spec"], "metrics": [{"type": "External", "external": metric}]}
    return {**MANIFEST, "spec": spec}


def test_a_metric_whose_name_does_not_tell() -> None:
    (message,) = messages({"kind": "hpa", "manifest": named("s0-prometheus")})
    assert message == (
        "manifest.spec.metrics.0.external.metric.name: what 's0-prometheus' measures is not "
        "known; say it with measures: {s0-prometheus: vllm:num_requests_waiting}; known are "
        "vllm:num_requests_waiting, vllm:num_requests_running, vllm:kv_cache_usage_perc, "
        "vllm:gpu_cache_usage_perc, requests_per_second"
    )
    told = {"s0-prometheus": "vllm:kv_cache_usage_perc"}
    hpa = read({"kind": "hpa", "manifest": named("s0-prometheus"), "measures": told})
    assert hpa.gauge("s0-prometheus") == "kv_usage"
    with pytest.raises(ValueError, match="no metric of the manifest is called 's1'"):
        hpa.gauge("s1")


def test_what_a_metric_measures_must_be_known() -> None:
    (message,) = messages({"kind": "hpa", "manifest": MANIFEST, "measures": {"a": "gpu_util"}})
    assert message.startswith("measures.a: must be one of vllm:num_requests_waiting, ")


def test_a_manifest_in_a_file(tmp_path: Path) -> None:
    path = tmp_path / "hpa.yaml"
    lines = [
        "apiVersion: autoscaling/v2",
        "kind: HorizontalPodAutoscaler",
        "spec:",
        "  maxReplicas: 4",
        "  metrics:",
        "    - type: External",
        "      external:",
        "        metric: {name: vllm:num_requests_waiting}",
        "        target: {type: AverageValue, averageValue: 5}",
    ]
    path.write_text("\n".join(lines), encoding="utf-8")
    assert read({"kind": "hpa", "manifest": str(path)}) == read(
        {"kind": "hpa", "manifest": MANIFEST}
    )
    path.write_text("\n".join(lines).replace("4", "0").replace("Ext", "Int"), encoding="utf-8")
    assert messages({"kind": "hpa", "manifest": str(path)}) == [
        "manifest: hpa.yaml:4:16: spec.maxReplicas: must be at least 1 (got 0)",
        "manifest: hpa.yaml:6:13: spec.metrics[0].type: must be one of Pods, External, Object "
        "(got 'Internal'; did you mean 'External'?)",
    ]
    (missing,) = messages({"kind": "hpa", "manifest": str(tmp_path / "x.yaml")})
    assert missing.startswith("manifest: x.yaml: no such file; did you mean ")


def test_a_schedule_knows_its_days() -> None:
    every = {"at": "23:30", "replicas": 1}
    (step,) = read({"kind": "schedule", "steps": [every]}).steps
    assert (step.at_s, step.weekdays()) == (84_600.0, WEEKDAYS)
    ends = read({"kind": "schedule", "steps": [{**every, "days": "weekends"}]}).steps[0]
    assert ends.weekdays() == ("saturday", "sunday")


@pytest.mark.parametrize(("given", "share"), [("20%", 0.2), (" 7.5 % ", 0.075), (0.3, 0.3), (0, 0)])
def test_margins(given: object, share: float) -> None:
    spec = read({"kind": "forecast", "requests_per_s": 1, "margin": given})
    assert spec.margin == pytest.approx(share)


def test_demand_in_replicas() -> None:
    assert read({"kind": "forecast", "requests_per_s": 4}).replicas_for(6.0, 1e9) == 1.5
    assert read({"kind": "forecast", "tokens_per_s": 4}).replicas_for(1e9, 6.0) == 1.5


def test_a_choice_refuses_with_its_reason() -> None:
    choice = Choice("thing", "is", {"a": FixedScaler}, {"b": "b is no more"})
    assert choice.check({"is": "a"}) == {"is": "a"}
    with pytest.raises(Fault, match="b is no more"):
        choice.check({"is": "b"})


def test_a_list_must_have_something_in_it() -> None:
    filled: TypeAdapter[tuple[int, ...]] = TypeAdapter(Annotated[tuple[int, ...], Filled])
    assert filled.validate_python((1,)) == (1,)
    with pytest.raises(ValidationError, match="must not be empty"):
        filled.validate_python(())


GUIDE = (Path(__file__).parents[2] / "docs" / "autoscaling.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```yaml\n(.*?)^```$", GUIDE, re.MULTILINE | re.DOTALL)


def test_the_examples_of_the_guide_load() -> None:
    kinds = set()
    for block in BLOCKS:
        written = parse(block).data["autoscaler"]
        if isinstance(written.get("manifest"), str):
            written["manifest"] = named("s0-prometheus") if "measures" in written else MANIFEST
        kinds.add(read(written).kind)
    assert kinds == {"fixed", "p95", "hpa", "schedule", "forecast"}


def test_the_guide_tells_every_key() -> None:
    schemas = (AUTOSCALER.json_schema(), HpaManifest.model_json_schema())
    keys = {
        key
        for schema in schemas
        for spec in (schema, *schema["$defs"].values())
        for key in spec.get("properties", {})
    }
    told = set(re.findall(r"\w+", " ".join(BLOCKS + re.findall(r"`([^`\n]+)`", GUIDE))))
    assert {"metrics", "ttft_guard", "periodSeconds", "tokens_per_s"} <= keys
    assert keys <= told
