import math
from dataclasses import replace
from random import Random
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sim.catalog.kernel import KernelTable, kernel_seconds

TABLE = KernelTable(
    knots_tokens=(1.0, 8.0, 64.0, 256.0),
    knots_s=(0.010, 0.011, 0.015, 0.031),
    per_sequence_s=1e-5,
    per_context_token_s=2e-7,
    per_attention_pair_s=3e-9,
    per_prefill_context_token_s=4e-8,
    prefill_fixed_s=5e-4,
)


def test_shared_part_is_flat_below_piecewise_between_and_prolonged_above() -> None:
    assert TABLE.shared_s(0) == 0.0
    assert TABLE.shared_s(0.5) == TABLE.shared_s(1) == 0.010
    assert TABLE.shared_s(36) == pytest.approx(0.013, rel=1e-12)
    assert TABLE.shared_s(256) == pytest.approx(0.031, rel=1e-12)
    assert TABLE.shared_s(256 + 192) == pytest.approx(0.047, rel=1e-12)


def test_shared_part_starts_flat_at_a_later_first_knot() -> None:
    table = KernelTable(knots_tokens=(16.0, 32.0), knots_s=(0.01, 0.03))
    assert table.shared_s(1) == table.shared_s(16) == 0.01


def test_one_knot_is_a_constant() -> None:
    table = KernelTable(knots_tokens=(1.0,), knots_s=(0.01,))
    assert [table.shared_s(t) for t in (0, 1, 5, 1e6)] == [0.0, 0.01, 0.01, 0.01]


def test_a_decode_step_pays_per_sequence_and_per_kv_token() -> None:
    expected = TABLE.shared_s(3) + 3 * 1e-5 + 2e-7 * (100 + 200 + 700)
    assert kernel_seconds(TABLE, decode=[100, 200, 700]) == pytest.approx(expected, rel=1e-12)


def test_a_prefill_step_pays_for_pairs_and_for_what_is_read_again() -> None:
    pairs = 100 * (0 + 50) + 30 * (400 + 15)
    expected = TABLE.shared_s(130) + 3e-9 * pairs + 4e-8 * 400 + 5e-4
    got = kernel_seconds(TABLE, prefill=[(100, 0), (30, 400)])
    assert got == pytest.approx(expected, rel=1e-12)


def test_a_mixed_step_shares_one_matrix_multiply() -> None:
    mixed = kernel_seconds(TABLE, prefill=[(60, 0)], decode=[500, 500])
    apart = kernel_seconds(TABLE, prefill=[(60, 0)]) + kernel_seconds(TABLE, decode=[500, 500])
    saved = TABLE.shared_s(60) + TABLE.shared_s(2) - TABLE.shared_s(62)
    assert apart - mixed == pytest.approx(saved, rel=1e-9)


def test_an_empty_step_takes_no_time() -> None:
    assert kernel_seconds(TABLE) == 0.0
    assert kernel_seconds(TABLE, prefill=[], decode=[]) == 0.0


def test_numpy_arrays_and_generators_are_taken() -> None:
    expected = kernel_seconds(TABLE, prefill=[(64, 128)], decode=[10, 20])
    got = kernel_seconds(TABLE, prefill=np.array([[64, 128]]), decode=(c for c in (10, 20)))
    assert got == expected


@pytest.mark.parametrize(
    ("prefill", "decode", "message"),
    [
        ([(-5, 0)], [], r"prefill\[0\] new tokens must be a number of tokens, 0 or more, got -5"),
        ([(10, 0), (0, 4)], [], r"prefill\[1\] new tokens must be at least 1, got 0"),
        ([(10, -1)], [], r"prefill\[0\] context must be .* got -1"),
        ([(10, math.nan)], [], r"prefill\[0\] context must be .* got nan"),
        ([(10,)], [], r"prefill\[0\] must be \(new tokens, context tokens\), got \(10,\)"),
        ([(10, 0, 0)], [], r"prefill\[0\] must be \(new tokens, context tokens\)"),
        ([10], [], r"prefill\[0\] must be a list, got 10"),
        (["10"], [], r"prefill\[0\] must be a list, got '10'"),
        (10, [], r"prefill must be a list, got 10"),
        ([], [100, -1], r"decode\[1\] must be a number of tokens, 0 or more, got -1"),
        ([], [math.inf], r"decode\[0\] must be .* got inf"),
        ([], ["100"], r"decode\[0\] must be .* got '100'"),
        ([], [None], r"decode\[0\] must be a number of tokens, got None"),
        ([], [True], r"decode\[0\] must be .* got True"),
        ([], [10**400], r"decode\[0\] must be a number of tokens"),
        ([], 7, r"decode must be a list, got 7"),
        ([], "777", r"decode must be a list, got '777'"),
    ],
)
def test_nonsense_is_refused_by_name(prefill: Any, decode: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        kernel_seconds(TABLE, prefill=prefill, decode=decode)


chunks = st.lists(st.tuples(st.integers(1, 500), st.integers(0, 5000)), max_size=4)
contexts = st.lists(st.integers(0, 5000), max_size=20)


@settings(max_examples=200, deadline=None)
@given(prefill=chunks, decode=contexts)
def test_agrees_with_the_formula_written_out(
    prefill: list[tuple[int, int]], decode: list[int]
) -> None:
    total = len(decode) + sum(n for n, _ in prefill)
    x, y = np.array(TABLE.knots_tokens), np.array(TABLE.knots_s)
    beyond = y[-1] + (total - x[-1]) * (y[-1] - y[-2]) / (x[-1] - x[-2])
    shared = (beyond if total > x[-1] else np.interp(total, x, y)) if total else 0.0
    expected = (
        shared
        + 1e-5 * len(decode)
        + 2e-7 * sum(decode)
        + 3e-9 * sum(n * (c + n / 2) for n, c in prefill)
        + 4e-8 * sum(c for _, c in prefill)
        + 5e-4 * bool(prefill)
    )
    got = kernel_seconds(TABLE, prefill, decode)
    assert got == pytest.approx(float(expected), rel=1e-12)


@settings(max_examples=100, deadline=None)
@given(prefill=chunks, decode=contexts, seed=st.randoms(use_true_random=False))
def test_the_order_of_sequences_does_not_matter(
    prefill: list[tuple[int, int]], decode: list[int], seed: Random
) -> None:
    before = kernel_seconds(TABLE, prefill, decode)
    seed.shuffle(prefill)
    seed.shuffle(decode)
    assert kernel_seconds(TABLE, prefill, decode) == before


def test_tables_are_values() -> None:
    assert replace(TABLE, model="x") != TABLE
    assert replace(TABLE) == TABLE
    assert (TABLE.basis, TABLE.errors) == ("explicit", None)
