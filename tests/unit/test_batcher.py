"""Steps last 1 s and blocks hold 4 tokens unless said otherwise, so that times can be counted.

`play` returns (number, first token, finish) in the order of leaving.
"""

import math

import pytest

from sim.serving.batcher import Queue
from sim.serving.sequence import Outcome, Sequence
from tests.unit.engines import ask, batcher, busy_timing, crash, leave, play


def charged(*sequences: Sequence) -> float:
    return math.fsum(sequence.charged_s for sequence in sequences)


# -- admission and chunks -------------------------------------------------------------------------


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


def test_only_so_many_run_at_once() -> None:
    found = play(batcher(slots=1), [ask(n, 0.0, 4, 2) for n in range(3)])
    assert found == [(0, 1.0, 2.0), (1, 3.0, 4.0), (2, 5.0, 6.0)]


def test_the_lowest_priority_number_is_admitted_first() -> None:
    asks = [ask(0, 0.0, 4, 3), ask(1, 0.1, 4, 1, priority=1), ask(2, 0.2, 4, 1, priority=0)]
    assert [number for number, *_ in play(batcher(slots=1), asks)] == [0, 2, 1]


@pytest.mark.parametrize(("asynchronous", "first_at_s"), [(False, 2.0), (True, 3.0)])
def test_an_arrival_during_a_step(asynchronous: bool, first_at_s: float) -> None:
    """It waits for the next step; for the next but one, if that was composed already."""
    engine = batcher(asynchronous=asynchronous)
    found = play(engine, [ask(0, 0.0, 4, 9), ask(1, 0.5, 4, 1)])
    assert found[0] == (1, first_at_s, first_at_s)


@pytest.mark.parametrize(("asynchronous", "first_at_s"), [(False, 5.0), (True, 6.0)])
def test_an_arrival_during_a_run(asynchronous: bool, first_at_s: float) -> None:
    engine = batcher(asynchronous=asynchronous)
    found = play(engine, [ask(0, 0.0, 4, 9), ask(1, 3.25, 4, 1)])
    assert found == [(1, first_at_s, first_at_s), (0, 1.0, 9.0)]


@pytest.mark.parametrize(("late_s", "first_at_s"), [(0.9e-6, 4.0), (1.1e-6, 5.0)])
def test_a_microsecond_late_is_in_time(late_s: float, first_at_s: float) -> None:
    found = play(batcher(), [ask(0, 0.0, 4, 9), ask(1, 3.0 + late_s, 4, 1)])
    assert found[0] == (1, first_at_s, first_at_s)


@pytest.mark.parametrize("asynchronous", [False, True])
def test_an_idle_engine_starts_at_once_with_all_that_came_then(asynchronous: bool) -> None:
    engine = batcher(asynchronous=asynchronous)
    asks = [ask(0, 0.0, 4, 1), ask(1, 7.0, 4, 1), ask(2, 7.0, 4, 1)]
    assert play(engine, asks) == [(0, 1.0, 1.0), (1, 8.0, 8.0), (2, 8.0, 8.0)]


def test_host_work_on_the_first_token_delays_its_own_attempt_alone() -> None:
    of = busy_timing()
    alone = play(batcher(of=of), [ask(0, 0.0, 4, 3)])
    engine = batcher(of=of)
    ((_, first, finish),) = alone
    assert finish == engine_s(4, 3) + of.first_token_s
    assert first == of.step_s([(4, 0)], []) + of.first_token_s
    assert play(engine, [ask(0, 0.0, 4, 3)]) == alone
    assert engine.busy_s == engine_s(4, 3)


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


# -- blocks ---------------------------------------------------------------------------------------


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


def test_a_prompt_waits_for_blocks_for_all_of_it() -> None:
    """Of five blocks the first soon holds three; the second needs three, for 8 + 4 tokens."""
    engine = batcher(blocks=5, budget=8)
    assert play(engine, [ask(0, 0.0, 8, 4), ask(1, 0.5, 12, 1)]) == [(0, 1.0, 4.0), (1, 6.0, 6.0)]
    assert engine.preemptions == 0


