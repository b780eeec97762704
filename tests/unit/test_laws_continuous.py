"""Laws with a density: each against scipy's, at its edges, and what is refused.

Seeds were chosen before looking; a p-value must be above 0.001.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from sim.laws.exponential import Exponential
from sim.laws.fixed import Fixed
from sim.laws.gamma import Gamma
from sim.laws.law import FloatArray, Law, log_of
from sim.laws.lognormal import Lognormal
from sim.laws.mixture import Mixture
from sim.laws.pareto import ParetoTail
from sim.laws.uniform import Uniform
from sim.laws.weibull import Weibull

P_MIN = 0.001
EDGES = np.array([0.0, 2.0**-53, 0.5, 1.0 - 2.0**-53])

LAWS: list[tuple[Law, Any]] = [
    (Uniform(60.0, 180.0), stats.uniform(60.0, 120.0)),
    (Uniform(0.0, 1.0), stats.uniform(0.0, 1.0)),
    (Exponential(250.0), stats.expon(scale=250.0)),
    (Lognormal(math.log(800.0), 0.97), stats.lognorm(0.97, scale=800.0)),
    (Lognormal(4.0, 3.0), stats.lognorm(3.0, scale=math.exp(4.0))),
    (Weibull(300.0, 0.7), stats.weibull_min(0.7, scale=300.0)),
    (Weibull(3.0, 5.0), stats.weibull_min(5.0, scale=3.0)),
    (Gamma(0.44, 680.0), stats.gamma(0.44, scale=680.0)),
    (Gamma(9.0, 30.0), stats.gamma(9.0, scale=30.0)),
]
IDS = [str(law) for law, _ in LAWS]


@pytest.mark.parametrize(("law", "known"), LAWS, ids=IDS)
def test_a_hundred_thousand_draws_have_the_distribution(law: Law, known: Any) -> None:
    drawn = law.quantile(np.random.default_rng(31).random(100_000))
    assert stats.kstest(drawn, known.cdf).pvalue > P_MIN


@pytest.mark.parametrize(("law", "known"), LAWS, ids=IDS)
def test_quantiles_and_survival_are_scipys(law: Law, known: Any) -> None:
    u = np.concatenate((np.geomspace(1e-9, 0.5, 200), 1.0 - np.geomspace(1e-9, 0.5, 200)))
    assert law.quantile(u) == pytest.approx(known.ppf(u), rel=2e-5)
    x = np.concatenate(([0.0], known.ppf(u)))
    assert law.survival(x) == pytest.approx(known.sf(x), rel=1e-9, abs=1e-15)


@pytest.mark.parametrize(("law", "known"), LAWS, ids=IDS)
def test_the_edges_of_a_generator_stay_finite(law: Law, known: Any) -> None:
    x = law.quantile(EDGES)
    assert np.isfinite(x).all()
    assert (np.diff(x) >= 0.0).all()
    assert x[0] >= 0.0
    assert law.quantile(EDGES[:0]).shape == (0,)
    assert law.survival(x).dtype == np.float64


@pytest.mark.parametrize(
    ("law", "mean", "cv"),
    [
        (Gamma.of_mean(300.0, 1.5), 300.0, 1.5),
        (Gamma.of_mean(300.0, 0.1), 300.0, 0.1),
        (Weibull.of_mean(300.0, 1.0), 300.0, 1.0),
        (Weibull.of_mean(300.0, 0.5), 300.0, math.sqrt(5.0)),  # sqrt(Γ(5)/Γ(3)² - 1)
    ],
)
def test_means_and_variations_are_as_asked(law: Law, mean: float, cv: float) -> None:
    # Midpoints of a million equal steps of u: the mean is their plain average.
    x = law.quantile((np.arange(1_000_000) + 0.5) / 1_000_000)
    assert x.mean() == pytest.approx(mean, rel=1e-3)
    assert x.std() / x.mean() == pytest.approx(cv, rel=5e-3)


def test_a_fixed_law_has_one_value() -> None:
    law = Fixed(7.0)
    assert law.quantile(EDGES).tolist() == [7.0] * 4
    assert law.survival(np.array([0.0, 6.9, 7.0, 8.0])).tolist() == [1.0, 1.0, 0.0, 0.0]
    assert Fixed(0.0).quantile(EDGES).tolist() == [0.0] * 4


ANY_LAW = st.one_of(
    st.builds(Uniform, st.floats(0.0, 1e3), st.floats(1001.0, 1e6)),
    st.builds(Exponential, st.floats(1e-3, 1e6)),
    st.builds(Lognormal, st.floats(-5.0, 15.0), st.floats(1e-3, 5.0)),
    st.builds(Weibull.of_mean, st.floats(1.0, 1e6), st.floats(0.1, 100.0)),
    st.builds(Gamma.of_mean, st.floats(1.0, 1e6), st.floats(0.01, 3.0)),
    st.builds(
        lambda mu, s, z, a: ParetoTail(Lognormal(mu, s), math.exp(mu + s * z), a),
        st.floats(0.0, 10.0),
        st.floats(0.1, 3.0),
        st.floats(0.0, 6.0),
        st.floats(0.1, 10.0),
    ),
    st.builds(
        lambda w, m, s: Mixture([1.0, w], [2.0, m], [0.5, s]),
        st.floats(1e-3, 1e3),
        st.floats(0.0, 10.0),
        st.floats(0.05, 3.0),
    ),
)


@settings(max_examples=150, deadline=None)
@given(law=ANY_LAW)
def test_survival_inverts_quantiles_whatever_the_parameters(law: Law) -> None:
    u = np.linspace(0.01, 0.99, 99)
    x = law.quantile(u)
    assert (np.diff(x) >= 0.0).all()
    seen: FloatArray = x > 1e-250  # where a quantile is not lost in rounding
    assert law.survival(x)[seen] == pytest.approx(1.0 - u[seen], rel=2e-4, abs=2e-5)
    assert law.survival(np.array([0.0]))[0] == pytest.approx(1.0, abs=1e-15)


@pytest.mark.parametrize("bad", [0.0, -1.0, math.nan, math.inf])
def test_parameters_that_make_no_law_are_refused(bad: float) -> None:
    for make in (
        lambda: Exponential(bad),
        lambda: Lognormal(1.0, bad),
        lambda: Weibull(bad, 1.0),
        lambda: Weibull(1.0, bad),
        lambda: Gamma(bad, 1.0),
        lambda: Gamma(1.0, bad),
        lambda: ParetoTail(Lognormal(1.0, 1.0), bad, 1.0),
        lambda: ParetoTail(Lognormal(1.0, 1.0), 1.0, bad),
        lambda: Mixture([1.0, bad], [1.0, 1.0], [1.0, 1.0]),
        lambda: Mixture([1.0], [1.0], [bad]),
    ):
        with pytest.raises(ValueError, match="must be positive and finite"):
            make()


@pytest.mark.parametrize(
    ("low", "high"), [(2.0, 2.0), (3.0, 2.0), (-1.0, 2.0), (0.0, math.inf), (math.nan, 1.0)]
)
def test_bounds_that_hold_nothing_are_refused(low: float, high: float) -> None:
    with pytest.raises(ValueError, match="low"):
        Uniform(low, high)


@pytest.mark.parametrize("value", [-1.0, math.inf, math.nan])
def test_fixed_values_that_are_none_are_refused(value: float) -> None:
    with pytest.raises(ValueError, match="finite and not negative"):
        Fixed(value)


def test_logarithms_of_nothing_are_just_low() -> None:
    assert log_of(np.array([0.0, 1.0])).tolist() == [math.log(1e-300), 0.0]
