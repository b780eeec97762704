import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sim.ledger.usage import RequestCounts, RouteUsage, Usage
from sim.studies.intervals import Interval, jackknife, jackknife_all, student_t

values = st.lists(st.floats(-1e6, 1e6), min_size=2, max_size=8)


def test_student_t_by_hand() -> None:
    """Mean 3, s = sqrt(2.5), t(0.975; 4) = 2.776445 (any table): 3 ± 2.776445 sqrt(0.5)."""
    interval = student_t([1.0, 2.0, 3.0, 4.0, 5.0])
    assert interval is not None
    half = 2.776445105 * math.sqrt(0.5)
    assert (interval.low, interval.high) == pytest.approx((3 - half, 3 + half))


@pytest.mark.parametrize(
    ("n", "t"), [(2, 12.7062047), (3, 4.30265273), (10, 2.26215716), (31, 2.04227246)]
)
def test_student_t_quantiles_are_those_of_the_tables(n: int, t: float) -> None:
    data = [float(i) for i in range(n)]
    interval = student_t(data)
    assert interval is not None
    half = t * np.std(data, ddof=1) / math.sqrt(n)
    assert (interval.high - interval.low) / 2 == pytest.approx(half)


def test_ninety_percent_is_narrower() -> None:
    wide, narrow = student_t([1.0, 2.0, 4.0]), student_t([1.0, 2.0, 4.0], confidence=0.9)
    assert wide is not None
    assert narrow is not None
    assert narrow.low in wide
    assert narrow.high in wide
    assert wide.high not in narrow


@pytest.mark.parametrize("data", [[], [1.0], [5.0, 5.0, 5.0], [0.0, 0.0], [0.1, 0.1, 0.1]])
def test_no_spread_no_interval(data: list[float]) -> None:
    assert student_t(data) is None


def test_rounding_is_no_spread() -> None:
    assert student_t([0.1 + 0.2, 0.3, 0.3]) is None


@settings(deadline=None)
@given(values)
def test_jackknife_of_a_mean_is_student_t(data: list[float]) -> None:
    r = len(data)
    full = math.fsum(data) / r
    without = [(math.fsum(data) - x) / (r - 1) for x in data]
    direct, jack = student_t(data), jackknife(full, without)
    if max(data) - min(data) < 1e-3:
        return  # rounding may make a difference of none
    assert direct is not None
    assert jack is not None
    assert (jack.low, jack.high) == pytest.approx((direct.low, direct.high), rel=1e-6, abs=1e-4)


def test_jackknife_of_a_ratio_by_hand() -> None:
    """6 over 4, of 1/1, 2/1 and 3/2; without one of them in turn 5/3, 4/3 and 3/2."""
    num, den = [1.0, 2.0, 3.0], [1.0, 1.0, 2.0]
    without = [(6 - a) / (4 - b) for a, b in zip(num, den, strict=True)]
    pseudo = [3 * 1.5 - 2 * w for w in without]
    assert pseudo == pytest.approx([4.5 - 10 / 3, 4.5 - 8 / 3, 1.5])
    interval = jackknife(1.5, without)
    assert interval is not None
    centre, s = float(np.mean(pseudo)), float(np.std(pseudo, ddof=1))
    half = 4.30265273 * s / math.sqrt(3)
    assert (interval.low, interval.high) == pytest.approx((centre - half, centre + half))


def test_intervals_cover_as_often_as_they_say() -> None:
    """2,000 samples of 5: a 95 % interval misses 100 times, give or take 4 sigma (39)."""
    rng = np.random.default_rng(20261101)
    x = rng.normal(10.0, 2.0, size=(2000, 5))
    y = rng.gamma(25.0, 4.0, size=(2000, 5))
    missed = sum(10.0 not in student_t(row) for row in x.tolist())  # type: ignore[operator]
    assert 61 <= missed <= 139
    missed = 0
    for a, b in zip(x, y, strict=True):
        without = (a.sum() - a) / (b.sum() - b)
        interval = jackknife(a.sum() / b.sum(), without.tolist())
        assert interval is not None
        missed += 0.1 not in interval
    assert 61 <= missed <= 139


def usage(completed: float, input_tokens: float = 1.0) -> Usage:
    route = RouteUsage(requests=RequestCounts(completed=completed, arrived=input_tokens))
    return Usage(1.0, {}, {}, route)


def figures(u: Usage) -> dict[str, float | None]:
    r = u.overall.requests
    return {
        "sum": r.completed,
        "ratio": r.completed / r.arrived if r.arrived else None,
        "same": 7.0,
        "thin": None,
    }


def test_all_figures_at_once() -> None:
    data = [usage(1.0, 1.0), usage(2.0, 1.0), usage(3.0, 2.0)]
    found = jackknife_all(data, figures)
    assert found["same"] is found["thin"] is None
    by_hand = student_t([1.0, 2.0, 3.0])
    assert by_hand is not None
    assert found["sum"] is not None
    assert (found["sum"].low, found["sum"].high) == pytest.approx((by_hand.low, by_hand.high))
    ratio = jackknife(1.5, [5 / 3, 4 / 3, 1.5])
    assert ratio is not None
    assert found["ratio"] is not None
    assert (found["ratio"].low, found["ratio"].high) == pytest.approx((ratio.low, ratio.high))


def test_a_figure_that_stands_on_one_replication_has_no_interval() -> None:
    found = jackknife_all([usage(1.0, 1.0), usage(0.0, 0.0)], figures)
    assert found["ratio"] is None
    assert found["sum"] is not None


def test_one_replication_has_no_intervals() -> None:
    assert set(jackknife_all([usage(1.0)], figures).values()) == {None}


def test_interval_holds_its_ends() -> None:
    assert 1.0 in Interval(1.0, 2.0)
    assert 2.1 not in Interval(1.0, 2.0)
