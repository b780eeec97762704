import numpy as np
import pytest

from sim.ledger.promises import inside, judged
from sim.ledger.usage import SloFigure, WindowCounts, WorstWindow

NOBODY = np.zeros(0, np.int32)


def waits(*ttft_s: float) -> np.ndarray:
    """Latencies of requests with these TTFTs; other times are none."""
    rows = np.full((len(ttft_s), 3), np.nan, np.float32)
    rows[:, 0] = ttft_s
    return rows


@pytest.mark.parametrize("value_s", [1.0, 0.1, 0.3, 1.7, 1e-3, 3600.1])
def test_a_promise_is_kept_at_its_very_bound_however_it_is_rounded(value_s: float) -> None:
    """0.1 is a little more as a float32; a millionth is too little to matter, twice that is not."""
    less_s = value_s / (1 + 2e-6)
    for kind in (np.float32, np.float64):
        row = waits(value_s).astype(kind)
        row[0, 0] = value_s
        window = np.zeros(1, np.int32)
        for target_s, kept in ((value_s, True), (less_s, False)):
            assert inside(row, [("ttft", 0.5, target_s)]).tolist() == [kept]
            (figure,), windows = judged([("ttft", 0.5, target_s)], row, window, NOBODY)
            assert figure.windows_met_share == float(kept)
            assert windows == WindowCounts(1.0, float(not kept))


def test_all_promises_must_be_kept() -> None:
    rows = np.array([[1.0, 9.0, 9.0], [3.0, 9.0, 1.0], [1.0, 9.0, 1.0]])
    targets = [("ttft", 0.5, 2.0), ("e2e", 0.95, 5.0)]
    assert inside(rows, targets).tolist() == [False, False, True]
    assert inside(rows, []).tolist() == [True, True, True]


def test_windows_are_judged_apart_and_the_first_of_the_worst_is_named() -> None:
    """Windows 2, 0 and 1, not in order: the medians are 1, 3 and 3; the whole median is 2."""
    rows, window = waits(1, 1, 2, 4, 3, 3), np.array([2, 2, 0, 0, 1, 1], np.int32)
    (figure,), windows = judged([("ttft", 0.5, 2.0)], rows, window, NOBODY)
    worst = WorstWindow(0.0, 3.0)
    assert figure == SloFigure("ttft", 0.5, 2.0, 2.5, pytest.approx(1 / 3), worst)
    assert windows == WindowCounts(3.0, 2.0)


def test_a_window_is_bad_once_even_if_it_missed_two_promises() -> None:
    rows, window = waits(1, 9, 5), np.array([0, 1, 2], np.int32)
    targets = [("ttft", 0.5, 2.0), ("ttft", 0.95, 8.0)]
    found, windows = judged(targets, rows, window, NOBODY)
    assert [figure.windows_met_share for figure in found] == pytest.approx([1 / 3, 2 / 3])
    assert windows == WindowCounts(3.0, 2.0)


def test_a_window_without_an_answer_keeps_no_promise() -> None:
    """In window 0 somebody failed and somebody was answered; in 3 and 7 nobody was."""
    unanswered = np.array([0, 3, 7], np.int32)
    (figure,), windows = judged(
        [("ttft", 0.5, 2.0)], waits(1, 1), np.array([0, 1], np.int32), unanswered
    )
    assert figure.windows_met_share == 0.5
    assert figure.worst == WorstWindow(900.0, None)
    assert windows == WindowCounts(4.0, 2.0)


def test_nobody_was_ever_answered() -> None:
    (figure,), windows = judged([("ttft", 0.5, 2.0)], waits(), NOBODY, np.array([4], np.int32))
    assert figure == SloFigure("ttft", 0.5, 2.0, None, 0.0, WorstWindow(1200.0, None))
    assert windows == WindowCounts(1.0, 1.0)


def test_nothing_to_judge() -> None:
    """Nobody came; or answers of one token, which have no time per token."""
    for rows, window in ((waits(), NOBODY), (waits(1.0), np.zeros(1, np.int32))):
        (figure,), windows = judged([("tpot", 0.5, 2.0)], rows, window, NOBODY)
        assert figure == SloFigure("tpot", 0.5, 2.0, None, None, None)
        assert windows == WindowCounts(0.0, 0.0)
