"""Checks: each fault is found from what is known so far, and points at its field."""

from typing import Any

import pytest

from sim.catalog.gpus import gpu
from sim.scenario.checks import engine_fits, node_fits, resolve_engine, table_exists
from sim.scenario.engine import Engine
from sim.scenario.node import Node
from sim.scenario.spec import Fault, Faults
from sim.scenario.timing import ExplicitTiming

EXPLICIT = ExplicitTiming(knots_tokens=(1.0,), knots_s=(0.01,))
KNOWN: dict[str, Any] = {
    "model": "llama-3.1-8b",
    "gpu": "h100-sxm",
    "tensor_parallel": 1,
    "precision": "bf16",
    "timing": "table",
    "kv_tokens": None,
}


def faults_of(check: Any, value: Any, **changes: Any) -> list[tuple[str, tuple[str | int, ...]]]:
    try:
        check(value, {k: v for k, v in (KNOWN | changes).items() if v != "absent"})
    except Fault as fault:
        return [(fault.message, fault.steps)]
    except Faults as faults:
        return [(fault.message, fault.steps) for fault in faults.faults]
    return []


@pytest.mark.parametrize("name", ["h100-sxm", "a100-pcie", "l40s"])
def test_an_open_engine_takes_the_defaults_of_its_gpu(name: str) -> None:
    resolved = resolve_engine(Engine(), name)
    card = gpu(name)
    assert resolved.max_num_seqs == card.max_num_seqs
    assert resolved.max_num_batched_tokens == card.max_num_batched_tokens
    assert resolved.async_scheduling


def test_an_open_engine_with_explicit_timing() -> None:
    resolved = resolve_engine(Engine(), None)
    assert (resolved.max_num_seqs, resolved.max_num_batched_tokens) == (256, 8192)
    assert not resolved.async_scheduling
    assert resolve_engine(Engine(async_scheduling=True), None).async_scheduling
    assert not resolve_engine(Engine(async_scheduling=False), "h100-sxm").async_scheduling


def test_a_known_combination_is_fine() -> None:
    assert faults_of(table_exists, "table") == []
    assert faults_of(engine_fits, Engine()) == []
    assert faults_of(node_fits, Node(usd_per_hour=1.0)) == []


def test_spot_nodes_are_of_the_same_card() -> None:
    spot = {"mean_life": "12h", "price": "coreweave/h100-sxm/spot"}
    mixed = Node.model_validate({"usd_per_hour": 1.0, "spot": spot})
    assert faults_of(node_fits, mixed) == []
    ((message, steps),) = faults_of(node_fits, mixed, gpu="h100-nvl")
    assert steps == ("spot", "price")
    assert "is the price of h100-sxm, but the pool runs on h100-nvl" in message


def test_unknown_names_are_found_together() -> None:
    found = faults_of(table_exists, "table", model="lama", gpu="h1000")
    assert [steps for _, steps in found] == [("..", "model"), ("..", "gpu")]
    assert found[0][0].startswith("unknown model 'lama'")
    assert found[1][0].startswith("unknown GPU 'h1000'")


def test_model_and_gpu_are_needed_unless_timing_is_explicit() -> None:
    found = faults_of(table_exists, "table", model=None, gpu=None)
    assert [steps for _, steps in found] == [("..", "model"), ("..", "gpu")]
    assert faults_of(table_exists, EXPLICIT, model=None, gpu="abacus") == []


def test_a_combination_without_a_table() -> None:
    ((message, steps),) = faults_of(table_exists, "table", model="qwen2.5-7b")
    assert steps == ("..", "model")
    assert "`timing: extrapolated` estimates one" in message
    assert faults_of(table_exists, "extrapolated", model="qwen2.5-7b") == []


def test_mixtures_of_experts_do_not_extrapolate() -> None:
    ((message, _),) = faults_of(table_exists, "extrapolated", model="gpt-oss-120b", gpu="l40s")
    assert "mixture of experts" in message


def test_a_failed_field_is_not_reported_again() -> None:
    assert faults_of(table_exists, "table", precision="absent", model="qwen2.5-7b") == []
    assert faults_of(engine_fits, Engine(), gpu="absent", timing="absent") == []
    assert faults_of(engine_fits, Engine(), gpu="absent") == []
    assert faults_of(node_fits, Node(usd_per_hour=1.0), gpu="absent", timing="absent") == []


def test_batched_tokens_below_sequences() -> None:
    ((message, steps),) = faults_of(engine_fits, Engine(max_num_batched_tokens=100))
    assert steps == ("max_num_batched_tokens",)
    assert message == "must be at least max_num_seqs, 1024; vLLM refuses less (got 100)"
    ((message, steps),) = faults_of(engine_fits, Engine(max_num_seqs=9000))
    assert steps == ("max_num_seqs",)
    assert message.startswith("must be at most max_num_batched_tokens, 8192 by default here")


def test_a_model_that_does_not_fit() -> None:
    big = {"model": "llama-3.1-70b", "timing": "extrapolated"}
    ((message, steps),) = faults_of(engine_fits, Engine(), **big)
    assert steps == ("..", "model")
    assert "does not fit on 1 x h100-sxm" in message
    assert faults_of(engine_fits, Engine(), kv_tokens=1000, **big) == []


def test_a_node_too_small_for_a_replica() -> None:
    found = faults_of(node_fits, Node(usd_per_hour=1.0), tensor_parallel=2)
    assert found == [("must be at least tensor_parallel, 2 (got 1)", ("gpus",))]


def test_a_node_without_a_price_lists_the_rows_of_its_gpu() -> None:
    ((message, steps),) = faults_of(node_fits, Node(), gpu="h100-nvl")
    assert steps == ()
    assert message.endswith("rows for h100-nvl: azure/nc40ads-h100-v5/h100-nvl/on-demand")
    ((message, _),) = faults_of(node_fits, Node(), timing=EXPLICIT)
    assert "rows for" not in message


def test_the_price_of_another_gpu() -> None:
    node = Node(price="lambda/h100-sxm/on-demand")
    ((message, steps),) = faults_of(node_fits, node, gpu="h100-nvl")
    assert steps == ("price",)
    assert message.startswith("is the price of h100-sxm, but the pool runs on h100-nvl")
    assert faults_of(node_fits, node, gpu="h100-nvl", timing=EXPLICIT) == []
