"""Replicas: a number, or bounds that an autoscaler moves within; what a pool makes of them."""

from typing import Any

import pytest
from pydantic import ValidationError

from sim.scenario.pool import Pool
from sim.scenario.replicas import ReplicaRange
from sim.scenario.scale_to_zero import ScaleToZero

HPA = {
    "kind": "hpa",
    "manifest": {
        "apiVersion": "autoscaling/v2",
        "kind": "HorizontalPodAutoscaler",
        "spec": {
            "minReplicas": 2,
            "maxReplicas": 9,
            "metrics": [
                {
                    "type": "Pods",
                    "pods": {
                        "metric": {"name": "vllm:num_requests_waiting"},
                        "target": {"type": "AverageValue", "averageValue": "5"},
                    },
                }
            ],
        },
    },
}


def pool(**changes: Any) -> Pool:
    data = {"model": "llama-3.1-8b", "gpu": "h100-sxm", "node": {"usd_per_hour": 4}}
    return Pool.model_validate(data | changes)


def bounds(spec: Pool) -> tuple[int, int, int]:
    return spec.least_replicas, spec.start_replicas, spec.most_replicas


@pytest.mark.parametrize(
    ("replicas", "expected"),
    [
        (None, (1, 1, 1)),
        (3, (3, 3, 3)),
        ({"min": 2, "max": 8}, (2, 2, 8)),
        ({"min": 2, "max": 8, "start": 5}, (2, 5, 8)),
        ({"min": 2, "max": 2}, (2, 2, 2)),
    ],
)
def test_least_start_and_most(replicas: Any, expected: tuple[int, int, int]) -> None:
    spec = pool(autoscaler={"kind": "fixed"}, replicas=replicas)
    assert bounds(spec) == expected
    assert not spec.scales
    assert spec.is_fixed


@pytest.mark.parametrize(("start", "expected"), [(None, 1), (0, 0), (4, 4)])
def test_from_zero_it_starts_with_one(start: int | None, expected: int) -> None:
    spec = pool(replicas={"min": 0, "max": 4, "start": start}, scale_to_zero={"after": "5m"})
    assert bounds(spec) == (0, expected, 4)
    assert spec.scale_to_zero == ScaleToZero(after=300.0)
    assert spec.scales
    assert not spec.is_fixed


def test_a_manifest_brings_its_bounds() -> None:
    spec = pool(autoscaler=HPA)
    assert spec.replicas == ReplicaRange(min=2, max=9)
    assert spec == pool(autoscaler=HPA, replicas={"min": 2, "max": 9})
    assert spec.scales
    assert bounds(pool(autoscaler=HPA, replicas={"min": 2, "max": 9, "start": 4})) == (2, 4, 9)


def test_a_manifest_is_never_contradicted() -> None:
    with pytest.raises(ValidationError, match="must be the manifest's maxReplicas, 9"):
        pool(autoscaler=HPA, replicas={"min": 2, "max": 8})
    to_zero = {"replicas": {"min": 0, "max": 9}, "scale_to_zero": {"after": "1m"}}
    assert bounds(pool(autoscaler=HPA, **to_zero)) == (0, 1, 9)  # minReplicas is never 0


@pytest.mark.parametrize("start", [1, 9])
def test_a_start_out_of_bounds(start: int) -> None:
    with pytest.raises(ValidationError, match="must be from min to max, 2 to 8"):
        pool(autoscaler={"kind": "fixed"}, replicas={"min": 2, "max": 8, "start": start})


@pytest.mark.parametrize("replicas", [0, -1, 10_001, 1.5, "3", True, {"min": 1}, {"max": 3}])
def test_numbers_that_are_none(replicas: Any) -> None:
    with pytest.raises(ValidationError):
        pool(autoscaler={"kind": "fixed"}, replicas=replicas)


def test_nodes_are_those_of_the_start() -> None:
    node = {"gpus": 8, "usd_per_hour": 20}
    spec = pool(
        node=node, tensor_parallel=2, autoscaler=HPA, replicas={"min": 2, "max": 9, "start": 5}
    )
    assert (spec.replicas_per_node, spec.nodes, spec.unplaced_gpus) == (4, 2, 6)
