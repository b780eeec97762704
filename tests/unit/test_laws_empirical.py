"""Empirical laws: the inverse of the weighted distribution function, exactly."""

from __future__ import annotations

from bisect import bisect_right
from fractions import Fraction
from itertools import accumulate

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from sim.laws.empirical import Empirical

P_MIN = 0.001


def test_each_value_has_its_share() -> None:
    law = Empirical([9.0, 5.0, 9.0, 2.0], [1.0, 2.0, 1.0, 4.0])
    u = np.array([0.0, 0.4999999, 0.5, 0.7499999, 0.75, 1.0 - 2.0**-53])
    assert law.quantile(u).tolist() == [2.0, 2.0, 5.0, 5.0, 9.0, 9.0]
    assert law.survival(np.array([0.0, 1.9, 2.0, 5.0, 8.9, 9.0, 99.0])).tolist() == [
        1.0,
        1.0,
        0.5,
        0.25,
        0.25,
        0.0,
        0.0,
    ]


def test_without_weights_all_values_are_alike() -> None:
    law = Empirical([3.0, 1.0, 2.0, 2.0])
    assert law.quantile((np.arange(4) + 0.5) / 4).tolist() == [1.0, 2.0, 2.0, 3.0]
    assert law.values.tolist() == [1.0, 2.0, 3.0]


def test_values_without_weight_never_come() -> None:
    law = Empirical([1.0, 2.0, 3.0], [0.0, 1.0, 0.0])
    assert law.quantile(np.array([0.0, 0.5, 1.0 - 2.0**-53])).tolist() == [2.0] * 3


def test_draws_of_a_sample_have_its_distribution() -> None:
    rng = np.random.default_rng(38)
    values = np.ceil(rng.lognormal(6.0, 1.0, 3_000))
    weights = rng.integers(1, 9, 3_000)
    drawn = Empirical(values, weights).quantile(rng.random(100_000))
    distinct, place = np.unique(values, return_inverse=True)
    expected = np.bincount(place, weights) / weights.sum() * len(drawn)
    observed = np.bincount(np.searchsorted(distinct, drawn), minlength=len(distinct))
    assert set(drawn) <= set(values)
    common = expected > 10.0
    rest = [observed[~common].sum()], [expected[~common].sum()]
    result = stats.chisquare(
        np.append(observed[common], rest[0]), np.append(expected[common], rest[1])
    )
    assert result.pvalue > P_MIN


ROWS = st.lists(st.tuples(st.integers(1, 50), st.integers(0, 9)), min_size=1, max_size=40).filter(
    lambda rows: any(weight for _, weight in rows)
)


@given(rows=ROWS, u=st.integers(0, 2**53 - 1))
def test_quantiles_equal_those_of_exact_arithmetic(rows: list[tuple[int, int]], u: int) -> None:
    law = Empirical([value for value, _ in rows], [weight for _, weight in rows])
    ordered = sorted((value, weight) for value, weight in rows if weight)
    sums = list(accumulate(weight for _, weight in ordered))
    level = u * 2.0**-53
    edges = [Fraction(upto, sums[-1]) for upto in sums]
    if min(abs(edge - Fraction(level)) for edge in edges) > Fraction(1, 2**52):
        place = bisect_right(edges, Fraction(level))
        assert law.quantile(np.array([level]))[0] == ordered[place][0]


@pytest.mark.parametrize(
    ("values", "weights", "message"),
    [
        ([], None, "0 values do not fit 0 weights"),
        ([1.0], [1.0, 2.0], "1 values do not fit 2 weights"),
        ([0.0, 1.0], None, "values must be positive"),
        ([float("nan")], None, "values must be positive"),
        ([float("inf")], None, "values must be positive"),
        ([1.0, 2.0], [1.0, -1.0], "weights must be finite and not negative"),
        ([1.0, 2.0], [1.0, float("nan")], "weights must be finite and not negative"),
        ([1.0, 2.0], [0.0, 0.0], "one of them above 0"),
    ],
)
def test_samples_that_are_none_are_refused(
    values: list[float], weights: list[float] | None, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        Empirical(values, weights)
