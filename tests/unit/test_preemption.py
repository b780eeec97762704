"""Who gives way when blocks are short (`sim.serving.preemption`).

Steps last 1 s and blocks hold 4 tokens unless said otherwise. `play` returns
(number, first token, finish) in the order of leaving.
"""

import math

import pytest

from sim.serving.sequence import Sequence
from tests.unit.engines import ask, batcher, play


def charged(*sequences: Sequence) -> float:
    return math.fsum(sequence.charged_s for sequence in sequences)


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


def test_an_unfinished_prefill_gives_way_to_decoding() -> None:
    """4 of 20 tokens a step; at 5 s it holds 16 in four of six blocks, and the first wants a third.

    That takes its last one. At 9 s it finds 12 tokens, and computes 5 more (4 of them again) and 3.
    """
    engine = batcher(blocks=6, budget=5, slots=4, reserve_full_input=False)
    asks = [ask(0, 0.0, 4, 9), ask(1, 0.5, 20, 1)]
    assert play(engine, asks) == [(0, 1.0, 9.0), (1, 11.0, 11.0)]
    assert engine.preemptions == 1
    assert (asks[1].recomputed_input, asks[1].recomputed_output) == (4, 0)
    assert asks[1].waste_s == pytest.approx(4 / 5)
    assert charged(*asks) == pytest.approx(engine.busy_s) == 11.0


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


def test_the_last_token_may_come_with_the_second_prefill() -> None:
    """Five of six are out when it gives way; at 9 s it computes its way back, and is done."""
    engine = batcher(blocks=4)
    assert play(engine, [ask(0, 0.0, 4, 9), ask(1, 0.0, 4, 6)]) == [(0, 1.0, 9.0), (1, 1.0, 10.0)]


def test_who_gives_way_itself_ends_the_round() -> None:
    """In order of admission: 0, 1 (less urgent), 2. At 3 s the second wants a block: none is free.

    It is itself the last in order, so it goes, and the third sits out the step from 3 to 4 s: its
    tokens come at 3, 5 and 6 s. At 4 s the first is done; the second computes 5 tokens again.
    """
    engine = batcher(blocks=4)
    asks = [ask(0, 0.0, 5, 4), ask(1, 0.5, 3, 3, priority=1), ask(2, 1.5, 4, 3)]
    assert play(engine, asks) == [(0, 1.0, 4.0), (1, 2.0, 5.0), (2, 3.0, 6.0)]
    assert engine.preemptions == 1
    assert (asks[1].recomputed_input, asks[1].recomputed_output) == (3, 1)
    assert charged(*asks) == pytest.approx(engine.busy_s) == 6.0


def test_the_preempted_wait_in_the_queue() -> None:
    engine = batcher(blocks=4)
    seen: list[int] = []
    looks = [(at_s, lambda _: seen.append(engine.queue.length)) for at_s in (4.5, 6.5, 9.5)]
    play(engine, [ask(0, 0.0, 4, 9), ask(1, 0.0, 4, 9)], looks)
    assert seen == [0, 1, 0]
