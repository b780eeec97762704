"""HPA manifest: what is read, with the line of what is wrong; quantities are exact."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from sim.scenario.hpa_manifest import METRIC_NAMES, HpaManifest, gauge_of
from sim.scenario.manifestfile import find_manifests, parse_manifest, read_manifest
from sim.scenario.problem import ScenarioError
from sim.scenario.quantity import (
    PositiveQuantity,
    QuantityFromZero,
    parse_quantity,
    thousandths,
)

FULL = """\
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata:
  name: vllm
  labels: {app: vllm}
spec:
  scaleTargetRef:
    apiVersion: apps/v1
    kind: Deployment
    name: vllm
  minReplicas: 2
  maxReplicas: 16
  metrics:
    - type: Pods
      pods:
        metric:
          name: vllm:num_requests_waiting
          selector: {matchLabels: {model: llama}}
        target:
          type: AverageValue
          averageValue: 500m
    - type: External
      external:
        metric: {name: requests_per_second}
        target: {type: Value, value: 1k}
    - type: Object
      object:
        describedObject: {apiVersion: v1, kind: Service, name: vllm}
        metric: {name: "vllm:kv_cache_usage_perc"}
        target: {type: AverageValue, averageValue: 0.8}
  behavior:
    scaleUp:
      stabilizationWindowSeconds: 0
      selectPolicy: Min
      policies:
        - {type: Pods, value: 4, periodSeconds: 60}
        - {type: Percent, value: 50, periodSeconds: 1800}
    scaleDown:
      selectPolicy: Disabled
      tolerance: 50m
status:
  currentReplicas: 3
"""


def test_a_whole_manifest() -> None:
    manifest = parse_manifest(FULL)
    spec = manifest.spec
    assert (spec.minReplicas, spec.maxReplicas) == (2, 16)
    assert [m.type for m in spec.metrics] == ["Pods", "External", "Object"]
    assert [m.source.target.thousandths for m in spec.metrics] == [500, 1_000_000, 800]
    assert [name for name, _ in manifest.metrics()] == [
        "vllm:num_requests_waiting",
        "requests_per_second",
        "vllm:kv_cache_usage_perc",
    ]
    assert spec.behavior is not None
    up, down = spec.behavior.scaleUp, spec.behavior.scaleDown
    assert up is not None
    assert down is not None
    assert up.policies is not None
    assert [(p.type, p.value, p.periodSeconds) for p in up.policies] == [
        ("Pods", 4, 60),
        ("Percent", 50, 1800),
    ]
    assert (up.selectPolicy, up.stabilizationWindowSeconds) == ("Min", 0)
    assert (down.selectPolicy, down.tolerance, down.policies) == ("Disabled", "50m", None)


def test_it_is_the_same_after_a_dump() -> None:
    manifest = parse_manifest(FULL)
    dumped = manifest.model_dump(mode="json", exclude_none=True)
    assert set(dumped) == {"apiVersion", "kind", "spec"}
    assert "scaleTargetRef" not in dumped["spec"]
    assert HpaManifest.model_validate(dumped) == manifest
    assert hash(HpaManifest.model_validate(dumped)) == hash(manifest)


SMALL = """\
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
spec:
  maxReplicas: 4
  metrics:
    - type: Pods
      pods:
        metric: {name: num_requests_waiting}
        target: {type: AverageValue, averageValue: 5}
