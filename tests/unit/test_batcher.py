"""The batch, step by step (`sim.serving.batcher`).

Steps last 1 s and blocks hold 4 tokens unless said otherwise. `play` returns
(number, first token, finish) in the order of leaving.
"""

import math

import pytest

from sim.serving.sequence import Outcome
from tests.unit.engines import ask, batcher, busy_timing, play


def test_a_prefill_step_emits_the_first_token_each_later_step_one() -> None:
    engine = batcher()
    assert play(engine, [ask(0, 5.0, 10, 3)]) == [(0, 6.0, 8.0)]
    assert engine.busy_s == 3.0


def test_a_single_token_leaves_with_its_prefill() -> None:
    assert play(batcher(), [ask(0, 0.0, 10, 1)]) == [(0, 1.0, 1.0)]


def test_a_long_prompt_takes_several_steps() -> None:
    """10 = 4 + 4 + 2."""
    assert play(batcher(budget=4, slots=4), [ask(0, 0.0, 10, 2)]) == [(0, 3.0, 4.0)]


def test_prefill_gets_what_decoding_leaves_of_the_budget() -> None:
    """7 = 3 + 3 + 1, beside one that decodes."""
    engine = batcher(budget=4, slots=4)
    found = play(engine, [ask(0, 0.0, 4, 9), ask(1, 0.5, 7, 1)])
    assert found == [(1, 4.0, 4.0), (0, 1.0, 9.0)]


def test_two_prompts_share_a_step() -> None:
    """4 + 2 of 5, then its other 3, then the third one."""
    engine = batcher(budget=6, slots=4)
    found = play(engine, [ask(0, 0.0, 4, 1), ask(1, 0.0, 5, 1), ask(2, 0.0, 6, 1)])
    assert found == [(0, 1.0, 1.0), (1, 2.0, 2.0), (2, 3.0, 3.0)]


def test_equals_leave_in_the_order_of_their_admission() -> None:
    found = play(batcher(), [ask(n, 0.0, 4, 3) for n in (2, 0, 1)])
    assert found == [(2, 1.0, 3.0), (0, 1.0, 3.0), (1, 1.0, 3.0)]


def test_only_so_many_run_at_once() -> None:
    found = play(batcher(slots=1), [ask(n, 0.0, 4, 2) for n in range(3)])
    assert found == [(0, 1.0, 2.0), (1, 3.0, 4.0), (2, 5.0, 6.0)]


def engine_s(prompt: int, output: int) -> float:
    """Seconds of one request alone, step by step."""
    of = busy_timing()
    return of.step_s([(prompt, 0)], []) + math.fsum(
        of.step_s([], [prompt + done]) for done in range(output - 1)
    )


def test_many_decode_steps_are_the_sum_of_each() -> None:
    engine = batcher(of=busy_timing())
    play(engine, [ask(0, 0.0, 7, 200)])
    assert engine.busy_s == pytest.approx(engine_s(7, 200), rel=1e-12)


def test_what_never_fits_is_refused() -> None:
    """The last token is never computed: 10 + 7 - 1 tokens are four blocks."""
    engine = batcher(blocks=4)
    assert engine.refusal(ask(0, 0.0, 10, 7)) is None
    reason = engine.refusal(ask(0, 0.0, 10, 8))
    assert reason == (
        "10 input and 8 output tokens need 5 KV blocks of 4 tokens; the replica has 4"
    )


def test_what_just_fits_is_served() -> None:
    engine = batcher(blocks=4)
    assert play(engine, [ask(0, 0.0, 10, 7)]) == [(0, 1.0, 7.0)]
    engine.cache.check()
    assert engine.cache.free == 4


def test_a_budget_below_the_slots_is_refused() -> None:
    with pytest.raises(ValueError, match=r"max_num_batched_tokens \(7\) .* max_num_seqs \(8\)"):
        batcher(slots=8, budget=7)


@pytest.mark.parametrize(("slots", "waits"), [(2, "..ww.."), (3, "..w..."), (4, "......")])
def test_who_would_wait(slots: int, waits: str) -> None:
    """One runs from 0 to 3 s, one from 1 to 10 s, one for a second after the first or beside it."""
    engine = batcher(slots=slots)
    seen: list[str] = []

    def look(_: float) -> None:
        seen.append("w" if engine.would_wait() else ".")

    asks = [ask(0, 0.0, 4, 3), ask(1, 0.5, 4, 9), ask(2, 0.75, 4, 1)]
    play(engine, asks, [(at_s, look) for at_s in (-1.0, 0.25, 0.875, 2.5, 5.5, 20.0)])
    assert "".join(seen) == waits


def test_who_has_left_cannot_leave_again() -> None:
    """It keeps its end; the engine does not look for it."""
    engine, one = batcher(), ask(0, 0.0, 4, 2)
    play(engine, [one])
    assert not engine.abort(one, 9.0, Outcome.TIMED_OUT)
    assert (one.outcome, one.finished_at_s) == (Outcome.COMPLETED, 2.0)
    assert engine.aborting == []
