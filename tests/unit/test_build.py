from typing import Any

import pytest

from sim.catalog.gpus import gpu
from sim.catalog.hosts import host
from sim.catalog.kernel import kernel_seconds
from sim.catalog.timings import kernel_table
from sim.fleet.build import build_batcher, build_host, build_timing
from sim.scenario.pool import Pool
from sim.scenario.timing import ExplicitHost
from sim.serving.waiting import Queue

EXPLICIT = {
    "knots_tokens": [1, 101],
    "knots_s": [1.0, 2.0],
    "per_sequence_s": 0.25,
    "per_context_token_s": 0.5,
    "per_attention_pair_s": 0.125,
    "per_prefill_context_token_s": 4.0,
    "prefill_fixed_s": 8.0,
}


def explicit(**changes: Any) -> Pool:
    usual = {"timing": EXPLICIT, "kv_tokens": 1000, "node": {"usd_per_hour": 1.0}}
    return Pool.model_validate({**usual, **changes})


def listed(**changes: Any) -> Pool:
    usual = {"model": "llama-3.1-8b", "gpu": "h100-nvl", "node": {"usd_per_hour": 1.0}}
    return Pool.model_validate({**usual, **changes})


CHUNKS, CONTEXTS = [(300, 0), (100, 1000)], [500] * 20


def test_own_numbers_are_used_as_they_are() -> None:
    of = build_timing(explicit())
    assert [of.batch_s[x] for x in (0, 1, 51, 101, 201)] == [0.0, 1.0, 1.5, 2.0, 3.0]
    assert of.step_s([(40, 10)], [7] * 11) == pytest.approx(
        1.5 + 0.25 * 11 + 0.5 * 77 + 0.125 * 40 * 30 + 4.0 * 10 + 8.0
    )
    assert of.first_token_s == 0.0


def test_own_numbers_take_a_host_but_no_card() -> None:
    own = {"per_step_s": 0.5, "per_sequence_s": 0.25, "first_token_s": 2.0}
    of = build_timing(explicit(host=own, gpu="h100-nvl"))
    assert [of.batch_s[x] for x in (1, 101)] == [1.5, 2.5]
    assert (of.per_decode_s, of.per_chunk_s, of.first_token_s) == (0.5, 0.25, 2.0)
    assert of.per_attention_pair_s == 0.125


def test_without_a_host_a_step_is_kernel_time_as_tabulated() -> None:
    table = kernel_table("llama-3.1-8b", "h100_sxm", 1, "bf16")
    found = build_timing(listed(host="none")).step_s(CHUNKS, CONTEXTS)
    assert found == pytest.approx(kernel_seconds(table, CHUNKS, CONTEXTS), rel=1e-12)


def test_a_host_comes_with_the_card_s_compute_factor() -> None:
    table, vllm = kernel_table("llama-3.1-8b", "h100_sxm", 1, "bf16"), host("vllm-0.19")
    factor = gpu("h100-nvl").compute_factor
    of = build_timing(listed())
    one_s, most_s = table.shared_s(1), table.shared_s(2048)
    assert of.batch_s[2048] == pytest.approx(one_s + factor * (most_s - one_s) + vllm.per_step_s)
    assert of.per_attention_pair_s == pytest.approx(table.per_attention_pair_s * factor)
    assert of.per_decode_s == pytest.approx(table.per_sequence_s + vllm.per_sequence_s)
    assert of.first_token_s == vllm.first_token_s


def test_step_times_reach_to_the_engine_s_budget() -> None:
    engine = {"max_num_seqs": 8, "max_num_batched_tokens": 777}
    assert len(build_timing(listed(engine=engine)).batch_s) == 778
    assert len(build_timing(listed()).batch_s) == gpu("h100-nvl").max_num_batched_tokens + 1


def test_a_model_without_a_table_is_extrapolated_if_asked() -> None:
    spec = listed(model="qwen3-8b", timing="extrapolated")
    table = kernel_table("qwen3-8b", "h100_sxm", 1, "bf16", True)
    assert build_timing(spec).per_context_token_s == table.per_context_token_s


def test_equal_engines_share_their_step_times() -> None:
    """A table of 8,192 numbers is made once, not once per replica."""
    assert build_timing(listed()) is build_timing(listed(replicas=9))
    assert build_timing(explicit()) is build_timing(explicit())
    assert build_timing(listed()) is not build_timing(listed(host="none"))


