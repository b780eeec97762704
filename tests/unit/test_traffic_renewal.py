"""Renewal against theory: KS of rescaled gaps, stationarity, rates; and under random rates.

Seeds were chosen before looking; a p-value must be above 0.001.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from scipy import stats

from sim.scenario.arrivals import VaryingArrivals
from sim.traffic.chunk import CHUNK_REQUESTS, FloatArray
from sim.traffic.draws import exponentials
from sim.traffic.rate_path import RandomRate
from sim.traffic.rates import WEEK_S, ConstantRate, WeeklyRate
from sim.traffic.renewal import CoxRenewal, Renewal, unit_points

WEEKDAY = [0.3] * 7 + [1.5] * 12 + [0.8] * 5
WEEKEND = [0.2] * 12 + [0.9] * 12
P_MIN = 0.001


def first(process: Renewal | CoxRenewal, n: int, seed: int = 7, start_s: float = 0.0) -> FloatArray:
    """Return the first *n* instants of *process*."""
    return until(process.chunks(np.random.default_rng(seed), start_s), n)


def until(chunks: Iterator[FloatArray], n: int) -> FloatArray:
    got: list[FloatArray] = []
    for chunk in chunks:
        got.append(chunk)
        if sum(map(len, got)) >= n:
            break
    return np.concatenate(got)[:n]


def before(
    process: Renewal | CoxRenewal, end_s: float, seed: int, start_s: float = 0.0
) -> FloatArray:
    """Return the instants of *process* before *end_s*."""
    chunks = process.chunks(np.random.default_rng(seed), start_s)
    got = list(itertools.takewhile(lambda chunk: chunk[0] < end_s, chunks))
    at_s = np.concatenate(got) if got else np.array([])
    return at_s[at_s < end_s]


def expected(rate: WeeklyRate, at_s: FloatArray) -> FloatArray:
    return np.array([rate.expected(one) for one in at_s])


def test_poisson_gaps_are_exponential() -> None:
    gaps = np.diff(first(Renewal(ConstantRate(4.0)), 50_000))
    assert stats.kstest(gaps * 4.0, "expon").pvalue > P_MIN


def test_poisson_counts_have_variance_equal_to_the_mean() -> None:
    at_s = before(Renewal(ConstantRate(5.0)), 40_000.0, seed=8)
    counts = np.histogram(at_s, bins=np.arange(0.0, 40_001.0, 4.0))[0]
    dispersion = counts.var(ddof=1) / counts.mean() * (len(counts) - 1)
    assert P_MIN < stats.chi2.sf(dispersion, len(counts) - 1) < 1 - P_MIN


def test_varying_rate_by_time_rescaling() -> None:
    rate = WeeklyRate(0.05, WEEKDAY, WEEKEND, "thursday")
    at_s = first(Renewal(rate), 40_000, seed=9, start_s=-86_400.0)
    gaps = np.diff(expected(rate, at_s))
    assert stats.kstest(gaps, "expon").pvalue > P_MIN
    # Given their number, the points of an interval are uniform in rescaled time.
    share = (expected(rate, at_s) - rate.expected(-86_400.0)) / (
        expected(rate, at_s[-1:])[0] - rate.expected(-86_400.0)
    )
    assert stats.kstest(share[:-1], "uniform").pvalue > P_MIN


def test_time_rescaling_rejects_the_wrong_curve() -> None:
    rate = WeeklyRate(0.05, WEEKDAY, WEEKEND, "thursday")
    at_s = first(Renewal(rate), 40_000, seed=9, start_s=-86_400.0)
    assert stats.kstest(np.diff(at_s) * 0.05, "expon").pvalue < 1e-6
    shifted = expected(WeeklyRate(0.05, WEEKDAY, WEEKEND, "friday"), at_s)
    share = (shifted - shifted[0]) / (shifted[-1] - shifted[0])
    assert stats.kstest(share[1:-1], "uniform").pvalue < 1e-6


@pytest.mark.parametrize("shape", [0.25, 0.95, 4.0])
def test_gamma_gaps_under_a_constant_rate(shape: float) -> None:
    gaps = np.diff(first(Renewal(ConstantRate(2.0), shape), 50_000, seed=10)) * 2.0
    assert stats.kstest(gaps, stats.gamma(shape, scale=1 / shape).cdf).pvalue > P_MIN
    assert stats.kstest(gaps, "expon").pvalue < (1e-6 if shape != 0.95 else 0.05)


@pytest.mark.parametrize("shape", [0.25, 0.95, 4.0])
def test_gamma_gaps_under_a_varying_rate(shape: float) -> None:
    rate = WeeklyRate(0.3, WEEKDAY, WEEKEND, "saturday")
    gaps = np.diff(expected(rate, first(Renewal(rate, shape), 30_000, seed=12)))
    assert stats.kstest(gaps, stats.gamma(shape, scale=1 / shape).cdf).pvalue > P_MIN


@pytest.mark.parametrize("shape", [0.25, 1.0, 4.0])
def test_the_process_is_stationary_from_its_first_instant(shape: float) -> None:
    # In [0, 1/8) the expected count is rate/8 at once; starting with a full gap would give
    # shape 4 only a tenth of it, and shape 0.25 half as much again.
    process = Renewal(ConstantRate(1.0), shape)
    runs = 20_000
    rng = np.random.default_rng(13)
    counts = np.array(
        [np.searchsorted(next(process.chunks(rng, 0.0, 16)), 0.125) for _ in range(runs)]
    )
    half_width = 3.3 * counts.std(ddof=1) / np.sqrt(runs)
    assert abs(counts.mean() - 0.125) < half_width
    assert half_width < 0.015


def test_hours_get_their_share_of_a_bursty_process() -> None:
    rate = WeeklyRate(1.0, WEEKDAY, WEEKEND)
    at_s = before(Renewal(rate, 0.95), WEEK_S, seed=14)
    assert len(at_s) == pytest.approx(WEEK_S, abs=4 * np.sqrt(WEEK_S / 0.95))
    counts = np.histogram(at_s, bins=np.arange(169) * 3600.0)[0]
    # Asymptotically N(m, m / shape) per hour.
    z = (counts - rate.per_s * 3600.0) / np.sqrt(rate.per_s * 3600.0 / 0.95)
    assert P_MIN < stats.chi2.sf((z**2).sum(), 168) < 1 - P_MIN


def test_two_routes_together_are_one_of_twice_the_rate() -> None:
    one = before(Renewal(ConstantRate(3.0)), 8_000.0, seed=15)
    other = before(Renewal(ConstantRate(3.0)), 8_000.0, seed=16)
    gaps = np.diff(np.sort(np.concatenate((one, other))))
    assert stats.kstest(gaps * 6.0, "expon").pvalue > P_MIN


def test_chunks_are_bounded_and_times_never_fall() -> None:
    working = [0.0] * 9 + [1.0] * 9 + [0.0] * 6
    process = Renewal(WeeklyRate(1000.0, working, [0.0] * 24, "wednesday"), 0.5)
    sizes, latest_s = [], -7200.0
    for chunk in itertools.islice(process.chunks(np.random.default_rng(18), -7200.0), 12):
        sizes.append(len(chunk))
        assert chunk[0] >= latest_s
        assert np.diff(chunk).min() >= 0.0
        latest_s = chunk[-1]
    assert max(sizes) == CHUNK_REQUESTS


class Shaky:
    """A rate whose inverse errs by rounding, more than any real one does."""

    def expected(self, at_s: float) -> float:
        return 1000.0 * at_s

    def instants(self, expected: FloatArray) -> FloatArray:
        return np.asarray(expected / 1000.0 - 0.02 * (np.arange(1, len(expected) + 1) % 3))


@pytest.mark.parametrize("limit", [3, 10, 1000])
def test_times_do_not_fall_where_the_inverse_is_rounded(limit: int) -> None:
    wobble = Shaky().instants(np.arange(1.0, 100.0))
    assert np.diff(wobble).min() < 0.0
    chunks = Renewal(Shaky(), 50.0).chunks(np.random.default_rng(20), 5.0, limit)
    at_s = until(chunks, 3000)
    assert at_s[0] >= 5.0
    assert np.diff(at_s).min() >= 0.0


@pytest.mark.parametrize("shape", [0.0, -1.0, float("nan"), float("inf")])
def test_impossible_shapes_are_refused(shape: float) -> None:
    with pytest.raises(ValueError, match="shape"):
        Renewal(ConstantRate(1.0), shape)


def cox(shape: float = 1.0, **fields: Any) -> CoxRenewal:
    """Return the process of these fields of arrivals."""
    of = VaryingArrivals.model_validate(fields)
    return CoxRenewal(RandomRate(of.settings(), of.mean_rps, "monday"), shape)


TERMS = [{"variance": 0.4, "time": 3}, {"variance": 0.2, "time": 600}]


def path_points(process: CoxRenewal, at_s: FloatArray, seed: int, start_s: float) -> FloatArray:
    """Return the integral of the process's rate from *start_s* to each of *at_s*."""
    got = []
    for edges_s, reached in process.rate.blocks(np.random.default_rng(seed), start_s):
        inside = (at_s >= edges_s[0]) & (at_s < edges_s[-1])
        got.append(np.interp(at_s[inside], edges_s, reached))
        if edges_s[-1] > at_s[-1]:
            break
    return np.concatenate(got)


