from typing import Any

import pytest
import yaml

from sim.catalog.hosts import host
from sim.fleet.build import build_timing
from sim.scenario.pool import Pool
from sim.studies.calibration_parameters import applied, block, is_moe, parameters_of


def pool(**changes: Any) -> Pool:
    usual = {"model": "llama-3.1-8b", "gpu": "h100-nvl", "node": {"usd_per_hour": 1.0}}
    return Pool.model_validate({**usual, **changes})


DENSE, OTHER_CARD, MOE = pool(), pool(gpu="a100-pcie"), pool(model="qwen3-30b-a3b")


def test_one_host_a_factor_per_card_and_two_per_mixture_of_experts() -> None:
    found = parameters_of([DENSE, OTHER_CARD, MOE])
    assert [one.title for one in found] == [
        "per_step_s",
        "per_sequence_s",
        "per_prefill_step_s",
        "first_token_s",
        "compute_factor of h100-nvl",
        "compute_factor of a100-pcie",
        "moe_base_factor of qwen3-30b-a3b",
        "moe_sparse_factor of qwen3-30b-a3b",
    ]
    assert found[0].start == host("vllm-0.19").per_step_s
    assert [one.start for one in found[4:]] == [1.6, 1.4, 1.2, 0.65]


def test_what_is_kept_is_not_a_parameter() -> None:
    assert "compute_factor" not in {p.name for p in parameters_of([DENSE], ["compute_factor"])}


def test_starts_change_nothing() -> None:
    """A pool with all its numbers written out is the engine that it was by name."""
    for one in (DENSE, MOE, pool(host="none")):
        values = {p: p.start for p in parameters_of([one])}
        assert build_timing(applied(one, values)) == build_timing(one)


def test_each_pool_takes_its_own() -> None:
    values = {p: 2.0 for p in parameters_of([DENSE, OTHER_CARD]) if p.owner == "a100-pcie"}
    assert applied(OTHER_CARD, values).compute_factor == 2.0
    assert applied(DENSE, values).compute_factor == 1.6


def test_the_block_loads_as_the_pool_that_was_fitted() -> None:
    values = {p: 1.25 * p.start for p in parameters_of([MOE, DENSE])}
    written = yaml.safe_load(block({"m": MOE, "d": DENSE}, values, digits=12))["pools"]
    for name, one in (("m", MOE), ("d", DENSE)):
        again = Pool.model_validate({**one.model_dump(), **written[name]})
        fitted, read = build_timing(applied(one, values)), build_timing(again)
        assert read.batch_s == pytest.approx(fitted.batch_s, rel=1e-9)
        assert read.first_token_s == pytest.approx(fitted.first_token_s)
    assert "moe_base_factor" not in written["d"]["host"]
    assert is_moe(MOE)
