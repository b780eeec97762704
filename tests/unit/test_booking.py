"""What a step or run does to those in it (`sim.serving.booking`), by hand."""

import math

from sim.serving.sequence import Sequence
from tests.unit.engines import ask, batcher, busy_timing, play


def charged(*sequences: Sequence) -> float:
    return math.fsum(sequence.charged_s for sequence in sequences)


def test_host_work_on_the_first_token_delays_its_own_attempt_alone() -> None:
    """Half a second on both of its times, but the engine does not wait."""
    engine = batcher(of=busy_timing())
    prefill_s = 1.5 + 1 / 4 + 1 / 16 + 8 / 512
    decode_s = 2 * (1.125 + 1 / 32) + (4 + 5) / 256
    both_s = prefill_s + decode_s
    asks = [ask(0, 0.0, 4, 3), ask(1, both_s, 4, 3)]
    assert play(engine, asks) == [
        (0, prefill_s + 0.5, both_s + 0.5),
        (1, both_s + prefill_s + 0.5, 2 * both_s + 0.5),
    ]
    assert engine.busy_s == 2 * both_s


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


def test_those_who_decode_share_their_part_evenly() -> None:
    """Two decode on 8 and 9 tokens beside a prompt of 4: theirs is (v(2) + v(6) - v(4)) / 2."""
    engine = batcher(of=busy_timing())
    asks = [ask(0, 0.0, 8, 2), ask(1, 0.0, 9, 2), ask(2, 0.5, 4, 1)]
    play(engine, asks)
    assert [a.decode_s for a in asks] == [0.375 + 1 / 32, 0.375 + 1 / 32, 0.0]
    assert [a.rent_s for a in asks] == [8 / 256, 9 / 256, 0.0]
    assert asks[2].prefill_s == (1.75 - 0.75) + 1 / 4 + 1 / 16 + 8 / 512
    assert charged(*asks) == engine.busy_s


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