@pytest.mark.parametrize("shape", [1.0, 0.95])
@pytest.mark.parametrize("terms", [TERMS[:1], TERMS])
def test_random_rates_leave_the_points_as_they_were(
    shape: float, terms: list[dict[str, float]]
) -> None:
    process = cox(shape, mean_rps=5.0, bursts=terms)
    plain = next(unit_points(np.random.default_rng(21), shape, 0.0, 1_000))
    at_s = first(process, 1_000, seed=21, start_s=-77.7)
    assert path_points(process, at_s, 21, -77.7) == pytest.approx(plain, rel=1e-9)


def test_a_second_term_leaves_the_first_as_it_was() -> None:
    """The rate with two terms over that with one is the second's alone: steps of its own grid."""
    one, two = (cox(mean_rps=1.0, bursts=TERMS[:n]) for n in (1, 2))
    rates = []
    for process in (one, two):
        edges_s, reached = next(process.rate.blocks(np.random.default_rng(22), 0.0))
        middles_s = np.arange(0.125, 100.0, 0.25)
        rates.append(np.interp(middles_s + 1e-3, edges_s, reached))
        rates[-1] -= np.interp(middles_s - 1e-3, edges_s, reached)
    ratio = rates[1] / rates[0]
    assert np.unique(ratio.round(6)).size <= 3  # its step is 64 s


