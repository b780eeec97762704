"""Arrivals against theory: KS of rescaled gaps, stationarity, rates, and the cut into chunks.

Seeds were chosen before looking; a p-value must be above 0.001.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import numpy as np
import pytest
from scipy import stats

from sim.scenario.arrivals import PoissonArrivals, VaryingArrivals
from sim.traffic.arrivals import Arrivals, Counted, Renewal, arrivals, gamma_gaps
from sim.traffic.chunk import CHUNK_REQUESTS, FloatArray
from sim.traffic.rates import WEEK_S, ConstantRate, WeeklyRate

WEEKDAY = [0.3] * 7 + [1.5] * 12 + [0.8] * 5
WEEKEND = [0.2] * 12 + [0.9] * 12
P_MIN = 0.001


def first(process: Arrivals, n: int, seed: int = 7, start_s: float = 0.0) -> FloatArray:
    """Return the first *n* instants of *process*."""
    return until(process.chunks(np.random.default_rng(seed), start_s), n)


def until(chunks: Iterator[FloatArray], n: int) -> FloatArray:
    got: list[FloatArray] = []
    for chunk in chunks:
        got.append(chunk)
        if sum(map(len, got)) >= n:
            break
    return np.concatenate(got)[:n]


def before(process: Arrivals, end_s: float, seed: int, start_s: float = 0.0) -> FloatArray:
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


@pytest.mark.parametrize("shape", [0.01, 0.25, 0.95, 2.0, 40.0, 1000.0])
def test_the_gamma_table_is_exact_to_its_stated_error(shape: float) -> None:
    class Grid(np.random.Generator):
        def random(self, n: int) -> FloatArray:  # type: ignore[override]
            low = np.geomspace(1e-9, 0.5, n // 2)
            return np.concatenate((low, 1.0 - low[::-1]))

    u = Grid(np.random.PCG64(1)).random(4000)
    found = gamma_gaps(Grid(np.random.PCG64(1)), 4000, shape)
    exact = np.where(u < 0.5, stats.gamma.ppf(u, shape), stats.gamma.isf(1 - u, shape))
    normal = exact > 1e-290  # below it floats run out
    assert found[normal] == pytest.approx(exact[normal], rel=2e-4 if shape < 0.1 else 2e-5, abs=0.0)


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


@pytest.mark.parametrize(
    "process",
    [
        Renewal(ConstantRate(45.0)),
        Renewal(WeeklyRate(45.0, WEEKDAY, WEEKEND)),
        Renewal(WeeklyRate(45.0, WEEKDAY, WEEKEND), 0.95),
        Counted(45.0, 20_000),
    ],
)
def test_the_cut_into_chunks_leaves_no_trace(process: Arrivals) -> None:
    whole = until(process.chunks(np.random.default_rng(17), -3600.0), 20_000)
    for limit in (1, 7, 1000):
        part = until(process.chunks(np.random.default_rng(17), -3600.0, limit), 3_000)
        assert part.tobytes() == whole[:3_000].tobytes()


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


def test_count_sends_exactly_that_many_and_ends_on_time() -> None:
    at_s = np.concatenate(list(Counted(4.0, 500).chunks(np.random.default_rng(19))))
    assert len(at_s) == 500
    assert at_s[-1] == 125.0
    assert at_s[0] > 0.0
    # Rescaled by its own sum, a Poisson process has uniform points before the last.
    assert stats.kstest(at_s[:-1] / 125.0, "uniform").pvalue > P_MIN
    assert next(Counted(4.0, 1).chunks(np.random.default_rng(1))).tolist() == [0.25]


def test_count_does_not_depend_on_the_start() -> None:
    one = list(Counted(4.0, 50).chunks(np.random.default_rng(3), 0.0))
    other = list(Counted(4.0, 50).chunks(np.random.default_rng(3), -3600.0))
    assert one[0].tobytes() == other[0].tobytes()


def test_specs_build_their_processes() -> None:
    assert arrivals(PoissonArrivals(rps=4.0)) == Renewal(ConstantRate(4.0))
    assert arrivals(PoissonArrivals(rps=4.0, count=9)) == Counted(4.0, 9)
    assert arrivals(VaryingArrivals(mean_rps=2.0, gap_shape=0.5)) == Renewal(ConstantRate(2.0), 0.5)
    built = arrivals(VaryingArrivals(mean_rps=2.0, day_curve="azure-code-2024"), "saturday")
    assert isinstance(built, Renewal)
    assert isinstance(built.rate, WeeklyRate)
    assert built.rate.expected(WEEK_S) == pytest.approx(2.0 * WEEK_S, rel=1e-12)
    # Nights in code assistants are quiet, and Monday (day 3) outdoes Sunday (day 2).
    assert built.rate.at(2 * 86_400 + 19 * 3600) > 3 * built.rate.at(86_400 + 19 * 3600)


@pytest.mark.parametrize("shape", [0.0, -1.0, float("nan"), float("inf")])
def test_impossible_shapes_are_refused(shape: float) -> None:
    with pytest.raises(ValueError, match="shape"):
        Renewal(ConstantRate(1.0), shape)


@pytest.mark.parametrize(("rps", "count"), [(0.0, 5), (4.0, 0), (float("nan"), 5)])
def test_impossible_counts_are_refused(rps: float, count: int) -> None:
    with pytest.raises(ValueError, match="count"):
        Counted(rps, count)
