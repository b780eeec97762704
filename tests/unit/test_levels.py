"""Integrals of a batcher at any moment (`sim.serving.levels`).

Steps last 1 s and blocks hold 4 tokens.
"""

from collections.abc import Callable

import pytest

from sim.serving.batcher import Batcher
from sim.serving.levels import busy_until_s, used_block_s_until
from sim.serving.sequence import Sequence
from tests.unit.engines import ask, batcher, leave, play, timing


def read(
    level: Callable[[Batcher, float], float], engine: Batcher, asks: list[Sequence], *times: float
) -> list[float]:
    """What *level* says at *times*, while *engine* serves *asks*; and afterwards."""
    found: list[float] = []
    play(engine, asks, [(t, lambda now_s: found.append(level(engine, now_s))) for t in times])
    return [*found, level(engine, 1e9)]


def test_busy_seconds_up_to_now() -> None:
    """Idle until 5 s, busy until 14 s."""
    engine = batcher()
    found = read(busy_until_s, engine, [ask(0, 5.0, 4, 9)], 4.0, 5.0, 5.5, 6.0, 9.75, 14.0)
    assert found == [0.0, 0.0, 0.5, 1.0, 4.75, 9.0, 9.0]
    assert engine.busy_s == 9.0


def test_asking_ends_nothing() -> None:
    engine = batcher()
    asks = [ask(0, 5.0, 4, 9)]
    read(used_block_s_until, engine, asks, *(5.0 + 0.3 * n for n in range(40)))
    assert (asks[0].first_token_at_s, asks[0].finished_at_s) == (6.0, 14.0)


def test_busy_seconds_of_steps_of_different_length() -> None:
    """A prefill of 1 + 8/8 s, then steps of 1 + 1/8 s."""
    engine = batcher(of=timing(per_token_s=0.125))
    found = read(busy_until_s, engine, [ask(0, 0.0, 8, 5)], 1.0, 2.0, 3.0, 6.0)
    assert found == [1.0, 2.0, 3.0, 6.0, 2.0 + 4 * 1.125]


def test_blocks_in_use_over_time() -> None:
    """Two blocks for 8 tokens in the prefill, a third from the first decode step on, for 4 s."""
    engine = batcher()
    found = read(used_block_s_until, engine, [ask(0, 0.0, 8, 5)], 0.5, 1.0, 3.0, 5.0, 9.0)
    assert found == [1.0, 2.0, 8.0, 14.0, 14.0, 14.0]
    assert engine.used_block_s == 14.0


def test_blocks_in_a_step_that_is_the_last() -> None:
    """Two blocks for a second, then none."""
    found = read(used_block_s_until, batcher(), [ask(0, 3.0, 8, 1)], 2.0, 3.25, 4.0, 9.0)
    assert found == [0.0, 0.5, 2.0, 2.0, 2.0]


def test_blocks_are_counted_from_the_step_that_takes_them() -> None:
    """8 + 100 tokens: 2 blocks, then one more each 4 s, 3 to 27 over 99 steps of 1 s."""
    engine = batcher()
    times = [1.0 + step / 4 for step in range(4 * 99 + 1)]
    found = read(used_block_s_until, engine, [ask(0, 0.0, 8, 100)], *times)
    used = [2.0]
    for quarter in range(4 * 99):
        used.append(used[-1] + (3 + quarter // 16) / 4)
    assert found[:-1] == pytest.approx(used)
    assert found[-1] == engine.used_block_s == pytest.approx(used[-1])


def test_blocks_in_steps_that_grow() -> None:
    """Steps of 1 s and 1/4 s for each of 3, 4, 5 and 6 tokens held; the second takes a block."""
    engine = batcher(of=timing(per_context_token_s=0.25))
    found = read(used_block_s_until, engine, [ask(0, 0.0, 3, 5)], 1.0, 2.75, 3.75, 4.75, 7.0, 9.5)
    steps_s = 1.75 + 2.0 + 2.25 + 2.5
    assert found == [1.0, 2.75, 4.75, 6.75, 11.25, 16.25, 1.0 + 1.75 + 2 * (steps_s - 1.75)]


def test_blocks_of_those_that_leave_are_no_longer_in_use() -> None:
    """Two with one block each from 0 to 1 s; one of them leaves; the other holds two until 5 s."""
    engine = batcher()
    asks = [ask(0, 0.0, 4, 5), ask(1, 0.0, 4, 5)]
    play(engine, asks, [leave(engine, asks[1], 0.5)])
    assert engine.used_block_s == 2.0 + 4 * 2


def test_nothing_passes_before_a_start_that_is_put_off() -> None:
    """A prefill of 1 s and a run of 3 s, from 10 s on, asked for at 4 s; two blocks, then three."""
    engine, one = batcher(), ask(0, 4.0, 8, 4)
    engine.submit(one)
    engine.start(10.0)
    times = (4.0, 9.0, 10.0, 10.5, 11.0, 12.0, 14.0, 99.0)
    busy = [busy_until_s(engine, at_s) for at_s in times]
    used = [used_block_s_until(engine, at_s) for at_s in times]
    assert busy == [0.0, 0.0, 0.0, 0.5, 1.0, 2.0, 4.0, 4.0]
    assert used == [0.0, 0.0, 0.0, 1.0, 2.0, 5.0, 11.0, 11.0]