def test_an_hour_of_silence_is_crossed() -> None:
    hours = {"at": "1h", "for": "2d", "times": 0}
    at_s = first(cox(mean_rps=2.0, bursts=TERMS[:1], events=[hours]), 9_000, seed=23)
    quiet = (at_s > 3600.0) & (at_s < 3600.0 + 172_800.0)
    assert 6_000 < len(at_s[at_s <= 3600.0]) < 8_500
    assert not quiet.any()
    assert at_s[-1] > 176_400.0


def test_a_rate_that_shrinks_to_nothing_ends() -> None:
    process = cox(mean_rps=1.0, growth_percent_per_week=-99)
    at_s = np.concatenate(list(process.chunks(np.random.default_rng(24), 0.0)))
    total = WEEK_S / np.log(100.0)
    assert len(at_s) == pytest.approx(total, abs=4 * np.sqrt(total))
    assert at_s[-1] < 6 * WEEK_S


@pytest.mark.parametrize("shape", [0.0, float("nan")])
def test_impossible_shapes_are_refused_with_random_rates(shape: float) -> None:
    with pytest.raises(ValueError, match="shape"):
        cox(shape, mean_rps=1.0)


def test_unit_points_begin_where_they_are_told() -> None:
    points = next(unit_points(np.random.default_rng(25), 1.0, 100.0, 50))
    gaps = exponentials(np.random.default_rng(25), 50)
    assert points == pytest.approx(100.0 + np.cumsum(gaps))
