from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sim.catalog.hosts import host
from sim.catalog.kernel import KernelTable, kernel_seconds
from sim.catalog.timings import tables
from sim.serving.timing import StepTiming, step_timing

NONE = host("none")
HOST = replace(NONE, per_step_s=0.5, per_sequence_s=0.25, per_prefill_step_s=3.0, first_token_s=7.0)
MOE_HOST = replace(NONE, moe_base_factor=1.5, moe_sparse_factor=0.5)
TABLE = KernelTable(
    knots_tokens=(2, 12, 22),
    knots_s=(1.0, 2.0, 4.0),
    per_sequence_s=0.01,
    per_context_token_s=0.02,
    per_attention_pair_s=0.03,
    per_prefill_context_token_s=0.04,
    prefill_fixed_s=0.05,
)
MOE = KernelTable(knots_tokens=(1, 3, 1001), knots_s=(1.0, 2.0, 1000.0), experts=4, topk=2)


def dense(host_=NONE, factor: float = 1.0, tokens: int = 40) -> StepTiming:
    return step_timing(TABLE, host_, factor, tokens)


def test_the_batch_share_is_the_table_s() -> None:
    """Flat below the first knot, linear between, the last segment prolonged, nothing at 0."""
    batch_s = dense().batch_s
    assert len(batch_s) == 41
    assert [batch_s[x] for x in (0, 1, 2, 7, 12, 17, 22, 32)] == pytest.approx(
        [0.0, 1.0, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0]
    )


def test_two_knots_are_a_line() -> None:
    table = KernelTable(knots_tokens=(4, 8), knots_s=(1.0, 2.0))
    batch_s = step_timing(table, NONE, 1.0, 16).batch_s
    assert [batch_s[x] for x in (1, 4, 6, 8, 16)] == pytest.approx([1.0, 1.0, 1.5, 2.0, 4.0])


def test_a_single_knot_is_flat() -> None:
    table = KernelTable(knots_tokens=(8,), knots_s=(0.5,))
    assert step_timing(table, NONE, 2.0, 16).batch_s == [0.0] + [0.5] * 16


def test_a_slower_card_slows_growth_and_attention_alone() -> None:
    """Memory traffic, so G(1), the context and what is fixed, does not slow down."""
    fast, slow = dense(), dense(factor=3.0)
    assert [slow.batch_s[x] for x in (0, 1, 12, 22)] == pytest.approx([0.0, 1.0, 4.0, 10.0])
    assert slow.per_attention_pair_s == pytest.approx(0.09)
    same = {"batch_s": fast.batch_s, "per_attention_pair_s": fast.per_attention_pair_s}
    assert replace(slow, **same) == fast


def test_a_host_adds_its_seconds() -> None:
    bare, hosted = dense(), dense(HOST)
    assert hosted.batch_s[0] == 0.0  # no step, no host
    assert [hosted.batch_s[x] - bare.batch_s[x] for x in (1, 40)] == pytest.approx([0.5, 0.5])
    assert hosted.per_decode_s == pytest.approx(0.01 + 0.25)
    assert hosted.per_chunk_s == 0.25
    assert hosted.per_prefill_step_s == pytest.approx(0.05 + 3.0)
    assert hosted.first_token_s == 7.0


def test_a_step_in_which_all_decode_is_tabulated_too() -> None:
    """Without its context: for all of them, and for each."""
    of = dense(HOST)
    assert len(of.run_s) == len(of.share_s) == 41
    assert of.run_s[0] == 0.0
    for b in (1, 12, 40):
        assert of.run_s[b] == pytest.approx(of.step_s([], [0] * b))
        assert of.share_s[b] * b == pytest.approx(of.run_s[b])


def test_experts_corrections_are_for_experts() -> None:
    assert dense(MOE_HOST, 3.0) == dense(NONE, 3.0)


def test_seconds_of_a_step_by_hand() -> None:
    """Two decode on 10 and 30 tokens; one chunk of 4 after 6, one of 6 after none: T = 12."""
    chunks = [(4, 6), (6, 0)]
    kernel_s = 2.0 + 0.01 * 2 + 0.02 * 40 + 0.03 * (4 * 8 + 6 * 3) + 0.04 * 6 + 0.05
    assert dense().step_s(chunks, [10, 30]) == pytest.approx(kernel_s)
    assert dense(HOST).step_s(chunks, [10, 30]) == pytest.approx(kernel_s + 0.5 + 4 * 0.25 + 3.0)
    assert dense(HOST).step_s([], [10, 30]) == pytest.approx(1.0 + 0.02 + 0.8 + 0.5 + 2 * 0.25)
    assert dense(HOST).step_s([], []) == 0.0