def test_without_reservation_a_prompt_starts_with_a_part_and_collapses() -> None:
    """It computes 7 tokens beside the first; at 2 s no block is left for the other 5.

    At 4 s, alone, it finds its one whole block and computes 8 tokens, 3 of them again.
    """
    engine = batcher(blocks=5, budget=8, reserve_full_input=False)
    asks = [ask(0, 0.0, 8, 4), ask(1, 0.5, 12, 1)]
    assert play(engine, asks) == [(0, 1.0, 4.0), (1, 5.0, 5.0)]
    assert engine.preemptions == 1
    assert (asks[1].cached_input, asks[1].recomputed_input) == (0, 3)
    assert asks[1].waste_s == 3 / 8


def test_without_a_prefix_cache_it_computes_all_again() -> None:
    """7 tokens in the step of the first one's last token, half of which they pay; then 5."""
    engine = batcher(blocks=5, budget=8, reserve_full_input=False, caching=False)
    asks = [ask(0, 0.0, 8, 4), ask(1, 0.5, 12, 1)]
    assert play(engine, asks) == [(0, 1.0, 4.0), (1, 5.0, 5.0)]
    assert asks[1].recomputed_input == 7
    assert asks[1].waste_s == 0.5
    assert charged(*asks) == engine.busy_s == 5.0


def test_the_last_in_order_gives_way_to_decoding() -> None:
    """Two of 4 tokens in, 9 out, in four blocks: at 5 s both hold 8 tokens and want a third block.

    The second leaves with 5 tokens out. Its second block is taken, its first is found at 9 s; it
    computes four output tokens again, and its sixth to ninth come until 13 s.
    """
    engine = batcher(blocks=4)
    asks = [ask(0, 0.0, 4, 9), ask(1, 0.0, 4, 9)]
    assert play(engine, asks) == [(0, 1.0, 9.0), (1, 1.0, 13.0)]
    assert engine.preemptions == 1
    first, second = asks
    assert (second.recomputed_input, second.recomputed_output) == (0, 4)
    assert (second.cached_input, second.generated, second.computed) == (0, 9, 12)
    assert (first.recomputed_output, first.waste_s) == (0, 0.0)
    assert second.waste_s == pytest.approx(4 / 5)  # of the step with 5 new tokens
    assert charged(*asks) == pytest.approx(engine.busy_s) == 13.0


def test_the_last_in_order_is_the_least_urgent_though_it_came_first() -> None:
    """At 5 s the first wants a third block and is itself the last in order: it goes at once.

    The second decodes on, until 10 s.
    """
    engine = batcher(blocks=4)
    asks = [ask(0, 0.0, 4, 9, priority=1), ask(1, 0.5, 4, 9, priority=0)]
    assert play(engine, asks) == [(1, 2.0, 10.0), (0, 1.0, 14.0)]
    assert engine.preemptions == 1
    assert asks[0].recomputed_output == 4


def test_the_preempted_come_before_those_that_wait() -> None:
    engine = batcher(blocks=4)
    asks = [ask(0, 0.0, 4, 9), ask(1, 0.0, 4, 9), ask(2, 2.0, 16, 1)]
    assert [number for number, *_ in play(engine, asks)] == [0, 1, 2]


def test_a_blocked_head_holds_up_those_behind_it() -> None:
    """The second wants all blocks; the third would fit, but waits its turn."""
    engine = batcher(blocks=4)
    asks = [ask(0, 0.0, 4, 5), ask(1, 0.5, 16, 1), ask(2, 0.6, 4, 1)]
    assert play(engine, asks) == [(0, 1.0, 5.0), (1, 6.0, 6.0), (2, 7.0, 7.0)]


def test_more_urgent_ones_pass_a_blocked_head() -> None:
    engine = batcher(blocks=4)
    asks = [ask(0, 0.0, 4, 9), ask(1, 0.5, 16, 1), ask(2, 3.5, 4, 1, priority=-1)]
    assert play(engine, asks) == [(2, 5.0, 5.0), (0, 1.0, 9.0), (1, 10.0, 10.0)]


