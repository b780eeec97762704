"""Counts, gaps and ticks: against direct computations and processes whose figures are known."""

from __future__ import annotations

import numpy as np
import pytest

from sim.workload.counts import (
    count,
    dispersion,
    is_on_off,
    is_wild,
    peak_to_mean,
    rate_variance,
    whole_ticks,
)
from sim.workload.gaps import (
    distance,
    gamma_shape,
    gap_cv,
    rate_windows_s,
    rescaled_gaps,
)
from sim.workload.ticks import spread, tick_of

RNG = np.random.default_rng(20_260_101)
POISSON_S = np.cumsum(RNG.exponential(0.2, 20_000))
SPAN_S = float(POISSON_S[-1])


def switching(on_s: float, off_s: float, per_s: float, span_s: float) -> np.ndarray:
    """One client that is on and off by turns of fixed length."""
    starts = np.arange(0.0, span_s, on_s + off_s)
    n = int(on_s * per_s)
    return np.sort((starts[:, None] + RNG.random((len(starts), n)) * on_s).ravel())


@pytest.mark.parametrize("window_s", [0.1, 1.0, 7.0, 60.0])
def test_counts_are_those_of_a_histogram(window_s: float) -> None:
    windows = int(SPAN_S / window_s)
    counts = np.histogram(POISSON_S, bins=windows, range=(0, windows * window_s))[0]
    found = count(POISSON_S, window_s, SPAN_S)
    assert (found.windows, found.total, found.largest) == (windows, counts.sum(), counts.max())
    assert found.dispersion == pytest.approx(counts.var(ddof=1) / counts.mean(), rel=1e-9)
    assert found.peak_to_mean == pytest.approx(counts.max() / counts.mean())


def test_a_poisson_process_has_dispersion_one_and_equal_pairs_two() -> None:
    for window_s in (0.1, 1.0, 10.0):
        idc = dispersion(POISSON_S, window_s, SPAN_S)
        assert idc == pytest.approx(1.0, abs=4 * (2 * window_s / SPAN_S) ** 0.5)
        pairs = dispersion(np.repeat(POISSON_S, 2), window_s, SPAN_S)
        assert pairs == pytest.approx(2.0 * (idc or 0.0), rel=1e-9)


def test_regular_requests_have_dispersion_zero() -> None:
    assert dispersion(np.arange(1000) + 0.5, 10.0, 1000.0) == 0.0


def test_too_few_windows_and_no_requests_have_no_figure() -> None:
    assert dispersion(POISSON_S, SPAN_S / 19.5, SPAN_S) is None
    assert peak_to_mean(POISSON_S, SPAN_S / 4.5, SPAN_S) is None
    assert dispersion(np.empty(0), 1.0, 100.0) is None
    assert rate_variance(None, 5.0, 1.0) is None
    assert rate_variance(3.0, 5.0, 4.0) == pytest.approx(0.1)


def test_windows_are_made_of_whole_ticks() -> None:
    assert whole_ticks((0.1, 1.0), None) == (0.1, 1.0)
    assert whole_ticks((0.1, 1.0, 10.0, 60.0, 120.0), 3.0) == (3.0, 12.0, 60.0, 120.0)
    assert whole_ticks((1.0, 10.0), 1.0) == (1.0, 10.0)


def test_on_and_off_is_told_from_even_and_from_daily() -> None:
    bursts = switching(10.0, 60.0, 20.0, 3500.0)
    assert is_on_off(bursts, 3500.0)
    assert is_wild(bursts, 3500.0)
    assert not is_on_off(POISSON_S, SPAN_S)
    hours = np.repeat([0.2, 2.0] * 6, [100, 1000] * 6)
    daily = np.sort(np.repeat(np.arange(12) * 7200.0, [100, 1000] * 6) + RNG.random(6600) * 7200.0)
    assert len(hours) == len(daily)
    assert is_wild(daily, 86_400.0)
    assert not is_on_off(daily, 86_400.0)
    assert not is_on_off(bursts[:10], 100.0)


