"""Leaving before the last token (`sim.serving.departures`).

Steps last 1 s and blocks hold 4 tokens unless said otherwise. `play` returns
(number, first token, finish) in the order of leaving.
"""

import math

import pytest

from sim.serving.sequence import Outcome, Sequence
from tests.unit.engines import ask, batcher, busy_timing, crash, leave, play


def charged(*sequences: Sequence) -> float:
    return math.fsum(sequence.charged_s for sequence in sequences)


def test_who_leaves_while_decoding_does_not_get_the_token_of_that_step() -> None:
    engine = batcher()
    one = ask(0, 0.0, 4, 9)
    assert play(engine, [one], [leave(engine, one, 3.5)]) == [(0, 1.0, 4.0)]
    assert (one.outcome, one.generated, one.computed) == (Outcome.CANCELLED, 3, 7)
    assert engine.busy_s == charged(one) == 4.0


def test_who_leaves_at_a_boundary_leaves_there() -> None:
    engine = batcher()
    one = ask(0, 0.0, 4, 9)
    assert play(engine, [one], [leave(engine, one, 3.0)]) == [(0, 1.0, 3.0)]
    assert one.generated == 2


def test_who_leaves_in_the_prefill_never_got_a_token() -> None:
    engine = batcher(budget=4, slots=4)
    one = ask(0, 0.0, 10, 9)
    assert play(engine, [one], [leave(engine, one, 1.5)]) == [(0, None, 2.0)]
    assert (one.generated, one.computed) == (0, 8)
    assert engine.cache.free == 1000


def test_who_leaves_in_the_last_step_of_its_prefill_never_got_a_token() -> None:
    engine = batcher()
    one, other = ask(0, 0.0, 4, 9), ask(1, 0.0, 4, 2)
    assert play(engine, [one, other], [leave(engine, one, 0.5)]) == [(0, None, 1.0), (1, 1.0, 2.0)]
    assert (one.generated, one.computed) == (0, 4)


def test_who_leaves_in_the_step_in_which_another_is_done() -> None:
    engine = batcher()
    one, other = ask(0, 0.0, 4, 1), ask(1, 0.0, 4, 9)
    assert play(engine, [one, other], [leave(engine, other, 0.5)]) == [
        (1, None, 1.0),
        (0, 1.0, 1.0),
    ]
    assert (other.generated, other.computed) == (0, 4)


def test_work_goes_on_after_one_left_in_the_midst_of_its_prefill() -> None:
    engine = batcher(budget=4, slots=4)
    one, other = ask(0, 0.0, 10, 9), ask(1, 0.5, 6, 2)
    found = play(engine, [one, other], [leave(engine, one, 1.5)])
    assert found == [(0, None, 2.0), (1, 4.0, 5.0)]


def test_who_leaves_the_line_pays_nothing() -> None:
    engine = batcher(slots=1)
    asks = [ask(0, 0.0, 4, 9), ask(1, 0.5, 4, 9), ask(2, 0.6, 4, 1)]
    found = play(engine, asks, [leave(engine, asks[1], 3.5)])
    assert found == [(1, None, 4.0), (0, 1.0, 9.0), (2, 10.0, 10.0)]
    assert asks[1].charged_s == 0.0


def test_who_leaves_the_line_after_the_engine_saw_it() -> None:
    engine = batcher(slots=1)
    asks = [ask(0, 0.0, 4, 2), ask(1, 0.5, 4, 9), ask(2, 0.6, 4, 9)]
    found = play(engine, asks, [leave(engine, asks[2], 3.5)])
    assert found == [(0, 1.0, 2.0), (2, None, 4.0), (1, 3.0, 11.0)]


def test_a_blocked_head_that_leaves_lets_others_in() -> None:
    """The run of the first, until 9 s, is cut at 4 s."""
    engine = batcher(blocks=4)
    asks = [ask(0, 0.0, 4, 9), ask(1, 0.5, 16, 1), ask(2, 0.6, 4, 1)]
    found = play(engine, asks, [leave(engine, asks[1], 3.5)])
    assert found == [(1, None, 4.0), (2, 5.0, 5.0), (0, 1.0, 9.0)]


def test_who_leaves_an_idle_engine_at_the_instant_it_came() -> None:
    engine = batcher()
    one = ask(0, 3.0, 4, 9)
    assert play(engine, [one], [leave(engine, one, 3.0)]) == [(0, None, 3.0)]
    assert (engine.busy_s, engine.queue.length) == (0.0, 0)


def test_a_second_attempt_finds_what_the_first_computed() -> None:
    engine = batcher()
    one, again = ask(0, 0.0, 9, 9), ask(0, 20.0, 9, 1)
    play(engine, [one, again], [leave(engine, one, 2.5)])
    assert again.cached_input == 8