def test_a_shared_head_is_computed_once() -> None:
    """8 tokens of a template: found by the second in the step after the one that computed them."""
    head = (("head", 8),)
    engine = batcher(budget=10)
    asks = [ask(0, 0.0, 10, 3, head), ask(1, 0.5, 10, 1, head), ask(2, 9.0, 10, 1, head)]
    play(engine, asks)
    assert [a.cached_input for a in asks] == [0, 8, 8]
    assert engine.cache.free == 1000
    engine.cache.check()


# -- leaving --------------------------------------------------------------------------------------


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


def test_who_leaves_the_line_pays_nothing() -> None:
    engine = batcher(slots=1)
    asks = [ask(0, 0.0, 4, 9), ask(1, 0.5, 4, 9), ask(2, 0.6, 4, 1)]
    found = play(engine, asks, [leave(engine, asks[1], 3.5)])
    assert found == [(1, None, 4.0), (0, 1.0, 9.0), (2, 10.0, 10.0)]
    assert asks[1].charged_s == 0.0


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
    assert (engine.busy_s, engine.in_flight(), engine.queue.length) == (0.0, 0, 0)


def test_a_second_attempt_finds_what_the_first_computed() -> None:
    engine = batcher()
    one, again = ask(0, 0.0, 9, 9), ask(0, 20.0, 9, 1)
    play(engine, [one, again], [leave(engine, one, 2.5)])
    assert again.cached_input == 8


# -- crash ----------------------------------------------------------------------------------------


def test_a_crash_acts_at_once() -> None:
    """Three whole steps count; of the fourth only a quarter of a second remains, as waste."""
    engine = batcher(slots=1)
    asks = [ask(0, 0.0, 4, 9), ask(1, 0.5, 4, 9)]
    assert play(engine, asks, [crash(engine, 3.25)]) == [(0, 1.0, 3.25), (1, None, 3.25)]
    assert [a.outcome for a in asks] == [Outcome.FAILED] * 2
    assert (asks[0].generated, asks[0].computed) == (3, 6)
    assert (engine.busy_s, charged(*asks), engine.lost_s) == (3.25, 3.0, 0.25)
    assert (engine.in_flight(), engine.queue.length, engine.end_s) == (0, 0, None)


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


def test_a_crash_of_an_idle_engine() -> None:
    engine = batcher()
    assert engine.crash(5.0) == []
    assert play(engine, [ask(0, 7.0, 4, 1)]) == [(0, 8.0, 8.0)]


@pytest.mark.parametrize("at_s", [2.3, 2.75, 4.0, 4.4, 7.9, 12.0])
def test_a_crash_charges_or_loses_every_second(at_s: float) -> None:
    engine = batcher(of=busy_timing(), blocks=12)
    asks = [ask(n, 0.3 * n, 5 + n, 6) for n in range(6)]
    left = play(engine, asks, [crash(engine, at_s)])
    assert len(left) == 6
    assert charged(*asks) + engine.lost_s == pytest.approx(engine.busy_s, rel=1e-12)


# -- charges --------------------------------------------------------------------------------------


def test_a_mixed_step_by_hand() -> None:
    """v(x) = 1 + x/8. Alone, 8 tokens take v(8) + 1/16 + 32/512 + 1/4 = 2.375 s.

    Then one decodes on 8 tokens beside a prompt of 4: of v(5) = 1.625, decode has
    (v(1) + v(5) - v(4)) / 2 = 0.625 and prefill the other 1.0.
    """
    engine = batcher(of=busy_timing())
    one, two = ask(0, 0.0, 8, 2), ask(1, 0.5, 4, 1)
    step_s = 1.625 + 1 / 32 + 8 / 256 + 1 / 16 + 8 / 512 + 1 / 4
    assert play(engine, [one, two]) == [
        (0, 2.375 + 0.5, 2.375 + step_s + 0.5),
        (1, 2.375 + step_s + 0.5, 2.375 + step_s + 0.5),
    ]
    assert one.prefill_s == 2.375
    assert one.decode_s == 0.625 + 1 / 32
    assert one.rent_s == 8 / 256
    assert two.prefill_s == 1.0 + 1 / 4 + 1 / 16 + 8 / 512
    assert (one.cached_s, two.cached_s, two.decode_s, two.rent_s) == (0.0, 0.0, 0.0, 0.0)
    assert charged(one, two) == engine.busy_s == 2.375 + step_s


