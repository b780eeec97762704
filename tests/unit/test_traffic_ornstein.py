"""Ornstein-Uhlenbeck: grids in each other, an exact autocorrelation, and no trace of blocks."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest
from scipy import stats

from sim.traffic.chunk import FloatArray
from sim.traffic.ornstein import COARSEST_S, WanderingTerm, grid_origin_s, step_s

P_MIN = 0.001


def constant(variance: float) -> object:
    return lambda at_s: np.array(variance)


def term(
    seed: int, time_s: float, variance: float = 1.0, base_s: float | None = None, first: int = 0
) -> WanderingTerm:
    rng = np.random.default_rng(seed)
    base_s = step_s(time_s) if base_s is None else base_s
    return WanderingTerm(rng, time_s, lambda at_s: np.array(variance), base_s, 0.0, first)


def normal(factors: FloatArray, variance: float = 1.0) -> FloatArray:
    """Return X of the factors exp(X - s²/2), over its standard deviation."""
    return np.asarray((np.log(factors) + variance / 2) / math.sqrt(variance))


@pytest.mark.parametrize("time_s", [0.01, 0.7, 7.0, 60.0, 390.0, 1e4, 4.7e4, 1e9])
def test_steps_are_fine_enough_and_lie_in_each_other(time_s: float) -> None:
    step = step_s(time_s)
    assert step <= time_s / 8
    assert step > time_s / 16 or step == COARSEST_S
    assert math.frexp(step)[0] == 0.5  # a power of two


def test_grids_begin_anywhere_within_the_coarsest_step() -> None:
    origins = [grid_origin_s(np.random.default_rng(seed)) for seed in range(2_000)]
    assert stats.kstest(np.array(origins) / COARSEST_S, "uniform").pvalue > P_MIN
    assert all((origin * 2**20).is_integer() for origin in origins)


def test_the_autocorrelation_is_exponential() -> None:
    n, variance = 400_000, 0.3
    x = normal(term(1, 10.0, variance).factors(0, n), variance)
    keeps = math.exp(-step_s(10.0) / 10.0)
    # Innovations must be independent standard normals, and one step must keep so much.
    innovations = (x[1:] - keeps * x[:-1]) / math.sqrt(1 - keeps**2)
    assert stats.kstest(innovations, "norm").pvalue > P_MIN
    for lag in (1, 2, 7):
        correlation = np.corrcoef(innovations[lag:], innovations[:-lag])[0, 1]
        assert abs(correlation) * math.sqrt(n) < stats.norm.isf(P_MIN / 6)


def test_it_is_stationary_from_the_first_step() -> None:
    first = np.array([normal(term(seed, 10.0).factors(0, 30))[[0, 1, 29]] for seed in range(2_000)])
    for place in range(3):
        assert stats.kstest(first[:, place], "norm").pvalue > P_MIN
    keeps = math.exp(-step_s(10.0) / 10.0)
    found = np.corrcoef(first[:, 0], first[:, 1])[0, 1]
    assert abs(math.atanh(found) - math.atanh(keeps)) * math.sqrt(1_997) < stats.norm.isf(P_MIN / 2)


def test_the_mean_factor_is_one() -> None:
    factors = np.array([term(seed, 10.0, 0.5).factors(0, 1)[0] for seed in range(4_000)])
    half_width = 3.3 * factors.std(ddof=1) / math.sqrt(len(factors))
    assert abs(factors.mean() - 1.0) < half_width < 0.06


@pytest.mark.parametrize("first", [-37, 0, 5])
@pytest.mark.parametrize("base_s", [0.25, 1.0])
def test_blocks_leave_no_trace(first: int, base_s: float) -> None:
    whole = term(3, 10.0, base_s=base_s, first=first).factors(first, first + 200)
    other = term(3, 10.0, base_s=base_s, first=first)
    cuts = [0, 1, 2, 3, 50, 51, 55, 60, 199, 200]
    parts = [other.factors(first + a, first + b) for a, b in pairwise(cuts)]
    assert np.concatenate(parts).tobytes() == whole.tobytes()


def test_a_coarse_term_holds_its_value_over_its_own_step() -> None:
    fine = term(4, 10.0, base_s=0.125, first=-5).factors(-5, 32)
    coarse = term(4, 10.0, base_s=1.0, first=-1).factors(-1, 4)
    assert fine.tolist() == [coarse[(i // 8) + 1] for i in range(-5, 32)]


def test_the_variance_may_change_with_time() -> None:
    rng = np.random.default_rng(5)
    asked: list[FloatArray] = []

    def variance_at(at_s: FloatArray) -> FloatArray:
        asked.append(at_s)
        return np.where(at_s < 104.0, 0.0, 0.5)

    changing = WanderingTerm(rng, 10.0, variance_at, 1.0, 100.25, 0)
    factors = changing.factors(0, 10)
    steady = term(5, 10.0, 0.5).factors(0, 10)
    assert asked[0].tolist() == [100.75 + i for i in range(10)]  # middles of the steps
    assert factors[:4].tolist() == [1.0] * 4
    assert factors[4:].tolist() == steady[4:].tolist()
