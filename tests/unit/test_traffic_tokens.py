"""Tokens: rounding up, caps and exact means of whole token counts."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from sim.laws.empirical import Empirical
from sim.laws.exponential import Exponential
from sim.laws.fixed import Fixed
from sim.laws.lognormal import Lognormal
from sim.laws.pareto import ParetoTail
from sim.laws.quantiles import QuantileTable
from sim.traffic.chunk import FloatArray
from sim.traffic.tokens import TokenSampler
from sim.units import MAX_TOKENS

P_MIN = 0.001


class Edges(np.random.Generator):
    """Gives the smallest and the largest number that a generator can give."""

    def random(self, n: int) -> FloatArray:  # type: ignore[override]
        return np.resize([0.0, 1.0 - 2.0**-53], n)


def test_rounding_up_makes_an_exponential_geometric() -> None:
    got = TokenSampler(Exponential(5.0)).sample(np.random.default_rng(21), 100_000)
    law = stats.geom(-math.expm1(-1.0 / 5.0))
    observed = np.bincount(np.minimum(got, 30), minlength=31)[1:]
    expected = np.append(law.pmf(np.arange(1, 30)), law.sf(29)) * len(got)
    assert stats.chisquare(observed, expected).pvalue > P_MIN


def test_mean_tokens_of_very_long_laws_is_close() -> None:
    assert TokenSampler(Exponential(1e6)).mean_tokens() == pytest.approx(1e6 + 0.5, abs=0.1)
    exact = 1e6 * math.exp(0.125) + 0.5  # the half is what rounding up adds
    assert TokenSampler(Lognormal(math.log(1e6), 0.5)).mean_tokens() == pytest.approx(
        exact, abs=0.1
    )
    capped = TokenSampler(QuantileTable((0.0, 1.0), (1e6, 3e6)), high=2_000_000)
    below = math.log(2.0) / math.log(3.0)  # level at which the cap bites
    exact = below * 1e6 / math.log(2.0) + (1.0 - below) * 2e6
    assert capped.mean_tokens() == pytest.approx(exact, rel=1e-4)


def test_mean_tokens_of_a_heavy_tail_is_cut_at_the_cap() -> None:
    # Body all but fixed at 1000; from there on P(X > x) = (1000 / x)^1/2 / 2, up to 10^8.
    law = ParetoTail(Lognormal(math.log(1000.0), 1e-9), 1000.0, 0.5)
    exact = 1000.0 + 0.5 * math.sqrt(1000.0) * 2.0 * (math.sqrt(1e8) - math.sqrt(1000.0))
    sampler = TokenSampler(law, high=100_000_000)
    assert sampler.mean_tokens() == pytest.approx(exact, rel=1e-4)


@given(
    values=st.lists(st.integers(1, 100_000), min_size=1, max_size=30),
    caps=st.tuples(st.integers(1, 100_000), st.integers(1, 100_000)),
)
def test_means_of_recorded_values_are_their_averages(
    values: list[int], caps: tuple[int, int]
) -> None:
    low, high = min(caps), max(caps)
    exact = np.clip(values, low, high).mean()
    assert TokenSampler(Empirical(values), low, high).mean_tokens() == pytest.approx(exact)


def test_whole_tokens_of_a_table_are_never_rounded_up() -> None:
    # exp(ln n) is a trifle above n for nearly half of all whole n.
    for tokens in range(1, 400):
        flat = TokenSampler(QuantileTable((0.0, 1.0), (tokens, tokens)))
        assert flat.sample(np.random.default_rng(25), 1).tolist() == [tokens]
        assert flat.mean_tokens() == tokens


def test_caps_collect_the_mass_beyond_them() -> None:
    got = TokenSampler(Exponential(100.0), 50, 200).sample(np.random.default_rng(21), 100_000)
    assert (got.min(), got.max()) == (50, 200)
    for value, mass in ((50, -math.expm1(-0.5)), (200, math.exp(-1.99))):
        assert stats.binomtest(int((got == value).sum()), len(got), mass).pvalue > P_MIN


def test_wild_lognormals_stay_inside_64_bits() -> None:
    wild = TokenSampler(Lognormal(20.0, 10.0))
    assert wild.sample(Edges(np.random.PCG64(1)), 2).tolist() == [1, MAX_TOKENS]


@pytest.mark.parametrize(("low", "high"), [(0, 5), (6, 5), (1, MAX_TOKENS + 1)])
def test_impossible_caps_are_refused(low: int, high: int) -> None:
    with pytest.raises(ValueError, match="caps must be"):
        TokenSampler(Fixed(3.0), low, high)