def test_prompts_that_share_a_step_pay_by_their_tokens() -> None:
    engine = batcher(of=busy_timing())
    one, two = ask(0, 0.0, 6, 1), ask(1, 0.0, 2, 1)
    play(engine, [one, two])
    each_s = (2.0 + 0.25) / 8
    assert one.prefill_s == 6 * each_s + 1 / 16 + 18 / 512
    assert two.prefill_s == 2 * each_s + 1 / 16 + 2 / 512


def test_cached_input_pays_for_being_read() -> None:
    """The last 2 of 10 tokens attend to 8 found ones: 16 pairs, and 8 tokens read again."""
    head = (("head", 8),)
    engine = batcher(of=busy_timing())
    asks = [ask(0, 0.0, 10, 1, head), ask(1, 99.0, 10, 1, head)]
    play(engine, asks)
    assert asks[1].cached_s == 16 / 512 + 8 / 128
    assert asks[1].prefill_s == 1.25 + 0.25 + 1 / 16 + 2 / 512


# -- reading, ends nothing ------------------------------------------------------------------------


def test_busy_seconds_up_to_now() -> None:
    """Idle until 5 s, busy until 14 s; asking ends nothing."""
    engine = batcher()
    asked: list[float] = []
    times = [4.0, 5.0, 5.5, 6.0, 9.75, 14.0, 20.0]
    actions = [(at_s, lambda now_s: asked.append(engine.busy_until_s(now_s))) for at_s in times]
    assert play(engine, [ask(0, 5.0, 4, 9)], actions) == [(0, 6.0, 14.0)]
    assert asked == [0.0, 0.0, 0.5, 1.0, 4.75, 9.0, 9.0]


def test_blocks_in_use_over_time() -> None:
    """Two blocks for 8 prompt tokens, a third from the first decode step on, a fourth at the fifth.

    4 s of decoding at three blocks and 1 s at four; then none.
    """
    engine = batcher()
    one, asked = ask(0, 0.0, 8, 6), dict[float, float]()

    def look(now_s: float) -> None:
        asked[now_s] = engine.used_block_s_until(now_s)

    play(engine, [one], [(at_s, look) for at_s in (0.5, 1.0, 3.0, 5.0, 9.0)])
    assert [asked[at_s] for at_s in (0.5, 1.0, 3.0, 5.0)] == [1.0, 2.0, 8.0, 14.0]
    assert asked[9.0] == pytest.approx(18.0, abs=2.5)  # within a run, blocks grow linearly


def test_who_is_inside_and_who_would_wait() -> None:
    engine = batcher(slots=2)
    seen: list[tuple[int, bool, int]] = []

    def look(_: float) -> None:
        seen.append((engine.in_flight(), engine.would_wait(), engine.queue.length))

    asks = [ask(0, 0.0, 4, 3), ask(1, 0.5, 4, 9), ask(2, 0.75, 4, 1)]
    play(engine, asks, [(at_s, look) for at_s in (-1.0, 0.25, 0.625, 0.875, 2.5, 5.5, 20.0)])
    assert seen == [
        (0, False, 0), (1, False, 0), (2, True, 1), (3, True, 2), (3, True, 1), (1, False, 0),
        (0, False, 0),
    ]  # fmt: skip


def test_a_queue_may_be_shared() -> None:
    queue = Queue()
    one, two = batcher(slots=1, queue=queue), batcher(slots=1, queue=queue)
    for engine in (one, two):
        for number in range(3):
            engine.submit(ask(number, 0.0, 4, 2))
    assert queue.length == 6
    one.start(0.0)
    assert queue.length == 5
    two.crash(0.0)
    assert queue.length == 2


def test_a_budget_below_the_slots_is_refused() -> None:
    with pytest.raises(ValueError, match=r"max_num_batched_tokens \(7\) .* max_num_seqs \(8\)"):
        batcher(slots=8, budget=7)