def test_a_crash_acts_at_once() -> None:
    """Three whole steps count; of the fourth only a quarter of a second remains, as waste."""
    engine = batcher(slots=1)
    asks = [ask(0, 0.0, 4, 9), ask(1, 0.5, 4, 9)]
    assert play(engine, asks, [crash(engine, 3.25)]) == [(0, 1.0, 3.25), (1, None, 3.25)]
    assert [a.outcome for a in asks] == [Outcome.FAILED] * 2
    assert (asks[0].generated, asks[0].computed) == (3, 6)
    assert (engine.busy_s, charged(*asks), engine.lost_s) == (3.25, 3.0, 0.25)
    assert engine.used_block_s == 1.0 + 2 * 2.25
    assert (engine.queue.length, engine.busy, len(engine.running)) == (0, False, 0)


def test_a_crash_at_a_boundary_loses_no_second() -> None:
    engine = batcher()
    one = ask(0, 0.0, 4, 9)
    play(engine, [one], [crash(engine, 3.0)])
    assert (one.generated, engine.busy_s, engine.lost_s) == (3, 3.0, 0.0)


def test_a_crash_at_the_end_comes_too_late() -> None:
    engine = batcher()
    one = ask(0, 0.0, 4, 3)
    assert play(engine, [one], [crash(engine, 3.0)]) == [(0, 1.0, 3.0)]
    assert one.outcome is Outcome.COMPLETED


def test_a_crash_loses_the_cache() -> None:
    head = (("head", 8),)
    engine = batcher(blocks=10)
    asks = [ask(0, 0.0, 9, 9, head), ask(1, 5.0, 9, 1, head)]
    assert play(engine, asks, [crash(engine, 2.5)]) == [(0, 1.0, 2.5), (1, 6.0, 6.0)]
    assert asks[1].cached_input == 0
    assert engine.cache.free == 10


def test_a_crash_in_the_midst_of_a_prefill_leaves_nothing_to_go_on_with() -> None:
    engine = batcher(budget=4, slots=4)
    asks = [ask(0, 0.0, 10, 9), ask(1, 5.0, 4, 2)]
    assert play(engine, asks, [crash(engine, 1.5)]) == [(0, None, 1.5), (1, 6.0, 7.0)]
    assert asks[0].computed == 4
    assert engine.used_block_s == 1.0 + 2 * 0.5 + 1.0 + 2.0


def test_a_crash_of_an_idle_engine() -> None:
    engine = batcher()
    assert engine.crash(5.0) == []
    assert play(engine, [ask(0, 7.0, 4, 1)]) == [(0, 8.0, 8.0)]


@pytest.mark.parametrize("answer", [1, 9])
def test_a_crash_in_a_prefill_leaves_no_token_behind(answer: int) -> None:
    """The step that would have emitted it never ended, whatever was known of it beforehand."""
    engine = batcher()
    one = ask(0, 0.0, 4, answer)
    assert play(engine, [one], [crash(engine, 0.25)]) == [(0, None, 0.25)]
    assert (one.generated, one.computed) == (0, 0)
    assert engine.busy_s == charged(one) + engine.lost_s == 0.25


def test_a_crash_in_a_mixed_step_leaves_those_who_decode_where_they_were() -> None:
    """The second's prefill, from 1 to 2 s, carries the first one's second token."""
    engine = batcher()
    asks = [ask(0, 0.0, 4, 9), ask(1, 0.5, 4, 9)]
    assert play(engine, asks, [crash(engine, 1.75)]) == [(0, 1.0, 1.75), (1, None, 1.75)]
    assert [(a.generated, a.computed) for a in asks] == [(1, 4), (0, 0)]
    assert engine.busy_s == charged(*asks) + engine.lost_s == 1.75


@pytest.mark.parametrize("at_s", [2.3, 2.75, 4.0, 4.4, 7.9, 12.0])
def test_a_crash_charges_or_loses_every_second(at_s: float) -> None:
    engine = batcher(of=busy_timing(), blocks=12)
    asks = [ask(n, 0.3 * n, 5 + n, 6) for n in range(6)]
    left = play(engine, asks, [crash(engine, at_s)])
    assert len(left) == 6
    assert charged(*asks) + engine.lost_s == pytest.approx(engine.busy_s, rel=1e-12)


def test_a_crash_does_not_change_how_it_ended_for_those_who_had_gone() -> None:
    """One gave up at 2.5 s and would have left at 3 s; the crash comes first."""
    engine = batcher()
    one, other = ask(0, 0.0, 4, 9), ask(1, 0.0, 4, 9)
    play(engine, [one, other], [leave(engine, one, 2.5), crash(engine, 2.75)])
    assert [a.outcome for a in (one, other)] == [Outcome.CANCELLED, Outcome.FAILED]
    assert [a.finished_at_s for a in (one, other)] == [2.75, 2.75]


def test_a_crash_before_a_run_that_is_put_off_takes_no_step_back() -> None:
    """Two steps are done at 2 s; what comes next was to begin at 12 s."""
    engine, one = batcher(), ask(0, 0.0, 4, 9)
    engine.submit(one)
    engine.start(0.0)
    engine.run.cut(engine.run.boundary_after(2.0))
    engine.finish()
    engine.start(12.0)
    assert engine.crash(7.0) == [one]
    assert (one.generated, one.computed, one.first_token_at_s) == (2, 5, 1.0)
    assert (engine.busy_s, engine.lost_s) == (2.0, 0.0)
