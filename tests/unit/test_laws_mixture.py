"""Mixtures: against an inversion by bisection, and against draws of their components."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats
from scipy.optimize import brentq
from scipy.special import ndtr

from sim.laws.lognormal import Lognormal
from sim.laws.mixture import Mixture

P_MIN = 0.001
LEVELS = np.concatenate(
    (
        np.random.default_rng(35).random(800),
        np.geomspace(1e-12, 0.1, 40),
        1.0 - 1e-9 * 10.0 ** np.arange(8),
    )
)

# (weights, mus, sigmas); the first two were fitted to a public reasoning workload.
FITTED = [
    ((0.51, 0.16, 0.33), (6.12, 7.22, 7.57), (0.51, 0.16, 1.02)),
    ((0.35, 0.26, 0.40), (3.39, 5.60, 6.60), (0.71, 0.39, 1.74)),
]
HARD = [
    ((0.5, 0.5), (2.0, 9.0), (0.5, 0.5)),  # far apart
    ((0.5, 0.5), (5.0, 5.0), (1.0, 0.001)),  # a needle in a haystack
    ((0.9, 0.1), (5.0, 8.0), (0.2, 2.5)),
    ((3.0, 7.0), (2.0, 12.0), (0.01, 0.02)),  # two needles, weights that are no shares
    ((1e-6, 1.0), (0.0, 10.0), (3.0, 0.1)),
]


def exact(level: float, shares: np.ndarray, mus: np.ndarray, sigmas: np.ndarray) -> float:
    def miss(log_x: float) -> float:
        if level < 0.5:
            return float((shares * ndtr((log_x - mus) / sigmas)).sum()) - level
        return (1.0 - level) - float((shares * ndtr((mus - log_x) / sigmas)).sum())

    low, high = (mus - 9.0 * sigmas).min() - 1.0, (mus + 9.0 * sigmas).max() + 1.0
    return float(np.exp(brentq(miss, low, high, xtol=1e-13, rtol=1e-14)))


@pytest.mark.parametrize(("weights", "mus", "sigmas"), FITTED + HARD)
def test_quantiles_are_those_of_an_inversion(
    weights: tuple[float, ...], mus: tuple[float, ...], sigmas: tuple[float, ...]
) -> None:
    shares = np.array(weights) / sum(weights)
    known = [exact(level, shares, np.array(mus), np.array(sigmas)) for level in LEVELS]
    assert Mixture(weights, mus, sigmas).quantile(LEVELS) == pytest.approx(known, rel=1e-4)


@pytest.mark.parametrize(("weights", "mus", "sigmas"), FITTED + HARD[:3])
def test_draws_are_those_of_the_components(
    weights: tuple[float, ...], mus: tuple[float, ...], sigmas: tuple[float, ...]
) -> None:
    rng = np.random.default_rng(36)
    law = Mixture(weights, mus, sigmas)
    drawn = law.quantile(rng.random(100_000))
    part = rng.choice(len(weights), 100_000, p=np.array(weights) / sum(weights))
    other = np.exp(rng.normal(np.array(mus)[part], np.array(sigmas)[part]))
    assert stats.ks_2samp(drawn, other).pvalue > P_MIN
    assert stats.kstest(drawn, lambda x: 1.0 - law.survival(x)).pvalue > P_MIN


def test_a_mixture_of_one_or_of_equals_is_the_lognormal() -> None:
    u = np.linspace(0.001, 0.999, 500)
    known = Lognormal(5.0, 1.2).quantile(u)
    assert Mixture([3.0], [5.0], [1.2]).quantile(u) == pytest.approx(known, rel=1e-12)
    assert Mixture([1.0, 2.0], [5.0, 5.0], [1.2, 1.2]).quantile(u) == pytest.approx(
        known, rel=1e-12
    )


def test_survival_is_exact_in_the_far_tail() -> None:
    law = Mixture((0.5, 0.5), (0.0, 1.0), (1.0, 1.0))
    x = np.exp(np.array([9.0]))
    known = 0.5 * (stats.norm.sf(9.0) + stats.norm.sf(8.0))
    assert law.survival(x)[0] == pytest.approx(known, rel=1e-12)


def test_the_edges_of_a_generator_stay_finite() -> None:
    x = Mixture(*FITTED[1]).quantile(np.array([0.0, 2.0**-53, 1.0 - 2.0**-53]))
    assert (np.diff(x) >= 0.0).all()
    assert np.isfinite(x).all()


def test_lists_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ValueError, match="2 weights, 1 mus and 2 sigmas do not fit"):
        Mixture([1.0, 1.0], [1.0], [1.0, 1.0])
    with pytest.raises(ValueError, match="0 weights"):
        Mixture([], [], [])
