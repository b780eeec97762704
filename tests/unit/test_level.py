"""A number that changes now and then (`sim.ledger.level`)."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim.ledger.level import Level


def stairs() -> Level:
    """2 from -5 s on, 3 from 1 s on, 1 from 4 s on."""
    level = Level()
    for at_s, by in ((-5.0, 2.0), (1.0, 1.0), (4.0, -2.0)):
        level.change(at_s, by)
    return level


def test_nothing_before_the_first_change() -> None:
    level = Level()
    assert (level.now, level.integral(0.0, 9.0), level.at(3.0)) == (0.0, 0.0, 0.0)
    assert level.changes() == []
    assert stairs().integral(-9.0, -5.0) == 0.0


def test_its_integral_by_hand() -> None:
    level = stairs()
    assert level.now == 1.0
    assert level.integral(-5.0, 0.0) == 10.0
    assert level.integral(0.0, 10.0) == 2.0 + 9.0 + 6.0
    assert level.integral(2.0, 3.0) == 3.0
    assert level.integral(3.0, 3.0) == 0.0


def test_its_value_at_an_instant_counts_the_change_there() -> None:
    level = stairs()
    assert [level.at(at_s) for at_s in (-5.1, -5.0, 0.999, 1.0, 4.0, 99.0)] == [
        0.0, 2.0, 2.0, 3.0, 1.0, 1.0,
    ]  # fmt: skip


def test_changes_of_one_instant_are_one() -> None:
    level = Level()
    for by in (1.0, 1.0, -1.0):
        level.change(3.0, by)
    assert level.changes() == [(3.0, 1.0)]


def test_time_does_not_go_back() -> None:
    with pytest.raises(ValueError, match=r"a change at 3.9 s comes after one at 4.0 s"):
        stairs().change(3.9, 1.0)


def test_means_of_intervals_the_last_cut() -> None:
    """[0, 3): 2 + 6 of 3 s; [3, 6): 3 + 2; [6, 7): 1; nothing is left of the fourth."""
    means = stairs().by_interval(3.0, 4, 7.0)
    assert means == pytest.approx([8 / 3, 5 / 3, 1.0, 0.0])


@given(
    st.lists(st.tuples(st.floats(0.0, 10.0), st.integers(-3, 3)), max_size=30),
    st.lists(st.floats(-5.0, 200.0), min_size=2, max_size=6),
)
def test_spans_add_up_to_what_a_plain_sum_gives(
    steps: list[tuple[float, int]], edges: list[float]
) -> None:
    level, at_s, plain = Level(), 0.0, []
    for gap_s, by in steps:
        at_s += gap_s
        level.change(at_s, by)
        plain.append((at_s, by))
    edges.sort()
    whole = level.integral(edges[0], edges[-1])
    parts = [level.integral(a, b) for a, b in pairwise(edges)]
    expected = sum(by * max(0.0, edges[-1] - max(at_s, edges[0])) for at_s, by in plain)
    assert np.isclose(whole, sum(parts), atol=1e-9)
    assert np.isclose(whole, expected, atol=1e-9)
