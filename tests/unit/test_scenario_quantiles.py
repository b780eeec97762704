"""Quantiles as a scenario writes them: their order, their mean, and what is no table."""

import math

import pytest

from sim.scenario.quantiles import check_quantiles, quantile_mean, table_of, text_keys
from sim.scenario.spec import Fault


def test_the_mean_of_a_table() -> None:
    # One piece from 1 to e: the mean of e^u over u in [0, 1] is e - 1.
    assert quantile_mean((0.0, 1.0), (1.0, math.e)) == pytest.approx(math.e - 1)
    assert quantile_mean((0.0, 0.5, 1.0), (10.0, 10.0, 10.0)) == 10.0
    halves = quantile_mean((0.0, 0.5, 1.0), (1.0, math.e, 5.0))
    assert halves == pytest.approx((math.e - 1 + (5 - math.e) / math.log(5 / math.e)) / 2)


def test_levels_are_ordered_as_numbers_not_as_text() -> None:
    table = {"1": 9.0, "0": 1.0, "1e-3": 2.0, "0.5": 3.0}
    assert table_of(table) == ((0.0, 0.001, 0.5, 1.0), (1.0, 2.0, 3.0, 9.0))
    assert check_quantiles(table) is table


def test_keys_become_text_and_other_values_stay() -> None:
    assert text_keys({0: 1, 0.5: 2, "1": 3}) == {"0": 1, "0.5": 2, "1": 3}
    assert text_keys([1]) == [1]


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ({"0": 1.0}, "needs at least the levels 0 and 1"),
        ({"0": 1.0, "0.9": 2.0}, "needs at least the levels 0 and 1"),
        ({"0": 1.0, "1": 2.0, "1.5": 3.0}, "a level must be a number from 0 to 1 .got '1.5'"),
        ({"0": 1.0, "1": 2.0, "p50": 3.0}, "a level must be a number from 0 to 1 .got 'p50'"),
        ({"0": 1.0, "1": 2.0, "1.0": 2.0}, "gives a level twice"),
        ({"0": 3.0, "1": 2.0}, "must not fall"),
    ],
)
def test_what_is_no_table(table: dict[str, float], message: str) -> None:
    with pytest.raises(Fault, match=message):
        check_quantiles(table)