def test_hosts() -> None:
    assert build_host("vllm-0.19") == host("vllm-0.19")
    own = build_host(ExplicitHost(per_step_s=0.1, per_prefill_step_s=0.2))
    assert (own.per_step_s, own.per_sequence_s, own.per_prefill_step_s) == (0.1, 0.0, 0.2)
    assert (own.moe_base_factor, own.moe_sparse_factor) == (1.0, 1.0)


def test_an_engine_as_the_pool_says() -> None:
    engine = {
        "max_num_seqs": 7, "max_num_batched_tokens": 70, "block_tokens": 32,
        "prefix_caching": False, "async_scheduling": True, "reserve_full_input": False,
    }  # fmt: skip
    queue = Queue()
    of = build_batcher(explicit(engine=engine), queue=queue)
    assert (of.max_num_seqs, of.max_num_batched_tokens) == (7, 70)
    assert (of.async_scheduling, of.reserve_full_input) == (True, False)
    assert (of.cache.blocks, of.cache.block_tokens, of.cache.caching) == (31, 32, False)
    assert of.queue is queue
    assert of.timing is build_timing(explicit(engine=engine))


def test_an_engine_by_default() -> None:
    of = build_batcher(explicit())
    assert (of.async_scheduling, of.reserve_full_input, of.cache.caching) == (False, True, True)
    assert (of.cache.blocks, of.cache.block_tokens) == (62, 16)
    assert build_batcher(listed()).async_scheduling


def test_the_cache_holds_what_the_memory_leaves() -> None:
    spec = listed()
    assert build_batcher(spec).cache.blocks == spec.resolved_kv_tokens() // 16 > 10_000


def test_a_cache_of_less_than_a_block_is_one_block() -> None:
    assert build_batcher(explicit(kv_tokens=9)).cache.blocks == 1


@pytest.mark.parametrize("asked", [True, False])
def test_prefix_caching_can_be_overruled(asked: bool) -> None:
    spec = explicit(engine={"prefix_caching": not asked})
    assert build_batcher(spec, prefix_caching=asked).cache.caching is asked


def test_a_slow_machine_s_steps_take_longer_in_every_term() -> None:
    plain, slow = build_batcher(explicit()).timing, build_batcher(explicit(), slow=1.5).timing
    work = ([(40, 10)], [7] * 11)
    assert slow.step_s(*work) == pytest.approx(1.5 * plain.step_s(*work))
    assert build_batcher(explicit(), slow=1.0).timing is plain


def test_a_pool_s_own_compute_factor_stands_in_for_the_card_s() -> None:
    named, own = build_timing(listed()), build_timing(listed(compute_factor=1.6))
    assert own == named
    twice = build_timing(listed(compute_factor=2 * 1.6))
    assert twice.batch_s[1] == named.batch_s[1]
    grown, grown_twice = (of.batch_s[4000] - of.batch_s[1] for of in (named, twice))
    assert grown_twice == pytest.approx(2 * grown)
    assert twice.per_attention_pair_s == pytest.approx(2 * named.per_attention_pair_s)
    assert twice.per_context_token_s == named.per_context_token_s


def test_a_compute_factor_counts_with_own_numbers_and_without_a_host() -> None:
    of = build_timing(explicit(compute_factor=3.0))
    assert [of.batch_s[x] for x in (1, 101)] == [1.0, 1.0 + 3.0 * 1.0]
    bare = build_timing(listed(host="none"))
    slow = build_timing(listed(host="none", compute_factor=2.0))
    assert slow.batch_s[4000] - slow.batch_s[1] == pytest.approx(
        2 * (bare.batch_s[4000] - bare.batch_s[1])
    )


def test_own_numbers_of_a_host_may_correct_experts() -> None:
    own = host("vllm-0.19")
    names = ("per_step_s", "per_sequence_s", "per_prefill_step_s", "first_token_s",
             "moe_base_factor", "moe_sparse_factor")  # fmt: skip
    written = {name: getattr(own, name) for name in names}
    moe = {"model": "qwen3-30b-a3b"}
    assert build_timing(listed(**moe, host=written)) == build_timing(listed(**moe))
