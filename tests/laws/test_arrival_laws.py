"""Arrival processes against the laws of their second moments: gaps and dispersion of counts."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from scipy import stats

from sim.scenario.arrivals import PoissonArrivals, VaryingArrivals
from sim.traffic.chunk import FloatArray
from sim.traffic.rate_path import RandomRate
from sim.traffic.rates import HOUR_S
from tests.laws.arrival_sample import (
    ALPHA,
    Measured,
    Relative,
    agrees,
    bursts,
    dispersion,
    idc,
    instants,
    log_ou,
    spec,
)

AZURE_2023 = ((0.031, 0.7), (0.056, 390.0))


# Poisson or not


def lewis_pvalue(points: FloatArray, span: float) -> float:
    """P-value of Lewis's test of a Poisson process: Durbin's transform, then Kolmogorov's test.

    Durbin (1961), Lewis (1965); Kim & Whitt (2014) found it the most powerful of its kind. Gaps,
    the ends' included, are sorted; their normalised spacings, summed up, are uniform points again.
    """
    gaps = np.sort(np.diff(np.concatenate(([0.0], points, [span]))))
    spacings = np.diff(np.concatenate(([0.0], gaps))) * np.arange(len(gaps), 0, -1)
    return float(stats.kstest(np.cumsum(spacings[:-1]) / span, "uniform").pvalue)


def uniform_pvalue(points: FloatArray, span: float) -> float:
    """P-value of the conditional-uniform test: points of a Poisson process are uniform."""
    return float(stats.kstest(points / span, "uniform").pvalue)


def test_constant_rates_pass_for_poisson() -> None:
    at_s = instants(PoissonArrivals(rps=20.0), 5_000.0, (101,))
    assert lewis_pvalue(at_s, 5_000.0) > ALPHA / 2
    assert uniform_pvalue(at_s, 5_000.0) > ALPHA / 2


@pytest.mark.parametrize(
    "other",
    [{"gap_shape": 0.9}, {"gap_shape": 1.1}, {"batches": {"mean_size": 1.1, "gap": "5ms"}}],
)
def test_lewis_refuses_what_is_a_little_off(other: dict[str, Any]) -> None:
    at_s = instants(spec(mean_rps=20.0, **other), 5_000.0, (102,))
    assert lewis_pvalue(at_s, 5_000.0) < 1e-6


@pytest.mark.parametrize(
    "other",
    [
        {"bursts": bursts((0.02, 300.0))},
        {"on_off": {"clients": 20, "on": "10m", "off": "10m"}},
        {"events": [{"at": "10m", "for": "10m", "times": 1.2}]},
    ],
)
def test_uniformity_refuses_rates_that_vary(other: dict[str, Any]) -> None:
    at_s = instants(spec(mean_rps=20.0, **other), 5_000.0, (103,))
    assert uniform_pvalue(at_s, 5_000.0) < 1e-6


# Time rescaling

EVERYTHING: dict[str, Any] = {
    "mean_rps": 4.0,
    "day_curve": "azure-conv-2024",
    "utc_offset_hours": 5.5,
    "bursts": bursts((0.3, 2.0), (0.2, 600.0)),
    "on_off": {"clients": 5, "on": "10m", "off": "30m"},
    "growth_percent_per_week": 30,
    "events": [{"at": "2h", "for": "1h", "times": 3}, {"at": "2h30m", "for": "10m", "times": 0}],
}


def rescaled(
    of: VaryingArrivals, at_s: FloatArray, seed: Sequence[int], start_s: float
) -> FloatArray:
    """Return *at_s* in the time of the rate's path that *seed* leads to: expected requests."""
    path = RandomRate(of.settings(), of.mean_rps, "monday")
    got = []
    for edges_s, expected in path.blocks(np.random.default_rng(seed), start_s):
        inside = (at_s >= edges_s[0]) & (at_s < edges_s[-1])
        got.append(np.interp(at_s[inside], edges_s, expected))
        if edges_s[-1] > at_s[-1]:
            return np.concatenate(got)
    raise AssertionError("the path has an end")


@pytest.mark.parametrize("shape", [0.5, 1.0, 3.0])
def test_time_rescaling_gives_back_the_renewal_process(shape: float) -> None:
    of, seed, start_s = spec(**EVERYTHING, gap_shape=shape), (104,), -2 * HOUR_S
    at_s = instants(of, 12 * HOUR_S, seed, start_s)
    gaps = np.diff(rescaled(of, at_s, seed, start_s))
    assert len(gaps) > 100_000
    law = stats.gamma(shape, scale=1.0 / shape)
    assert stats.kstest(gaps, law.cdf).pvalue > ALPHA / 2
    # Gaps do not know their neighbours: Fisher's transform of the correlation of their ranks.
    u = law.cdf(gaps)
    correlation = np.corrcoef(u[:-1], u[1:])[0, 1]
    assert abs(math.atanh(correlation)) * math.sqrt(len(u) - 4) < stats.norm.isf(ALPHA / 4)
    other = np.diff(rescaled(of, at_s, (204,), start_s))
    assert stats.kstest(other, law.cdf).pvalue < 1e-6


