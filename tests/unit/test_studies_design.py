"""Designs: what the catalog lets a pool be built of, at whose prices."""

from __future__ import annotations

from pathlib import Path

import sim
from sim.scenario.pool import Pool
from sim.studies.design import STAYS, Choices, designs

SCENARIOS = Path(__file__).resolve().parents[2] / "scenarios"


def main_pool(name: str = "support-assistant.yaml", *changes: str) -> Pool:
    return sim.load(str(SCENARIOS / name), list(changes)).pools["main"]


def labels(pool: Pool, choices: Choices) -> list[str]:
    return [design.label for design in designs(pool, choices)[0]]


def test_the_pool_as_it_is_comes_first_and_once() -> None:
    found = labels(main_pool(), Choices())
    assert found[0] == STAYS
    assert "1 x h100-sxm, bf16" not in found
    assert {"1 x h100-sxm, fp8", "2 x h100-sxm, bf16", "1 x a100-sxm, bf16"} <= set(found)


def test_other_gpus_cost_what_the_same_provider_asks() -> None:
    found, left = designs(main_pool(), Choices())
    a100 = next(d for d in found if d.label == "2 x a100-sxm, bf16")
    assert a100.pool.node.price == "lambda/a100-sxm/on-demand"
    assert a100.usd_per_replica_hour == 2 * 2.79
    assert "l40s" in {one.label for one in left}  # no row of that provider


def test_own_prices_and_any_provider_let_more_in() -> None:
    own = designs(main_pool(), Choices(usd_per_gpu_hour=(("l40s", 0.5),)))[0]
    assert next(d for d in own if d.label == "1 x l40s, bf16").usd_per_replica_hour == 0.5
    cheapest = designs(main_pool(), Choices(any_provider=True))[0]
    l40s = next(d for d in cheapest if d.label == "1 x l40s, bf16")
    assert l40s.pool.node.price == "runpod/l40s/on-demand"


def test_choices_narrow_it() -> None:
    only = Choices(gpus=("h100-sxm",), precisions=("bf16",), tensor_parallel=(2,))
    assert labels(main_pool(), only) == [STAYS, "2 x h100-sxm, bf16"]


def test_batch_limits_are_tried_beside_the_own_one() -> None:
    nothing = Choices(gpus=(), max_num_seqs=(32, 64))
    assert labels(main_pool(), nothing) == [
        STAYS,
        f"{STAYS}, max_num_seqs 32",
        f"{STAYS}, max_num_seqs 64",
    ]
    found = designs(main_pool(), nothing)[0]
    assert found[1].pool.resolved_engine().max_num_seqs == 32


def test_settings_stay_but_for_what_belongs_to_the_card() -> None:
    found = designs(main_pool("support-assistant.yaml", "pools.main.kv_tokens=90k"), Choices())[0]
    other = next(d for d in found if d.label == "1 x a100-sxm, bf16").pool
    assert (other.queue_limit, other.router, other.replicas) == (512, "least-loaded", 2)
    assert other.resolved_kv_tokens() > 90_000


def test_explicit_timing_has_nowhere_to_go() -> None:
    pool = next(iter(sim.load(str(SCENARIOS / "contract-engine.yaml"), []).pools.values()))
    assert labels(pool, Choices()) == [STAYS]


def test_a_pool_that_scales_is_tried_fixed_too() -> None:
    pool = main_pool("launch-day.yaml")
    found = designs(pool, Choices(gpus=()))[0]
    assert [d.label for d in found] == [STAYS, f"{STAYS}, fixed"]
    assert pool.scales
    assert not found[1].pool.scales


def test_a_model_that_does_not_fit_is_left_out_with_the_reason() -> None:
    pool = main_pool("spot-fleet.yaml")
    left = designs(pool, Choices(any_provider=True))[1]
    assert all(one.why for one in left)
