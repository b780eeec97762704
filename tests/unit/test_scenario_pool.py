"""Pool: what follows from a pool's numbers, and defaults that depend on its timing."""

import pickle
from typing import Any

import pytest
from pydantic import ValidationError

from sim.catalog.kvcapacity import kv_capacity_tokens
from sim.scenario.naive import NaiveSpec
from sim.scenario.pool import Pool
from sim.scenario.timing import ExplicitHost

NODE = {"gpus": 8, "usd_per_gpu_hour": 2.0}
TIMING = {"knots_tokens": [1, 256, 8192], "knots_s": [0.006, 0.009, 0.21]}


def pool(**changes: Any) -> Pool:
    return Pool.model_validate({"model": "llama-3.1-8b", "gpu": "h100-sxm", "node": NODE} | changes)


def explicit(**changes: Any) -> Pool:
    data = {"timing": TIMING, "kv_tokens": "400k", "node": {"usd_per_hour": 4.0}}
    return Pool.model_validate(data | changes)


def test_replicas_fill_nodes() -> None:
    two_wide = pool(tensor_parallel=2, replicas=5)
    assert (two_wide.replicas_per_node, two_wide.nodes, two_wide.unplaced_gpus) == (4, 2, 6)
    assert two_wide.gpus_per_replica == 2
    assert two_wide.usd_per_replica_hour == pytest.approx(4.0)
    full = pool(tensor_parallel=2, replicas=8)
    assert (full.nodes, full.unplaced_gpus) == (2, 0)


def test_gpus_that_no_replica_can_use_are_paid_too() -> None:
    odd = explicit(tensor_parallel=3, node={"gpus": 8, "usd_per_hour": 8.0}, replicas=2)
    assert (odd.replicas_per_node, odd.nodes, odd.unplaced_gpus) == (2, 1, 2)
    assert odd.usd_per_replica_hour == pytest.approx(3.0)


def test_open_settings_come_from_the_gpu() -> None:
    open_pool = pool(gpu="l40s")
    assert open_pool.resolved_engine().max_num_batched_tokens == 2048
    assert open_pool.host == "vllm-0.19"
    assert open_pool.resolved_kv_tokens() == kv_capacity_tokens(
        "llama-3.1-8b", "l40s", 1, "bf16", 2048
    )
    assert pool(kv_tokens="8k").resolved_kv_tokens() == 8000
    assert open_pool.compute_factor_is_guess
    assert not pool(gpu="h100-nvl").compute_factor_is_guess


def test_explicit_timing_needs_no_catalog() -> None:
    own = explicit(model="in-house", gpu="abacus")
    assert own.explicit
    assert own.host == "none"
    assert not own.resolved_engine().async_scheduling
    assert own.resolved_kv_tokens() == 400_000
    assert not own.compute_factor_is_guess
    assert explicit(host={"per_step_s": 1e-3}).host == ExplicitHost(per_step_s=1e-3)
    assert explicit(host="vllm-0.19").host == "vllm-0.19"


def test_pools_hash_and_pickle() -> None:
    for one in (pool(), explicit()):
        twin = pickle.loads(pickle.dumps(one))
        assert twin == one
        assert hash(twin) == hash(one)


def test_all_that_is_wrong_is_found_at_once() -> None:
    with pytest.raises(ValidationError) as caught:
        pool(model="lama", tensor_parallel=16, engine={"block_tokens": 0}, replicas=0, node={})
    assert [e["loc"][0] for e in caught.value.errors()] == [
        "timing",
        "engine",
        "node",
        "replicas",
    ]


@pytest.mark.parametrize(
    ("life", "starts", "fixed"),
    [
        ({}, False, True),
        (
            {"replicas": 5, "queue_limit": 9, "startup": "warm", "prepulled_image": True},
            False,
            True,
        ),
        ({"autoscaler": {"kind": "fixed"}}, False, True),
        ({"capacity": {"refused_share": 0.5}}, False, True),  # nothing is ever asked for
        ({"failures": {"request_errors": "1%"}}, False, False),
        ({"failures": {"stalls": {"every": "6h", "for": "30s"}}}, False, False),
        ({"failures": {"mtbf": "250d"}}, True, False),
        ({"rollouts": {"every": "7d"}}, True, False),
        ({"redundancy": {"spare_replicas": 1}}, False, False),
        ({"warm_nodes": 1}, False, False),
        (
            {"node": NODE | {"spot": {"usd_per_hour": 1.0, "mean_life": "12h"}}},
            True,
            False,
        ),
        ({"replicas": {"min": 0, "max": 1}, "scale_to_zero": {"after": 0}}, True, False),
        (
            {"replicas": {"min": 1, "max": 4}, "autoscaler": {"kind": "p95", "target": "45ms"}},
            True,
            False,
        ),
    ],
)
def test_a_fixed_fleet_is_one_in_which_nothing_happens(
    life: dict[str, Any], starts: bool, fixed: bool
) -> None:
    assert (pool(**life).starts_replicas, pool(**life).is_fixed) == (starts, fixed)


def test_queue_limits_by_priority() -> None:
    assert pool().queue_limits is None
    assert pool(queue_limit=512).queue_limits == 512
    assert pool(queue_limit={"0": 512, 5: 100}).queue_limits == {0: 512, 5: 100}


@pytest.mark.parametrize(
    "naive", [{"input_tokens": 512, "output_tokens": 256}, {"total_tokens_per_s": 9000}]
)
def test_a_naive_benchmark(naive: dict[str, float]) -> None:
    assert pool(naive=naive).naive == NaiveSpec.model_validate(naive)


@pytest.mark.parametrize(
    ("naive", "got"),
    [
        ({}, "nothing"),
        ({"input_tokens": 512}, "input_tokens"),
        ({"input_tokens": 512, "total_tokens_per_s": 1.0}, "input_tokens, total_tokens_per_s"),
    ],
)
def test_half_a_naive_benchmark(naive: dict[str, float], got: str) -> None:
    with pytest.raises(ValidationError, match=rf"\(got {got}\)"):
        pool(naive=naive)


def test_a_given_compute_factor_overrides_the_card_s_and_is_no_guess() -> None:
    assert pool().resolved_compute_factor == 1.15
    assert pool().compute_factor_is_guess
    own = pool(compute_factor=2)
    assert own.resolved_compute_factor == 2.0
    assert not own.compute_factor_is_guess
    assert pool(host="none").resolved_compute_factor == 1.0
    assert explicit().resolved_compute_factor == 1.0
    assert explicit(compute_factor=1.5).resolved_compute_factor == 1.5
    with pytest.raises(ValidationError, match="greater than 0"):
        pool(compute_factor=0)
