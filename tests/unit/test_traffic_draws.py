"""Draws: laws of the numbers, and branches that disturb neither their origin nor each other."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from sim.traffic.draws import branch, exponentials, geometrics, normals

P_MIN = 0.001


class Zero(np.random.Generator):
    """Draws the smallest number there is."""

    def random(self, n: int) -> np.ndarray:  # type: ignore[type-arg, override]
        return np.zeros(n)


def test_a_branch_leaves_its_origin_where_it_is() -> None:
    rng, untouched = np.random.default_rng(1), np.random.default_rng(1)
    branch(rng, "bursts").random(10)
    assert rng.random() == untouched.random()


def test_branches_differ_by_purpose_place_and_origin() -> None:
    rng = np.random.default_rng(2)
    draws = {branch(rng, "bursts").random(), branch(rng, "batches").random()}
    rng.random()
    draws |= {branch(rng, "bursts").random(), branch(np.random.default_rng(3), "bursts").random()}
    assert len(draws) == 4
    assert branch(np.random.default_rng(2), "bursts").random() in draws


def test_a_branch_is_the_same_everywhere() -> None:
    """A snapshot: another number means other traffic for every seed."""
    assert branch(np.random.default_rng(7), "batches").random() == 0.5805187314673029


def test_a_branch_knows_nothing_of_its_origin() -> None:
    pairs = []
    for seed in range(400):
        rng = np.random.default_rng(seed)
        pairs.append((branch(rng, "bursts").random(), rng.random()))
    one, other = np.array(pairs).T
    assert stats.kstest(one, "uniform").pvalue > P_MIN
    assert stats.spearmanr(one, other).pvalue > P_MIN


def test_exponentials_and_normals_have_their_laws() -> None:
    rng = np.random.default_rng(4)
    assert stats.kstest(exponentials(rng, 50_000), "expon").pvalue > P_MIN
    assert stats.kstest(normals(rng, 50_000), "norm").pvalue > P_MIN


def test_a_draw_of_zero_is_no_infinity() -> None:
    zero = Zero(np.random.PCG64(1))
    assert exponentials(zero, 1).tolist() == [0.0]
    assert normals(zero, 1)[0] == pytest.approx(stats.norm.ppf(2.0**-54))
    assert geometrics(zero, 1, 3.0).tolist() == [1]


@pytest.mark.parametrize("mean", [1.2, 4.0, 50.0])
def test_geometrics_have_their_law(mean: float) -> None:
    sizes = geometrics(np.random.default_rng(5), 100_000, mean)
    assert sizes.dtype == np.int64
    most = int(stats.geom.isf(1e-3, 1.0 / mean))
    found = np.bincount(np.minimum(sizes, most), minlength=most + 1)[1:]
    share = stats.geom.pmf(np.arange(1, most + 1), 1.0 / mean)
    share[-1] += stats.geom.sf(most, 1.0 / mean)
    assert stats.chisquare(found, share * len(sizes)).pvalue > P_MIN


def test_batches_of_one_need_no_luck() -> None:
    assert geometrics(np.random.default_rng(6), 3, 1.0).tolist() == [1, 1, 1]