@settings(deadline=None)
@given(
    table=st.sampled_from(tables()),
    prefill=st.lists(st.tuples(st.integers(1, 600), st.integers(0, 5000)), max_size=3),
    decode=st.lists(st.integers(1, 50_000), max_size=200),
)
def test_without_host_and_card_a_step_is_its_kernels(
    table: KernelTable, prefill: list[tuple[int, int]], decode: list[int]
) -> None:
    found = step_timing(table, NONE, 1.0, 2000).step_s(prefill, decode)
    assert found == pytest.approx(kernel_seconds(table, prefill, decode), rel=1e-12)


def test_experts_make_the_base_dearer_and_the_sparse_growth_cheaper() -> None:
    """g G(1) + x (G(256) - G(1)) + κ (G(T) - G(256)), as fitted to the measured runs."""
    found = step_timing(MOE, MOE_HOST, 3.0, 600).batch_s

    def g(tokens: int) -> float:
        return MOE.shared_s(tokens)

    assert found[1] == pytest.approx(1.5)
    for tokens in (128, 200, 256):
        assert found[tokens] == pytest.approx(1.5 + 0.5 * (g(tokens) - 1.0))
    assert found[600] == pytest.approx(1.5 + 0.5 * (g(256) - 1.0) + 3.0 * (g(600) - g(256)))


def test_below_128_tokens_a_step_grows_with_the_experts_it_touches() -> None:
    """Two of four experts a token: 1, 2 and 3 tokens touch 1/2, 3/4 and 7/8 of them."""
    found = step_timing(MOE, MOE_HOST, 1.0, 128).batch_s
    between = 1.0 + (3 / 4 - 1 / 2) / (7 / 8 - 1 / 2)
    assert [found[x] for x in (1, 2, 3)] == pytest.approx(
        [1.5, 1.5 + 0.5 * (between - 1.0), 1.5 + 0.5]
    )
    # Beyond, on the way to the far knot: all experts but 2^-T of them are touched.
    far = 2.0 + 998.0 * (2**-3 - 2**-10) / 2**-3
    assert found[10] == pytest.approx(1.5 + 0.5 * (far - 1.0))
    assert found[127] == pytest.approx(1.5 + 0.5 * (1000.0 - 1.0))


def test_experts_on_a_slower_card_under_an_own_host() -> None:
    """Without MoE factors only what is compute-bound, beyond 256 tokens, slows down."""
    found = step_timing(MOE, NONE, 3.0, 600).batch_s
    assert [found[x] for x in (1, 2, 100, 256)] == pytest.approx(
        [MOE.shared_s(x) for x in (1, 2, 100, 256)]
    )
    assert found[600] == pytest.approx(
        MOE.shared_s(256) + 3.0 * (MOE.shared_s(600) - MOE.shared_s(256))
    )


@pytest.mark.parametrize("name", ["none", "vllm-0.19"])
def test_no_correction_makes_a_step_of_the_catalog_take_no_time(name: str) -> None:
    """Some fitted tables fall between knots; a factor above 1 deepens that, but never to 0."""
    for table in tables():
        least_s = min(step_timing(table, host(name), 1.6, 8192).batch_s[1:])
        assert least_s > 0.3 * min(table.knots_s), (table.model, table.gpu, table.precision)


def test_a_slower_machine_is_slower_in_every_term() -> None:
    plain = dense(HOST)
    slow = plain.times(1.5)
    work = ([(5, 2), (3, 0)], [7, 9])
    assert slow.step_s(*work) == pytest.approx(1.5 * plain.step_s(*work))
    assert slow.first_token_s == 1.5 * plain.first_token_s
    assert slow.run_s == pytest.approx([1.5 * s for s in plain.run_s])
    assert slow.share_s == pytest.approx([1.5 * s for s in plain.share_s])
    assert plain.times(1.0) == plain
