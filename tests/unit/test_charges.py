import pytest

from sim.serving.charges import charge_chunks
from sim.serving.sequence import Sequence
from tests.unit.engines import ask, timing

TIMING = timing(per_chunk_s=0.25, per_attention_pair_s=2.0, per_prefill_context_token_s=16.0)
PER_TOKEN_S = 0.5


def charged(n: int, computed: int = 0, cached: int = 0, high_water: int = 0) -> Sequence:
    """A prompt of 10, charged for a chunk of *n* tokens after *computed*."""
    sequence = ask(0, 0.0, 10, 5)
    sequence.computed, sequence.cached_input, sequence.high_water = computed, cached, high_water
    charge_chunks([(sequence, n)], PER_TOKEN_S, TIMING)
    return sequence


def parts(of: Sequence) -> tuple[float, float, float]:
    return of.prefill_s, of.cached_s, of.waste_s


def test_a_first_chunk_pays_its_share_its_overhead_and_its_own_attention() -> None:
    assert parts(charged(4)) == (0.5 * 4 + 0.25 + 2.0 * 4 * 4 / 2, 0.0, 0.0)


def test_a_later_chunk_reads_what_was_computed() -> None:
    """Each of 4 new tokens attends to 6 old ones, which are read once more."""
    first_s = parts(charged(4))[0]
    assert parts(charged(4, computed=6)) == (first_s + 2.0 * 4 * 6 + 16.0 * 6, 0.0, 0.0)


def test_the_token_that_is_read_pays() -> None:
    """Of the 6 tokens that are read, 4 were found in the cache."""
    first_s = parts(charged(4))[0]
    assert parts(charged(4, computed=6, cached=4)) == (
        first_s + (2.0 * 4 + 16.0) * 2,
        (2.0 * 4 + 16.0) * 4,
        0.0,
    )


def test_all_that_is_computed_again_is_waste() -> None:
    once = charged(4, computed=4, cached=4)
    again = charged(4, computed=4, cached=4, high_water=8)
    assert parts(again) == (0.0, 0.0, once.prefill_s + once.cached_s)
    assert (again.recomputed_input, again.recomputed_output) == (4, 0)


def test_a_chunk_that_goes_beyond_is_waste_in_part() -> None:
    """3 of 4 tokens were computed before: three quarters of all its seconds are waste."""
    once = charged(4, computed=4, cached=4)
    again = charged(4, computed=4, cached=4, high_water=7)
    assert parts(again) == (
        once.prefill_s / 4,
        once.cached_s / 4,
        (once.prefill_s + once.cached_s) * 3 / 4,
    )
    assert again.recomputed_input == 3


def test_recomputed_tokens_by_kind() -> None:
    """From 8 to 14: two of the prompt of 10, four that had been generated."""
    again = charged(6, computed=8, high_water=14)
    assert (again.recomputed_input, again.recomputed_output) == (2, 4)
    later = charged(3, computed=11, high_water=14)
    assert (later.recomputed_input, later.recomputed_output) == (0, 3)


def test_charges_add_up_over_chunks() -> None:
    one, other = ask(0, 0.0, 10, 5), ask(1, 0.0, 10, 5)
    charge_chunks([(one, 4), (other, 2)], PER_TOKEN_S, TIMING)
    assert one.prefill_s == charged(4).prefill_s
    assert other.prefill_s == charged(2).prefill_s
    one.computed = 4
    charge_chunks([(one, 4)], PER_TOKEN_S, TIMING)
    assert one.prefill_s == pytest.approx(charged(4).prefill_s + charged(4, computed=4).prefill_s)


def test_the_prefill_part_of_the_step_is_what_was_charged_in_all() -> None:
    one, other = ask(0, 0.0, 10, 5), ask(1, 0.0, 10, 5)
    one.computed, one.cached_input, one.high_water = 6, 4, 8
    total_s = charge_chunks([(one, 4), (other, 2)], PER_TOKEN_S, TIMING)
    assert min(parts(one)) > 0
    assert total_s == one.charged_s + other.charged_s
    assert charge_chunks([(other, 1)], PER_TOKEN_S, TIMING) == charged(1).charged_s
