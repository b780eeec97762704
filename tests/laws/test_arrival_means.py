"""Arrival processes against the laws of their means and batches, and in a huge fleet."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from scipy import stats

from sim.scenario.arrivals import VaryingArrivals
from sim.traffic.arrivals import arrivals
from sim.traffic.chunk import FloatArray
from sim.traffic.rates import HOUR_S, WeeklyRate
from tests.laws.arrival_sample import ALPHA, agrees, bursts, counts, dispersion, instants, spec

# Gaps and batches


@pytest.mark.parametrize("shape", [0.25, 0.95, 4.0])
def test_gap_variation_and_long_windows_of_gamma_gaps(shape: float) -> None:
    """CV² = 1/shape; Var/mean of counts tends to it, too (Cox 1962, section 4.5)."""
    of = spec(mean_rps=10.0, gap_shape=shape)
    variations, dispersions = [], []
    for replicate in range(40):
        at_s = instants(of, 3_000.0, (112, replicate))
        gaps = np.diff(at_s)
        variations.append(float(np.var(gaps, ddof=1) * 100.0))
        dispersions.append(dispersion(at_s, 30.0, 3_000.0, 10.0))
    assert agrees(variations, 1.0 / shape, ALPHA / 2, 0.02)
    # 30 s hold 300 gaps; what is left of the limit is (1 - 1/shape²)/6 over the window's mean.
    limit = 1.0 / shape + (1.0 - shape**-2) / 6.0 / 300.0
    assert agrees(dispersions, limit, ALPHA / 2, 0.1)


@pytest.mark.parametrize(("mean_size", "gap_s"), [(1.5, 0.0), (4.0, 0.05), (20.0, 0.2)])
def test_dispersion_of_batches(mean_size: float, gap_s: float) -> None:
    """Var/mean tends to 2 m - 1, members within reach of each other at distance j · gap.

    A batch has a pair of members j apart for each of size > j: (1 - 1/m)^j · m of them on average.
    """
    of = spec(mean_rps=20.0, batches={"mean_size": mean_size, "gap": gap_s})
    goes_on = 1.0 - 1.0 / mean_size

    def theory(window_s: float) -> float:
        within = (j for j in range(1, 2_000) if j * gap_s < window_s)
        return 1.0 + 2.0 * sum(goes_on**j * (1.0 - j * gap_s / window_s) for j in within)

    windows_s = (0.5, 10.0)
    found: dict[float, list[float]] = {w: [] for w in windows_s}
    totals = []
    for replicate in range(60):
        at_s = instants(of, 4_000.0, (113, replicate))
        totals.append(len(at_s) / 4_000.0)
        for w in windows_s:
            found[w].append(dispersion(at_s, w, 4_000.0, 20.0))
    for w in windows_s:
        assert agrees(found[w], theory(w), ALPHA / 3)
        assert not agrees(found[w], 1.15 * theory(w), ALPHA / 3)
    assert agrees(totals, 20.0, ALPHA / 3, 0.02)
    if gap_s == 0.0:
        assert theory(10.0) == pytest.approx(2.0 * mean_size - 1.0)


# Means


def hourly_pvalue(of: VaryingArrivals, means: FloatArray, seed: int, starts_on: str) -> float:
    """P-value of chi-squared over hours of a Poisson process with the given *means*."""
    span_s = len(means) * HOUR_S
    got = counts(instants(of, span_s, (seed,), starts_on=starts_on), HOUR_S, span_s)
    some = means > 0
    if got[~some].any():
        return 0.0
    z = (got[some] - means[some]) / np.sqrt(means[some])
    return float(stats.chi2.sf(np.sum(z**2), some.sum()))


WORKDAY = [0.0] * 6 + [1.0, 2.0, 3.0, 3.0, 2.0, 2.0, 3.0, 3.0, 2.0, 1.0, 1.0, 0.5] + [0.0] * 6
SUNDAY = [0.2] * 24


def test_hours_growth_and_events_have_the_means_that_were_asked_for() -> None:
    """Four weeks from a Friday, users 3 h ahead, 20 % more each week, a launch and an outage."""
    of = spec(
        mean_rps=1.0,
        day_curve={"weekday": WORKDAY, "weekend": SUNDAY},
        utc_offset_hours=3,
        growth_percent_per_week=20,
        events=[{"at": "1d", "for": "2h", "times": 5}, {"at": "9d", "for": "1d", "times": 0}],
    )
    days = [WORKDAY] * 5 + [SUNDAY] * 2
    flat = np.array(days).ravel()
    hours = np.arange(4 * 168)
    means = 3600.0 * flat[(hours + 3 + 4 * 24) % 168] / flat.mean()
    week = hours / 168.0
    means *= (1.2 ** (week + 1 / 168) - 1.2**week) * 168.0 / math.log(1.2)  # its mean in an hour
    means[24:26] *= 5
    means[9 * 24 : 10 * 24] = 0
    assert 1e-3 < hourly_pvalue(of, means, 114, "friday") < 1 - 1e-3
    for wrong in (
        {"utc_offset_hours": 2.0},
        {"growth_percent_per_week": 18.0},
        {"events": of.events[:1]},
        {"events": of.events[1:]},
    ):
        assert hourly_pvalue(of.model_copy(update=wrong), means, 114, "friday") < 1e-6
    assert hourly_pvalue(of, means, 114, "saturday") < 1e-6


@pytest.mark.parametrize(
    "other",
    [
        {"bursts": bursts((0.5, 60.0), (0.3, 5.0))},
        {"on_off": {"clients": 3, "on": "1m", "off": "5m"}},
        {"batches": {"mean_size": 6, "gap": "1s"}},
        {"gap_shape": 0.3},
    ],
)
def test_what_makes_traffic_uneven_leaves_its_mean(other: dict[str, Any]) -> None:
    of = spec(mean_rps=3.0, **other)
    rates = [len(instants(of, 7_200.0, (115, r))) / 7_200.0 for r in range(60)]
    assert agrees(rates, 3.0, ALPHA, 0.1)


@pytest.mark.parametrize(
    ("other", "relative"),
    [
        ({"bursts": bursts((0.5, 60.0))}, math.expm1(0.5)),
        ({"bursts": bursts((0.2, 4.0), (0.3, 1e6))}, math.expm1(0.5)),
        ({"on_off": {"clients": 4, "on": "1m", "off": "1m"}}, 0.25),
    ],
)
def test_the_rate_is_stationary_from_its_first_instant(
    other: dict[str, Any], relative: float
) -> None:
    """Counts of the first tenth of a second, over runs: var/mean = 1 + rate · window · relative."""
    of, window_s = spec(mean_rps=500.0, **other), 0.1
    process = arrivals(of)
    found = []
    for run in range(1_500):
        first = next(process.chunks(np.random.default_rng((116, run)), -30.0, 256))
        found.append(np.searchsorted(first, -30.0 + window_s))
    squares = [(n - 50.0) ** 2 / 50.0 for n in found]
    assert agrees(found, 50.0, ALPHA / 2, 0.1)
    assert agrees(squares, 1.0 + 50.0 * relative, ALPHA / 2, 0.35)
    assert not agrees(squares, 1.0 + 50.0 * relative * 1.6, ALPHA / 2, 0.35)


# Many servers


def test_requests_in_a_huge_fleet_follow_the_day() -> None:
    """M_t/M/inf: requests in service are Poisson with mean m, dm/dt = rate - m / holding time.

    Eick, Massey & Whitt (1993). The rate is a sine of a day, given by its hourly means; m is
    solved hour by hour, and is near the closed form of the sine itself.
    """
    mean_per_hour, swing, hold_h = 90.0, 0.6, 2.0
    edges = 2.0 * np.pi * np.arange(25) / 24.0
    curve = [1.0 + swing * (math.cos(a) - math.cos(b)) / (b - a) for a, b in pairwise(edges)]
    of = spec(mean_rps=mean_per_hour / 3600.0, day_curve=curve)
    kept = math.exp(-1.0 / hold_h)
    m = [0.0]
    for hour in range(24 * 20):
        m.append(m[-1] * kept + mean_per_hour * curve[hour % 24] * hold_h * (1.0 - kept))
    theory = np.array(m[-25:-1])
    days = 420
    at_s = instants(of, days * 24 * HOUR_S, (117,), start_s=-48 * HOUR_S)
    holds_s = stats.expon.isf(np.random.default_rng(118).random(len(at_s)), scale=hold_h * HOUR_S)
    looks_s = np.arange(days * 24) * HOUR_S
    came = np.searchsorted(at_s, looks_s, "right")
    gone = np.searchsorted(np.sort(at_s + holds_s), looks_s, "right")
    present = (came - gone).reshape(days, 24)  # a day apart, 12 holding times: independent
    for hour in range(24):
        assert agrees(present[:, hour].tolist(), theory[hour], ALPHA / 48, 0.025)
        spread = np.sum((present[:, hour] - theory[hour]) ** 2) / theory[hour]
        assert ALPHA / 96 < stats.chi2.sf(spread, days) < 1 - ALPHA / 96
    # Closed form: the answer to sin(g t) is (mu sin g t - g cos g t) / (mu² + g²).
    mu, g = 1.0 / hold_h, 2.0 * math.pi / 24.0
    t = np.arange(24)
    wave = (mu * np.sin(g * t) - g * np.cos(g * t)) / (mu**2 + g**2)
    assert theory == pytest.approx(mean_per_hour * (hold_h + swing * wave), rel=0.01)
    steady = mean_per_hour * np.array(curve) * hold_h  # as if the fleet followed at once
    assert not all(agrees(present[:, h].tolist(), steady[h], ALPHA / 48, 0.05) for h in range(24))


def test_week_of_the_catalog_has_its_hours() -> None:
    of = VaryingArrivals.model_validate({"workload": "azure-code-2024", "bursts": []})
    weekly = WeeklyRate(of.mean_rps, *of.weights(), "sunday")
    assert 1e-3 < hourly_pvalue(of, weekly.per_s * HOUR_S, 119, "sunday") < 1 - 1e-3