def test_gap_cv_and_distance() -> None:
    assert gap_cv(POISSON_S) == pytest.approx(1.0, abs=0.03)
    assert gap_cv(np.arange(100.0)) == 0.0
    assert gap_cv(np.array([1.0, 1.0, 1.0])) is None
    assert gap_cv(np.array([1.0, 2.0])) is None
    assert distance(np.array([1.0, 2.0]), np.array([1.0, 2.0])) == 0.0
    assert distance(np.array([1.0, 2.0, 3.0, 4.0]), np.array([2.5, 9.0])) == 0.5
    assert distance(np.array([1.0]), np.array([2.0])) == 1.0


@pytest.mark.parametrize("shape", [0.05, 0.5, 0.95, 3.0, 50.0])
def test_the_shape_of_gamma_gaps_is_found(shape: float) -> None:
    gaps = RNG.gamma(shape, 1.0 / shape, 20_000)
    assert gamma_shape(gaps) == pytest.approx(shape, rel=0.06)


def test_rescaling_takes_a_slow_rate_out_of_the_gaps() -> None:
    """Poisson at two rates in turn: raw gaps look bursty, rescaled ones do not."""
    rates = np.tile([2.0, 20.0], 30)
    at_s = np.concatenate(
        [60.0 * i + np.sort(RNG.random(int(60 * rate))) * 60.0 for i, rate in enumerate(rates)]
    )
    span_s = 3600.0
    assert rate_windows_s(at_s, span_s) == 60.0
    rescaled = rescaled_gaps(at_s, span_s, 60.0)
    assert rescaled.mean() == pytest.approx(1.0)
    assert gamma_shape(np.diff(at_s) / np.diff(at_s).mean()) < 0.8
    assert gamma_shape(rescaled) == pytest.approx(1.0, abs=0.04)
    assert rate_windows_s(at_s[::100], span_s) == pytest.approx(100 * 3600 / len(at_s[::100]))


def test_few_gaps_are_taken_as_poisson() -> None:
    assert gamma_shape(np.full(10, 1.0)) == 1.0


@pytest.mark.parametrize("tick_s", [0.5, 1.0, 3.0, 60.0])
def test_a_coarse_tick_is_found_and_spread_within_itself(tick_s: float) -> None:
    coarse = np.floor(POISSON_S[:5000] / tick_s) * tick_s
    assert tick_of(coarse) == pytest.approx(tick_s)
    fine = spread(coarse, tick_s)
    assert (np.diff(fine) >= 0).all()
    assert np.floor(fine / tick_s + 1e-9) * tick_s == pytest.approx(coarse)
    if tick_s < 60.0:  # of the last of few long ticks only a part was seen
        assert gap_cv(fine) == pytest.approx(1.0, abs=0.06)
    assert (spread(coarse, tick_s) == fine).all()


def test_a_tick_that_wavers_by_milliseconds_is_still_one() -> None:
    coarse = np.floor(POISSON_S[:5000] / 3.0) * 3.0
    wavering = np.sort(coarse + RNG.integers(-3, 4, len(np.unique(coarse)))[
        np.unique(coarse, return_inverse=True)[1]] / 1000.0)  # fmt: skip
    assert tick_of(wavering) == pytest.approx(3.0, abs=0.002)


def test_fine_clocks_and_batches_have_no_tick() -> None:
    assert tick_of(POISSON_S) is None
    assert tick_of(np.round(POISSON_S, 3)) is None  # a millisecond is nothing at 5 a second
    assert tick_of(np.repeat(POISSON_S[:1000], 3)) is None
    assert tick_of(np.arange(1000.0)) is None  # regular, but nobody shares a second
    assert tick_of(np.zeros(100)) is None
    assert tick_of(np.round(POISSON_S / 200, 3)) == pytest.approx(0.001)  # at 1000 a second it is
