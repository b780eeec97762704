"""Who may enter the batch, and when (`sim.serving.admission`).

Steps last 1 s and blocks hold 4 tokens unless said otherwise. `play` returns
(number, first token, finish) in the order of leaving.
"""

import pytest

from sim.serving.waiting import Queue
from tests.unit.engines import ask, batcher, play


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


def test_a_prompt_waits_for_blocks_for_all_of_it() -> None:
    """Of five blocks the first soon holds three; the second needs three, for 8 + 4 tokens."""
    engine = batcher(blocks=5, budget=8)
    assert play(engine, [ask(0, 0.0, 8, 4), ask(1, 0.5, 12, 1)]) == [(0, 1.0, 4.0), (1, 6.0, 6.0)]
    assert engine.preemptions == 0


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


def test_an_arrival_during_a_step_in_which_one_leaves() -> None:
    """The step that is composed at 1 s was composed at 0 s: the third is in the one after it."""
    asks = [ask(0, 0.0, 4, 9), ask(1, 0.0, 4, 1), ask(2, 0.5, 4, 1)]
    found = play(batcher(asynchronous=True), asks)
    assert found == [(1, 1.0, 1.0), (2, 3.0, 3.0), (0, 1.0, 9.0)]


def test_who_found_no_budget_is_in_the_next_step() -> None:
    found = play(batcher(budget=8), [ask(0, 0.0, 8, 9), ask(1, 0.0, 4, 1)])
    assert found == [(1, 2.0, 2.0), (0, 1.0, 9.0)]


def test_a_shared_head_is_known_as_its_chunks_are_computed() -> None:
    """12 tokens in chunks of 8 and 4, then one of its own; the second comes in between."""
    head = (("head", 12),)
    asks = [ask(0, 0.0, 13, 5, head), ask(1, 0.5, 13, 1, head), ask(2, 9.0, 13, 1, head)]
    assert play(batcher(budget=8), asks) == [(1, 2.0, 2.0), (0, 2.0, 6.0), (2, 10.0, 10.0)]
    assert [a.cached_input for a in asks] == [0, 12, 12]


def test_what_others_hold_needs_no_block() -> None:
    """Of 8 blocks 5 are held. The second's 24 tokens are 6 more, but 5 of them the first's own."""
    head = (("head", 20),)
    engine = batcher(blocks=8)
    asks = [ask(0, 0.0, 20, 5, head), ask(1, 2.5, 24, 1, head)]
    assert play(engine, asks) == [(1, 4.0, 4.0), (0, 1.0, 5.0)]
    assert asks[1].cached_input == 20


def test_what_nobody_holds_needs_its_blocks_though_it_is_known() -> None:
    """The head's 5 blocks are remembered in the free queue: another may take them, and does.

    At 10 s one takes 4 of 8 blocks for 16 tokens, soon a fifth; who would find the head needs 6.
    """
    head = (("head", 20),)
    engine = batcher(blocks=8)
    asks = [ask(0, 0.0, 20, 1, head), ask(1, 10.0, 16, 4), ask(2, 10.5, 24, 1, head)]
    assert play(engine, asks) == [(0, 1.0, 1.0), (1, 11.0, 14.0), (2, 15.0, 15.0)]
    assert asks[2].cached_input < 20


def test_the_second_in_line_needs_its_blocks_too() -> None:
    """Both come at 10 s, with 8 blocks free: the first takes 4, one of them the head's last.

    Of the second's 6 blocks 4 are known, but free: it would need all 6 of the 4 that are left.
    """
    head = (("head", 20),)
    engine = batcher(blocks=8)
    asks = [ask(0, 0.0, 20, 1, head), ask(1, 10.0, 16, 4), ask(2, 10.0, 24, 1, head)]
    assert play(engine, asks) == [(0, 1.0, 1.0), (1, 11.0, 14.0), (2, 15.0, 15.0)]
    assert asks[2].cached_input == 12
