"""On and off: stationary from the start, exact in its switches, and no trace of blocks."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from sim.traffic.on_off import OnOffPath, switches_per_s

P_MIN = 0.001


def path(seed: int, clients: int = 6, on_s: float = 20.0, off_s: float = 60.0) -> OnOffPath:
    return OnOffPath(np.random.default_rng(seed), clients, on_s, off_s, -10.0)


def test_each_client_is_on_for_its_share_at_the_start() -> None:
    found = [round(path(seed).until(-10.0)[1][0] * 1.5) for seed in range(4_000)]
    share = stats.binom.pmf(np.arange(7), 6, 0.25)
    merged = np.append(share[:4], share[4:].sum())
    counts = np.bincount(np.minimum(found, 4), minlength=5)
    assert stats.chisquare(counts, merged * 4_000).pvalue > P_MIN


def test_switches_are_in_order_one_client_each_and_as_frequent_as_told() -> None:
    times, factors = path(1).until(40_000.0)
    assert len(factors) == len(times) + 1
    assert times[0] > -10.0
    assert np.diff(times).min() > 0.0
    active = np.rint(factors * 1.5).astype(int)
    assert set(np.abs(np.diff(active))) == {1}
    assert active.min() >= 0
    assert active.max() <= 6
    expected = switches_per_s(6, 20.0, 60.0) * 40_010.0
    assert len(times) == pytest.approx(expected, rel=0.05)


def test_waits_and_directions_are_those_of_a_birth_and_death_process() -> None:
    times, factors = path(2).until(100_000.0)
    active = np.rint(factors * 1.5).astype(int)
    waits, ups = np.diff(times), np.diff(active)[1:] > 0
    states = active[1:-1]
    rates = states / 20.0 + (6 - states) / 60.0
    assert stats.kstest(waits * rates, "expon").pvalue > P_MIN
    for state in range(1, 5):
        here = states == state
        up = (6 - state) / 60.0 / (state / 20.0 + (6 - state) / 60.0)
        assert stats.binomtest(int(ups[here].sum()), int(here.sum()), up).pvalue > P_MIN / 4


def test_time_is_shared_out_as_binomial() -> None:
    """Shares over a long time; their deviation is that of some 400,000 / 30 s independent looks."""
    times, factors = path(3).until(400_000.0)
    lengths = np.diff(np.concatenate(([-10.0], times, [400_000.0])))
    active = np.rint(factors * 1.5).astype(int)
    share = np.bincount(active, weights=lengths, minlength=7) / lengths.sum()
    expected = stats.binom.pmf(np.arange(7), 6, 0.25)
    assert share == pytest.approx(expected, abs=4 * math.sqrt(0.25 / (400_000 / 30)))


def test_blocks_leave_no_trace() -> None:
    times, factors = path(4).until(2_000.0)
    other = path(4)
    parts = [other.until(end_s) for end_s in (-10.0, 0.0, 0.5, 900.0, 2_000.0)]
    assert np.concatenate([part[0] for part in parts]).tobytes() == times.tobytes()
    after = np.concatenate([parts[0][1][:1], *(part[1][1:] for part in parts)])
    assert after.tobytes() == factors.tobytes()


def test_one_client_is_all_or_nothing() -> None:
    _, factors = path(5, clients=1).until(5_000.0)
    assert set(factors) == {0.0, 4.0}
