import math
from dataclasses import replace

import numpy as np
import pytest
from usages import hand_usage

from sim.ledger.usage import RequestCounts, Usage
from sim.studies.intervals import student_t
from sim.studies.paired import paired, paired_figures, paired_ratio


def test_equal_sides_show_no_difference() -> None:
    found = paired([1.0, 2.0, 7.0], [1.0, 2.0, 7.0])
    assert (found.difference, found.interval, found.shown) == (0.0, None, False)
    assert found.variance_ratio is None


def test_rounding_is_no_difference() -> None:
    found = paired([0.1 + 0.2, 0.7], [0.3, 0.7])
    assert found.difference == 0.0
    assert found.shown is False


def test_a_difference_that_is_always_the_same_is_shown_without_an_interval() -> None:
    found = paired([1.0, 2.0, 6.0], [3.0, 4.0, 8.0])
    assert (found.difference, found.interval, found.shown) == (2.0, None, True)


def test_one_replication_cannot_tell() -> None:
    found = paired([1.0], [2.0])
    assert (found.difference, found.shown) == (1.0, None)


def test_the_interval_is_of_the_differences() -> None:
    found = paired([10.0, 20.0, 30.0], [11.0, 22.0, 33.0])
    assert found.difference == pytest.approx(2.0)
    assert found.interval == student_t([1.0, 2.0, 3.0])
    assert found.relative == pytest.approx(0.1)
    assert found.variance_ratio == pytest.approx(100.0 + 121.0)


def test_a_wider_confidence_has_a_wider_interval() -> None:
    narrow = paired([1.0, 2.0, 3.0], [1.1, 2.4, 3.2])
    wide = paired([1.0, 2.0, 3.0], [1.1, 2.4, 3.2], confidence=0.99)
    assert narrow.interval is not None
    assert wide.interval is not None
    assert wide.interval.low < narrow.interval.low < narrow.interval.high < wide.interval.high


@pytest.mark.parametrize(("before", "after"), [([], []), ([1.0], [1.0, 2.0])])
def test_what_is_no_pair_is_refused(before: list[float], after: list[float]) -> None:
    with pytest.raises(ValueError, match="no pairs"):
        paired(before, after)


def test_a_ratio_is_that_of_the_means() -> None:
    found = paired_ratio(([10.0, 30.0], [1.0, 3.0]), ([30.0, 50.0], [1.0, 3.0]))
    assert found is not None
    assert (found.before, found.after, found.difference) == (10.0, 20.0, 10.0)
    assert paired_ratio(([1.0, 1.0], [0.0, 0.0]), ([1.0, 1.0], [1.0, 1.0])) is None
    assert paired_ratio(([1.0, 1.0], [0.0, 1.0]), ([1.0, 1.0], [1.0, 1.0])) is None


def test_intervals_cover_the_truth_as_often_as_they_say() -> None:
    """2,000 synthetic pairs of 6 with a strong common part: 95 % give or take 3 sigma, 1.5 %."""
    rng = np.random.default_rng(20261124)
    covered = shown = 0
    ratios = []
    for _ in range(2000):
        common = rng.normal(100.0, 20.0, 6)
        before, after = common + rng.normal(0, 1, 6), common + 0.5 + rng.normal(0, 1, 6)
        found = paired(before.tolist(), after.tolist())
        assert found.interval is not None
        covered += 0.5 in found.interval
        null = paired(before.tolist(), (after - 0.5).tolist())
        shown += bool(null.shown)
        ratios.append(found.variance_ratio or math.nan)
    assert covered / 2000 == pytest.approx(0.95, abs=0.015)
    assert shown / 2000 == pytest.approx(0.05, abs=0.015)
    assert np.median(ratios) > 200  # (2 x 401) / 2 = 401 in the long run


def test_ratios_of_random_sums_are_covered_too() -> None:
    """Ratio of means 2 before and 3 after; 800 experiments of 8 replications."""
    rng = np.random.default_rng(7)
    covered = 0
    for _ in range(800):
        bottom = rng.normal(50.0, 8.0, 8)
        tops = 2 * bottom + rng.normal(0, 3, 8), 3 * bottom + rng.normal(0, 3, 8)
        found = paired_ratio(
            (tops[0].tolist(), bottom.tolist()), (tops[1].tolist(), bottom.tolist())
        )
        assert found is not None
        assert found.interval is not None
        covered += 1.0 in found.interval
    assert covered / 800 == pytest.approx(0.95, abs=0.025)


def hand(arrived: float) -> Usage:
    usage = hand_usage()
    chat = replace(usage.routes["chat"], requests=RequestCounts(arrived=arrived))
    return replace(usage, routes={"chat": chat})


def test_figures_of_usages_are_paired_by_name() -> None:
    def figures(usage: Usage) -> dict[str, float | None]:
        return {"arrived": usage.routes["chat"].requests.arrived, "nothing": None}

    before, after = [100.0, 130.0, 90.0], [110.0, 150.0, 95.0]
    found = paired_figures([hand(n) for n in before], [hand(n) for n in after], figures, figures)
    by_hand = paired(before, after)
    assert found["nothing"] is None
    assert found["arrived"] is not None
    assert found["arrived"].difference == pytest.approx(by_hand.difference)
    assert found["arrived"].interval is not None
    assert by_hand.interval is not None
    assert found["arrived"].interval.low == pytest.approx(by_hand.interval.low)
