import math

import pytest
from scipy import stats

from sim.ledger.usage import SloFigure
from sim.studies.plan_judge import margins, upper_limit


def figure(value_s: float | None, share: float | None, target_s: float = 1.0) -> SloFigure:
    return SloFigure("ttft_s", 0.95, target_s, value_s, share)


def test_the_limit_is_students() -> None:
    values = [0.5, 0.7, 0.9, 0.6]
    low, high = stats.t.interval(0.90, 3, loc=0.675, scale=stats.sem(values))
    assert upper_limit(values) == pytest.approx(high)
    assert low < 0.675


def test_a_mean_below_the_target_is_not_enough() -> None:
    runs = [[("chat", figure(v, 1.0))] for v in (0.6, 1.3, 0.9)]  # mean 0.93, limit 1.5
    found = margins(runs, 0.99)[0]
    assert found.value_s == pytest.approx(0.9333, abs=1e-4)
    assert not found.met
    assert margins([[("chat", figure(0.9, 1.0))]] * 3, 0.99)[0].met


def test_windows_count_as_much_as_the_quantile() -> None:
    found = margins([[("chat", figure(0.1, 0.98))]] * 2, 0.99)[0]
    assert found.windows_lost == pytest.approx(2.0)
    assert found.load == pytest.approx(0.1)
    assert found.worst == pytest.approx(2.0)
    assert not found.met


def test_a_route_that_nobody_answered_misses() -> None:
    found = margins([[("chat", figure(None, 0.0))]] * 2, 0.99)[0]
    assert math.isinf(found.load)
    assert not found.met


def test_where_every_window_must_hold_one_lost_is_too_many() -> None:
    assert not margins([[("chat", figure(0.1, 0.999))]] * 2, 1.0)[0].met
    assert margins([[("chat", figure(0.1, 1.0))]] * 2, 1.0)[0].met