def test_rescaled_points_pass_for_poisson_and_the_raw_ones_do_not() -> None:
    of, seed = spec(**EVERYTHING), (105,)
    at_s = instants(of, 4 * HOUR_S, seed)
    points = rescaled(of, at_s, seed, 0.0)
    assert lewis_pvalue(points[:-1], points[-1]) > ALPHA
    assert lewis_pvalue(at_s[:-1], at_s[-1]) < 1e-6


# Dispersion of counts


def test_dispersion_of_the_azure_preset() -> None:
    """What is refused: a time that is off by half, and one term without the other."""
    of = spec(mean_rps=5.53, bursts=bursts(*AZURE_2023))
    found = Measured(of, (0.1, 1.0, 10.0, 60.0, 300.0), 7_200.0, 90, seed=106)
    fast, slow = AZURE_2023
    assert found.fits(log_ou(fast, slow), 0.35)
    for wrong in ((fast,), (slow,), ((0.031, 1.05), slow), (fast, (0.056, 195.0))):
        assert not found.fits(log_ou(*wrong), np.inf)


@pytest.mark.parametrize("terms", [((0.4, 3.0),), ((0.05, 0.5), (0.1, 20.0), (0.05, 5.0))])
def test_dispersion_of_any_number_of_terms(terms: tuple[tuple[float, float], ...]) -> None:
    of = spec(mean_rps=20.0, bursts=bursts(*terms))
    found = Measured(of, (0.05, 0.5, 5.0, 50.0), 4_000.0, 80, seed=107)
    assert found.fits(log_ou(*terms), 0.1)
    for wrong in ((1.15, 1.0), (1.0, 0.7)):
        off = tuple((wrong[0] * variance, wrong[1] * time_s) for variance, time_s in terms)
        assert not found.fits(log_ou(*off), np.inf)


def test_dispersion_of_on_off_clients() -> None:
    """Relative covariance off/(on n) e^(-t/T), 1/T = 1/on + 1/off: a birth and death process."""
    clients, on_s, off_s = 6, 20.0, 60.0
    of = spec(mean_rps=5.0, on_off={"clients": clients, "on": on_s, "off": off_s})

    def law(n: int, memory_s: float) -> Relative:
        return lambda t: off_s / (on_s * n) * math.exp(-t / memory_s)

    memory_s = 1.0 / (1.0 / on_s + 1.0 / off_s)
    found = Measured(of, (0.5, 5.0, 50.0), 20_000.0, 60, seed=108)
    assert found.fits(law(clients, memory_s))
    assert not found.fits(law(clients, on_s), np.inf)
    assert not found.fits(law(clients + 1, memory_s), np.inf)


def test_clients_one_by_one_make_the_same_as_all_at_once() -> None:
    """Superposition: six processes of one on/off client each are one of six clients."""
    one = spec(mean_rps=1.0, on_off={"clients": 1, "on": 20, "off": 60})
    windows_s = (5.0, 50.0)
    found: dict[float, list[float]] = {w: [] for w in windows_s}
    for replicate in range(40):
        parts = [instants(one, 6_000.0, (109, replicate, client)) for client in range(6)]
        for w in windows_s:
            found[w].append(dispersion(np.concatenate(parts), w, 6_000.0, 6.0))
    for w in windows_s:
        theory = idc(w, 6.0, lambda t: 60.0 / (20.0 * 6) * math.exp(-t / 15.0))
        assert agrees(found[w], theory, ALPHA / 2)
        assert not agrees(found[w], 1.2 * theory, ALPHA / 2)


def test_more_clients_even_out_and_busier_ones_do_not() -> None:
    """Eight times the rate: eight callers side by side, or one that asks eight times as often."""
    terms, evened = (0.3, 4.0), (math.log1p(math.expm1(0.3) / 8), 4.0)
    windows_s = (0.4, 4.0, 40.0)
    given: dict[str, Any] = {"mean_rps": 16.0, "bursts": bursts(terms), "bursts_at_rps": 2.0}
    busier = Measured(spec(**given), windows_s, 4_000.0, 80, seed=110)
    more = Measured(spec(**given, load_grows_by="clients"), windows_s, 4_000.0, 80, seed=110)
    assert busier.fits(log_ou(terms), 0.1)
    assert more.fits(log_ou(evened), 0.1)
    assert not busier.fits(log_ou(evened), np.inf)
    # The rule is exact for two instants that are near; further apart it is within 7 %.
    for w in windows_s:
        side_by_side = idc(w, 16.0, lambda t: log_ou(terms)(t) / 8)
        assert idc(w, 16.0, log_ou(evened)) == pytest.approx(side_by_side, rel=0.07)


def test_two_poisson_routes_superpose_to_poisson() -> None:
    parts = [instants(PoissonArrivals(rps=rps), 4_000.0, (111, int(rps))) for rps in (3.0, 17.0)]
    assert lewis_pvalue(np.sort(np.concatenate(parts)), 4_000.0) > ALPHA
    uneven = [
        instants(spec(mean_rps=r, gap_shape=0.5), 4_000.0, (111, int(r))) for r in (3.0, 17.0)
    ]
    assert lewis_pvalue(np.sort(np.concatenate(uneven)), 4_000.0) < 1e-6
