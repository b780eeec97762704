"""Integrals of a batcher at any moment (`sim.serving.levels`). Steps last 1 s and blocks hold 4 tokens unless said otherwise.
"""

import pytest

from sim.serving.levels import busy_until_s, used_block_s_until
from tests.unit.engines import ask, batcher, play


def test_busy_seconds_up_to_now() -> None:
    """Idle until 5 s, busy until 14 s; asking ends nothing."""
    engine = batcher()
    asked: list[float] = []
    times = [4.0, 5.0, 5.5, 6.0, 9.75, 14.0, 20.0]
    actions = [(at_s, lambda now_s: asked.append(busy_until_s(engine, now_s))) for at_s in times]
    assert play(engine, [ask(0, 5.0, 4, 9)], actions) == [(0, 6.0, 14.0)]
    assert asked == [0.0, 0.0, 0.5, 1.0, 4.75, 9.0, 9.0]


def test_blocks_in_use_over_time() -> None:
    """Two blocks for 8 prompt tokens, a third from the first decode step on, a fourth at the fifth.

    4 s of decoding at three blocks and 1 s at four; then none.
    """
    engine = batcher()
    one, asked = ask(0, 0.0, 8, 6), dict[float, float]()

    def look(now_s: float) -> None:
        asked[now_s] = used_block_s_until(engine, now_s)

    play(engine, [one], [(at_s, look) for at_s in (0.5, 1.0, 3.0, 5.0, 9.0)])
    assert [asked[at_s] for at_s in (0.5, 1.0, 3.0, 5.0)] == [1.0, 2.0, 8.0, 14.0]
    assert asked[9.0] == pytest.approx(18.0, abs=2.5)  # within a run, blocks grow linearly
