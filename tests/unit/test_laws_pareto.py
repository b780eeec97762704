"""Pareto tails: the body is untouched, the tail a power law, and the two meet."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import integrate, stats

from sim.laws.lognormal import Lognormal
from sim.laws.pareto import ParetoTail

P_MIN = 0.001
BODY = Lognormal(math.log(800.0), 0.97)
LAW = ParetoTail(BODY, 5_000.0, 1.5)


def test_the_body_is_the_lognormal() -> None:
    share = LAW.tail_share
    assert share == pytest.approx(stats.lognorm(0.97, scale=800.0).sf(5_000.0))
    u = np.linspace(0.0, 1.0 - share - 1e-9, 300)
    assert LAW.quantile(u) == pytest.approx(BODY.quantile(u), rel=1e-15)
    x = np.linspace(0.0, 5_000.0, 300)
    assert LAW.survival(x) == pytest.approx(BODY.survival(x), rel=1e-15)


def test_the_tail_is_scipys_pareto() -> None:
    drawn = LAW.quantile(np.random.default_rng(37).random(400_000))
    tail = drawn[drawn > 5_000.0]
    assert stats.binomtest(len(tail), len(drawn), LAW.tail_share).pvalue > P_MIN
    assert stats.kstest(tail, stats.pareto(1.5, scale=5_000.0).cdf).pvalue > P_MIN


def test_survival_is_continuous_at_the_knee_and_inverts_beyond() -> None:
    around = LAW.survival(np.array([np.nextafter(5_000.0, 0.0), 5_000.0, 5_000.0001]))
    assert around == pytest.approx(np.full(3, LAW.tail_share), rel=1e-6)
    above = np.geomspace(2.0**-53, LAW.tail_share, 100)
    assert LAW.survival(LAW.quantile(1.0 - above)) == pytest.approx(1.0 - (1.0 - above), rel=1e-9)


def test_its_mean_is_the_integral_of_survival() -> None:
    area = integrate.quad(lambda x: LAW.survival(np.array([x]))[0], 0.0, 5_000.0)[0]
    tail = LAW.tail_share * 5_000.0 / 0.5
    u = (np.arange(2_000_000) + 0.5) / 2_000_000
    capped = LAW.survival(np.array([1e6]))[0]
    beyond = capped * 1e6 / 0.5  # what lies above a million, by the power law
    assert np.minimum(LAW.quantile(u), 1e6).mean() == pytest.approx(area + tail - beyond, rel=1e-3)


def test_a_knee_that_no_draw_reaches_leaves_the_lognormal() -> None:
    law = ParetoTail(Lognormal(0.0, 0.01), 1e9, 0.5)
    u = np.array([0.0, 0.5, 1.0 - 2.0**-53])
    assert law.tail_share == 0.0
    assert law.quantile(u) == pytest.approx(Lognormal(0.0, 0.01).quantile(u))


def test_the_wildest_tail_stays_finite() -> None:
    x = ParetoTail(BODY, 800.0, 0.1).quantile(np.array([0.0, 0.9, 1.0 - 2.0**-53]))
    assert np.isfinite(x).all()
    assert (np.diff(x) > 0.0).all()