"""


def test_the_smallest_manifest() -> None:
    spec = parse_manifest(SMALL).spec
    assert (spec.minReplicas, spec.maxReplicas, spec.behavior) == (1, 4, None)


def problems(text: str) -> list[tuple[int | None, str]]:
    with pytest.raises(ScenarioError) as caught:
        parse_manifest(text, "hpa.yaml")
    return [(p.line, f"{p.path}: {p.message}") for p in caught.value.problems]


@pytest.mark.parametrize(
    ("old", "new", "line", "message"),
    [
        (
            "maxReplicas: 4",
            "maxReplica: 4",
            4,
            "spec.maxReplica: unknown key 'maxReplica'; did you mean 'maxReplicas'?",
        ),
        ("maxReplicas: 4", "maxReplicas: 0", 4, "spec.maxReplicas: must be at least 1 (got 0)"),
        (
            "maxReplicas: 4",
            "maxReplicas: 4\n  minReplicas: 0",
            5,
            "spec.minReplicas: must be at least 1 (got 0)",
        ),
        (
            "maxReplicas: 4",
            "maxReplicas: 4\n  minReplicas: 5",
            4,
            "spec.maxReplicas: must be at least minReplicas, 5 (got 4)",
        ),
        (
            "type: Pods",
            "type: Pod",
            6,
            "spec.metrics[0].type: must be one of Pods, External, Object (got 'Pod'; "
            "did you mean 'Pods'?)",
        ),
        (
            "- type: Pods",
            "- name: Pods",
            6,
            "spec.metrics[0]: says no type of metric; give type: one of Pods, External, Object",
        ),
        (
            "averageValue: 5}",
            "averageValue: 0}",
            9,
            "spec.metrics[0].pods.target.averageValue: must be more than 0 (got 0)",
        ),
        (
            "averageValue: 5}",
            "averageValue: 5%}",
            9,
            "spec.metrics[0].pods.target.averageValue: must be a quantity such as 5, 2.5, 500m, "
            "1k or 1Ki (got '5%')",
        ),
        (
            "averageValue: 5}",
            "value: 5}",
            9,
            "spec.metrics[0].pods.target.value: must not be given: type is AverageValue; "
            "give averageValue",
        ),
        (
            "type: AverageValue, averageValue: 5",
            "type: Value, value: 5",
            9,
            "spec.metrics[0].pods.target.type: must be AverageValue: metrics of type Pods are "
            "averaged",
        ),
        (
            "type: AverageValue, averageValue: 5",
            "type: Utilization",
            9,
            "spec.metrics[0].pods.target.type: Utilization is for CPU and memory only; use "
            "AverageValue or Value",
        ),
        (
            "metric: {name: num_requests_waiting}",
            "metrics: {name: num_requests_waiting}",
            8,
            "spec.metrics[0].pods.metrics: unknown key 'metrics'; did you mean 'metric'?",
        ),
    ],
)
def test_what_is_wrong_is_named_with_its_line(old: str, new: str, line: int, message: str) -> None:
    assert old in SMALL
    assert (line, message) in problems(SMALL.replace(old, new))


def test_what_lacks_a_key_is_named_by_its_own() -> None:
    with pytest.raises(ScenarioError) as caught:
        parse_manifest(SMALL.replace(", averageValue: 5", ""), "hpa.yaml")
    assert str(caught.value).splitlines()[0] == (
        "hpa.yaml:9:9: spec.metrics[0].pods.target.averageValue: is missing: type is AverageValue"
    )


def behaving(rules: str) -> str:
    return SMALL + f"  behavior:\n    scaleUp: {rules}\n"


@pytest.mark.parametrize(
    ("rules", "message"),
    [
        ("{policies: []}", "policies: must not be empty"),
        (
            "{policies: [{type: Pods, value: 0, periodSeconds: 1}]}",
            "policies[0].value: must be at least 1 (got 0)",
        ),
        (
            "{policies: [{type: Pods, value: 1, periodSeconds: 1801}]}",
            "policies[0].periodSeconds: must be at most 1800 (got 1801)",
        ),
        (
            "{policies: [{type: Replicas, value: 1, periodSeconds: 1}]}",
            "policies[0].type: must be one of Pods, Percent (got 'Replicas')",
        ),
        (
            "{stabilizationWindowSeconds: 3601}",
            "stabilizationWindowSeconds: must be at most 3600 (got 3601)",
        ),
        (
            "{selectPolicy: Most}",
            "selectPolicy: must be one of Max, Min, Disabled (got 'Most')",
        ),
        ("{tolerance: -1m}", "tolerance: must not be negative (got '-1m')"),
        (
            "{window: 3}",
            "window: unknown key 'window'; allowed here: stabilizationWindowSeconds, "
            "selectPolicy, policies, tolerance",
        ),
    ],
)
def test_what_is_wrong_in_the_behavior(rules: str, message: str) -> None:
    assert problems(behaving(rules)) == [(11, f"spec.behavior.scaleUp.{message}")]


def test_all_problems_come_at_once_and_with_their_text() -> None:
    text = SMALL.replace("maxReplicas: 4", "maxReplicas: x").replace("type: Pods", "type: Cpu")
    with pytest.raises(ScenarioError) as caught:
        parse_manifest(text, "hpa.yaml")
    assert str(caught.value).splitlines() == [
        "hpa.yaml:4:16: spec.maxReplicas: must be a whole number (got 'x')",
        "      maxReplicas: x",
        "                   ^",
        "hpa.yaml:6:13: spec.metrics[0].type: must be one of Pods, External, Object (got 'Cpu')",
        "        - type: Cpu",
        "                ^",
    ]


@pytest.mark.parametrize("kind", ["Resource", "ContainerResource"])
def test_cpu_and_memory_are_refused_with_what_to_use(kind: str) -> None:
    ((line, message),) = problems(SMALL.replace("type: Pods", f"type: {kind}"))
    assert line == 6
    assert message == (
        "spec.metrics[0].type: CPU and memory of a pod say little of a GPU that serves a model, "
        "and are not simulated; use type: Pods with vllm:num_requests_waiting or "
        "vllm:kv_cache_usage_perc"
    )


def test_without_metrics_it_would_be_the_cpu() -> None:
    head = SMALL[: SMALL.index("  metrics")]
    ((line, message),) = problems(head)
    assert (line, message) == (
        3,
        "spec.metrics: is missing: metrics to scale on (without any, Kubernetes would look at "
        "the CPU)",
    )
    assert problems(head + "  metrics: []\n") == [(5, "spec.metrics: must not be empty")]


@pytest.mark.parametrize(
    ("version", "told"),
    [
        ("autoscaling/v1", "knows only the CPU; give an autoscaling/v2 manifest"),
        ("autoscaling/v2beta2", "kubectl get hpa.v2.autoscaling NAME -o yaml"),
        ("autoscaling/v2beta1", "kubectl get hpa.v2.autoscaling NAME -o yaml"),
        ("apps/v1", "must be autoscaling/v2 (got 'apps/v1')"),
    ],
)
def test_other_versions_are_refused_with_what_to_give(version: str, told: str) -> None:
    ((line, message),) = problems(SMALL.replace("autoscaling/v2", version))
    assert line == 1
    assert message.startswith("apiVersion: ")
    assert told in message


def test_keda_is_refused_with_what_to_give() -> None:
    text = "apiVersion: keda.sh/v1alpha1\nkind: ScaledObject\nspec: {maxReplicaCount: 3}\n"
    ((line, message),) = problems(text)
    assert line == 2
    assert message == (
        "kind: KEDA's ScaledObject is not supported yet; give the autoscaler that KEDA made of "
        "it: kubectl get hpa keda-hpa-NAME -o yaml"
    )


DEPLOYMENT = "apiVersion: apps/v1\nkind: Deployment\nspec: {replicas: 1}\n"


def test_other_documents_are_passed_over() -> None:
    text = f"# a comment\n{DEPLOYMENT}---\n# and another\n{SMALL}--- # the end\n"
    assert parse_manifest(text) == parse_manifest(SMALL)
    assert parse_manifest(f"--- \n{SMALL}\n...\n") == parse_manifest(SMALL)


def test_places_hold_after_other_documents() -> None:
    broken = SMALL.replace("maxReplicas: 4", "maxReplicas: -4")
    ((line, message),) = problems(f"{DEPLOYMENT}---\r\n{broken}")
    assert (line, message) == (8, "spec.maxReplicas: must be at least 1 (got -4)")


def test_there_must_be_one_autoscaler() -> None:
    assert problems(f"{SMALL}---\n{SMALL}") == [
        (None, ": has 2 HorizontalPodAutoscalers (line 1 and line 11); keep the one of this pool")
    ]
    assert problems(f"{DEPLOYMENT}---\n{DEPLOYMENT}") == [
        (None, ": has no HorizontalPodAutoscaler (there is: Deployment, Deployment)")
    ]
    assert problems("# nothing\n") == [
        (None, ": has no HorizontalPodAutoscaler (there is: nothing)")
    ]
    assert problems(DEPLOYMENT) == [(2, "kind: must be HorizontalPodAutoscaler (got 'Deployment')")]
    assert problems("- 1\n") == [(1, ": must be a mapping of keys and values (got a list)")]


def test_mistakes_of_yaml_keep_their_place() -> None:
    assert problems(f"{DEPLOYMENT}---\nspec: [1\n")[0][0] == 6
    ((line, message),) = problems(SMALL + "kind: HorizontalPodAutoscaler\n")
    assert (line, message) == (10, ": the key 'kind' is given twice (first at line 2)")


def test_a_file_is_read(tmp_path: Path) -> None:
    path = tmp_path / "hpa.yaml"
    path.write_text(FULL, encoding="utf-8")
    assert read_manifest(path) == parse_manifest(FULL)
    with pytest.raises(ScenarioError, match=r"^hpa2\.yaml: no such file; did you mean"):
        read_manifest(tmp_path / "hpa2.yaml")
    path.write_bytes(b"kind: x\nname: \xff\n")
    with pytest.raises(ScenarioError, match=r"^hpa\.yaml:2:1: is not UTF-8"):
        read_manifest(path)


def test_paths_start_at_the_scenario_or_where_the_user_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def data() -> dict[str, Any]:
        return {"pools": {"main": {"autoscaler": {"kind": "hpa", "manifest": "a/hpa.yaml"}}}}

    one, two = data(), data()
    asked: list[Any] = []

    def not_overridden(path: Any) -> bool:
        asked.append(path)
        return False

    find_manifests(one, tmp_path, not_overridden)
    assert asked == [("pools", "main", "autoscaler", "manifest")]
    assert one["pools"]["main"]["autoscaler"]["manifest"] == str(tmp_path / "a" / "hpa.yaml")
    monkeypatch.chdir(tmp_path)
    find_manifests(two, Path("/elsewhere"), lambda _: True)
    assert two == one


@pytest.mark.parametrize(
    "data", [None, {}, {"pools": []}, {"pools": {"a": 1}}, {"pools": {"a": {"autoscaler": []}}}]
)
def test_data_of_any_shape_has_no_manifests(data: Any) -> None:
    find_manifests(data, Path(), lambda _: False)


@pytest.mark.parametrize(
    ("name", "gauge"),
    [
        ("vllm:num_requests_waiting", "requests_waiting"),
        ("vllm_num_requests_waiting", "requests_waiting"),
        ("vllm-num-requests-running", "requests_running"),
        ("num_requests_running", "requests_running"),
        ("vllm:kv_cache_usage_perc", "kv_usage"),
        ("vllm:gpu_cache_usage_perc", "kv_usage"),
        ("requests-per-second", "requests_per_s"),
        ("http_requests_per_second", "requests_per_s"),
        ("s0-prometheus", None),
        ("DCGM_FI_DEV_GPU_UTIL", None),
    ],
)
def test_names_of_metrics(name: str, gauge: str | None) -> None:
    assert gauge_of(name) == gauge


def test_the_names_that_messages_give_are_known() -> None:
    assert len(METRIC_NAMES) == 5
    assert all(gauge_of(name) for name in METRIC_NAMES)


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("500m", Fraction(1, 2)),
        ("5", 5),
        ("5.", 5),
        (".5", Fraction(1, 2)),
        ("+2.5", Fraction(5, 2)),
        ("-1", -1),
        ("1k", 1000),
        ("1Ki", 1024),
        ("1.5Gi", 3 * 2**29),
        ("1M", 10**6),
        ("1E", 10**18),
        ("1e3", 1000),
        ("1E3", 1000),
        ("25e-1", Fraction(5, 2)),
        ("100n", Fraction(1, 10**7)),
        ("0.1", Fraction(1, 10)),
        ("3u", Fraction(3, 10**6)),
    ],
)
def test_quantities(text: str, number: Fraction) -> None:
    assert parse_quantity(text) == number


@pytest.mark.parametrize(
    "text",
    ["", "m", "1 k", "1K", "1mi", "1e", "1e1.5", "0x10", "1,5", "٣", "1" * 61, "9.3E", "1e30"],
)
def test_no_quantities(text: str) -> None:
    with pytest.raises(ValueError, match=r"must be (a quantity|less than 2\^63)"):
        parse_quantity(text)


def test_thousandths_are_rounded_up() -> None:
    assert [thousandths(t) for t in ("1", "1.0001", "1u", "0", "1e-4")] == [1000, 1001, 1, 0, 1]


def test_quantities_as_fields() -> None:
    positive: TypeAdapter[str] = TypeAdapter(PositiveQuantity)
    from_zero: TypeAdapter[str] = TypeAdapter(QuantityFromZero)
    assert [positive.validate_python(v) for v in (5, 2.5, "500m")] == ["5", "2.5", "500m"]
    assert from_zero.validate_python(0) == "0"
    for adapter, value in ((positive, 0), (from_zero, -1), (positive, True), (positive, [])):
        with pytest.raises(ValidationError):
            adapter.validate_python(value)
