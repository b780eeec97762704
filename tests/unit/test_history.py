"""What an autoscaler may know of the recent past (`sim.fleet.history`)."""

from __future__ import annotations

import pytest

from sim.fleet.history import History
from sim.serving.sequence import Sequence
from tests.unit.engines import ask


def finished(at_s: float, ttft_s: float = 1.0, tpot_s: float = 0.5, answer: int = 41) -> Sequence:
    """Came ttft_s before its first token, whose answer went on for (answer - 1) tpot_s."""
    one = ask(0, at_s - tpot_s * (answer - 1) - ttft_s, 100, answer)
    one.first_token_at_s, one.finished_at_s = one.arrived_at_s + ttft_s, at_s
    return one


def test_percentiles_of_what_finished_in_a_window() -> None:
    """100 requests, TTFTs of 0.01 to 1 s; those of the window are the last 50."""
    history = History(1e9, 32)
    for n in range(1, 101):
        history.finished(finished(float(n), ttft_s=n / 100, tpot_s=n / 1000))
    ttft_s, tpot_s = history.p95(51.0, 101.0)
    assert ttft_s == pytest.approx(0.51 + 0.95 * 0.49)
    assert tpot_s == pytest.approx(0.051 + 0.95 * 0.049)


def test_a_window_has_its_first_instant_and_not_its_last() -> None:
    history = History(1e9, 2)
    for at_s in (10.0, 20.0):
        history.finished(finished(at_s, ttft_s=at_s))
    assert history.p95(10.0, 20.0)[0] == 10.0


def test_short_answers_tell_nothing_of_the_time_per_token() -> None:
    history = History(1e9, 32)
    history.finished(finished(5.0, answer=31))
    assert history.p95(0.0, 9.0) == (1.0, None)
    history.finished(finished(6.0, answer=32))
    assert history.p95(0.0, 9.0) == (pytest.approx(1.0), pytest.approx(0.5))


def test_nothing_finished_is_not_nothing() -> None:
    assert History(60.0, 2).p95(0.0, 9.0) == (None, None)


def test_rates_count_prompts_that_came_and_answers_that_were_made() -> None:
    """Nobody knows how long an answer will be before it is there."""
    history = History(1e9, 2)
    for at_s in (1.0, 2.0, 9.0):
        history.came(at_s, 100)
    assert history.rates(0.0, 5.0) == (2 / 5, 200 / 5)
    history.finished(finished(4.0, answer=41))
    assert history.rates(0.0, 5.0) == (2 / 5, 241 / 5)
    assert history.rates(5.0, 10.0) == (1 / 5, 100 / 5)
    assert history.rates(5.0, 5.0) == (0.0, 0.0)


def test_what_is_old_is_forgotten() -> None:
    history = History(60.0, 2)
    for at_s in (10.0, 40.0, 100.0):
        history.came(at_s, 100)
        history.finished(finished(at_s))
    history.forget(100.0)
    assert history.rates(0.0, 200.0) == (2 / 200, 2 * 141 / 200)
    history.forget(1000.0)
    assert history.p95(0.0, 1e9) == (None, None)
