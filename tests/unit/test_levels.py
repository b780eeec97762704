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


def test_blocks_within_a_run_are_taken_to_grow_linearly() -> None:
    """8 + 100 tokens: 2 blocks, then 3 to 27 over 99 steps. At no moment is it off by a block."""
    engine = batcher()
    times = [1.0 + step for step in range(100)]
    found = read(used_block_s_until, engine, [ask(0, 0.0, 8, 100)], *times)
    exact = [2.0]
    for step in range(99):
        exact.append(exact[-1] + 3 + step // 4)
    off = [abs(a - b) / at_s for a, b, at_s in zip(found, exact, times, strict=False)]
    assert max(off) < 1.0
    assert found[-1] == pytest.approx(exact[-1], rel=0.03)


def test_blocks_of_those_that_leave_are_no_longer_in_use() -> None:
    """Two with one block each from 0 to 1 s; one of them leaves; the other holds two until 5 s."""
    engine = batcher()
    asks = [ask(0, 0.0, 4, 5), ask(1, 0.0, 4, 5)]
    play(engine, asks, [leave(engine, asks[1], 0.5)])
    assert engine.used_block_s == 2.0 + 4 * 2
