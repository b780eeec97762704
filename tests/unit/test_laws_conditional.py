"""Conditional laws: the right table for each rank, and the law over all ranks."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from sim.laws.conditional import MOST_BINS, Conditional
from sim.laws.quantiles import QuantileTable

P_MIN = 0.001
LAST = 1.0 - 2.0**-53

SHORT = QuantileTable((0.0, 0.5, 1.0), (7.0, 40.0, 300.0))
LONG = QuantileTable((0.0, 0.2, 0.4, 1.0), (100.0, 250.0, 250.0, 1000.0))
APART = QuantileTable((0.1, 0.7), (5_000.0, 9_000.0))


def test_each_bin_draws_from_its_own_table() -> None:
    law = Conditional([SHORT, LONG, APART])
    rng = np.random.default_rng(39)
    rank, u = rng.random(5_000), rng.random(5_000)
    drawn = law.quantile(rank, u)
    for place, table in enumerate(law.tables):
        inside = (rank >= place / 3) & (rank < (place + 1) / 3)
        assert inside.sum() > 1_000
        assert drawn[inside] == pytest.approx(table.quantile(u[inside]), rel=1e-9)


def test_the_ends_of_a_bin_stay_in_it() -> None:
    for n in range(1, MOST_BINS + 1):
        flat = [QuantileTable((0.0, 1.0), (k + 1.0, k + 1.0)) for k in range(n)]
        law = Conditional(flat)
        bins = np.arange(n)
        for u in (0.0, LAST):
            middles = law.quantile((bins + 0.5) / n, np.full(n, u))
            assert np.rint(middles).tolist() == (bins + 1).tolist()
        assert np.rint(law.quantile(np.array([0.0, LAST]), np.array([LAST, LAST]))).tolist() == [
            1.0,
            float(n),
        ]


def test_the_law_over_all_ranks_is_the_mean_of_the_tables() -> None:
    law = Conditional([SHORT, LONG, APART])
    x = np.concatenate((np.geomspace(1.0, 20_000.0, 999), [250.0, 100.0, 5_000.0, 9_000.0]))
    known = np.mean([table.survival(x) for table in law.tables], axis=0)
    assert law.marginal().survival(x) == pytest.approx(known, abs=1e-12)
    rng = np.random.default_rng(40)
    drawn = law.quantile(rng.random(60_000), rng.random(60_000))
    other = law.marginal().quantile(rng.random(60_000))
    assert stats.ks_2samp(drawn, other).pvalue > P_MIN


TABLES = st.lists(
    st.lists(st.integers(1, 60), min_size=2, max_size=5).map(
        lambda values: QuantileTable(np.linspace(0.0, 1.0, len(values)), sorted(values))
    ),
    min_size=1,
    max_size=5,
)


@given(tables=TABLES)
def test_marginals_of_any_tables_keep_atoms_and_gaps(tables: list[QuantileTable]) -> None:
    # Half-way between whole values too: there, rounding of ln and exp decides nothing.
    x = np.arange(1.0, 61.5, 0.25)
    x = x[np.abs(x - np.rint(x)) > 0.1]
    known = np.mean([table.survival(x) for table in tables], axis=0)
    assert Conditional(tables).marginal().survival(x) == pytest.approx(known, abs=1e-9)


def test_too_few_or_too_many_tables_are_refused() -> None:
    for n in (0, MOST_BINS + 1):
        with pytest.raises(ValueError, match="needs 1 to 128 tables"):
            Conditional([SHORT] * n)
