"""Quantile tables: their points, what lies between, atoms, jumps, and what is refused."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from sim.laws.quantiles import QuantileTable

P_MIN = 0.001


def test_tables_go_through_their_points_and_are_linear_in_the_logarithm() -> None:
    law = QuantileTable((0.0, 0.5, 1.0), (1.0, 128.0, 1000.0))
    assert law.quantile(np.array([0.0, 0.25, 0.5])) == pytest.approx([1.0, math.sqrt(128.0), 128.0])
    u = np.linspace(0.001, 0.999, 777)
    assert law.survival(law.quantile(u)) == pytest.approx(1.0 - u, abs=1e-12)
    assert law.survival(np.array([0.0, 0.5, 1000.0, 5000.0])).tolist() == [1.0, 1.0, 0.0, 0.0]


def test_a_table_of_one_piece_is_the_reciprocal_law() -> None:
    law = QuantileTable((0.0, 1.0), (2.0, 5_000.0))
    drawn = law.quantile(np.random.default_rng(33).random(100_000))
    assert stats.kstest(drawn, stats.loguniform(2.0, 5_000.0).cdf).pvalue > P_MIN


def test_values_below_one_are_as_good_as_any() -> None:
    seconds = QuantileTable((0.0, 0.5, 1.0), (0.001, 0.25, 60.0))
    assert seconds.quantile(np.array([0.5]))[0] == pytest.approx(0.25)
    assert seconds.survival(np.array([0.0005, 0.25])) == pytest.approx([1.0, 0.5])


def test_atoms_keep_their_mass_and_their_value() -> None:
    law = QuantileTable((0.0, 0.3, 0.6, 0.9, 1.0), (16.0, 16.0, 512.0, 512.0, 3e5))
    drawn = law.quantile(np.random.default_rng(34).random(100_000))
    for value, mass in ((16.0, 0.3), (512.0, 0.3)):
        hits = int((np.abs(drawn / value - 1.0) < 1e-12).sum())
        assert stats.binomtest(hits, len(drawn), mass).pvalue > P_MIN
    assert law.survival(np.array([15.9, 16.0, 512.0])) == pytest.approx([1.0, 0.7, 0.1])


def test_mass_outside_the_levels_sits_on_the_ends() -> None:
    law = QuantileTable((0.2, 0.7), (10.0, 1_000.0))
    assert law.quantile(np.array([0.0, 0.1999, 0.45, 0.71, 0.999])) == pytest.approx(
        [10.0, 10.0, 100.0, 1_000.0, 1_000.0]
    )
    assert law.survival(np.array([9.9, 10.0, 100.0, 999.9, 1_000.0])) == pytest.approx(
        [1.0, 0.8, 0.55, 0.3, 0.0], abs=1e-4
    )


def test_quantiles_jump_at_a_level_that_is_there_twice() -> None:
    law = QuantileTable((0.0, 0.5, 0.5, 1.0), (1.0, 2.0, 50.0, 100.0))
    below = np.nextafter(0.5, 0.0)
    assert law.quantile(np.array([below, 0.5])) == pytest.approx([2.0, 50.0])
    assert law.survival(np.array([2.0, 10.0, 50.0])) == pytest.approx([0.5, 0.5, 0.5])


TABLES = st.lists(
    st.tuples(st.floats(0.0, 1.0), st.floats(1e-3, 1e9)), min_size=1, max_size=30
).map(lambda pairs: QuantileTable(*(sorted(column) for column in zip(*pairs, strict=True))))


@given(law=TABLES, x=st.floats(0.0, 2e9))
def test_survival_is_the_share_of_draws_above(law: QuantileTable, x: float) -> None:
    u = (np.arange(4_096) + 0.5) / 4_096
    # Rounding of ln and exp may put an atom on either side of x.
    above = (law.quantile(u) > x * (1.0 + 1e-12)).mean()
    at_least = (law.quantile(u) > x * (1.0 - 1e-12)).mean()
    found = law.survival(np.array([x]))[0]
    assert above - 2 / 4_096 <= found <= at_least + 2 / 4_096


@pytest.mark.parametrize(
    ("levels", "values", "message"),
    [
        ((0.0, 1.0), (1.0,), "2 levels do not fit 1"),
        ((), (), "0 levels do not fit 0"),
        ((0.0, 0.6, 0.5), (1.0, 2.0, 3.0), "levels must not fall"),
        ((0.0, 1.5), (1.0, 2.0), "within 0…1"),
        ((-0.1, 1.0), (1.0, 2.0), "within 0…1"),
        ((0.0, math.nan), (1.0, 2.0), "within 0…1"),
        ((0.0, 1.0), (0.0, 2.0), "above 0"),
        ((0.0, 1.0), (1.0, math.inf), "above 0"),
        ((0.0, 1.0), (1.0, math.nan), "above 0"),
        ((0.0, 1.0), (3.0, 2.0), "must not fall"),
    ],
)
def test_impossible_tables_are_refused(
    levels: tuple[float, ...], values: tuple[float, ...], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        QuantileTable(levels, values)
