"""Arrivals: what a trace is compared by, the choice among processes, and the rows that tell."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from sim.catalog.presets import Burst
from sim.scenario.arrivals import VaryingArrivals
from sim.workload.arrival_figures import Runs, Windows, figures_in, figures_of, gaps_of, likeness
from sim.workload.arrival_fit import (
    ArrivalFit,
    OnOff,
    batching_of,
    can_be_fitted,
    fit_arrivals,
)
from sim.workload.arrival_rows import NAMES, arrival_rows, time_halves
from sim.workload.counts import dispersion, peak_to_mean
from sim.workload.hours import Hours
from sim.workload.replicates import replicates
from sim.workload.requests import Requests
from sim.workload.rows import Row
from sim.workload.start import Start


def burst(variance: float, time_s: float) -> Burst:
    return Burst(variance=variance, time_s=time_s)


def trace(process: ArrivalFit, span_s: float, start: Start | None = None) -> Requests:
    """Return one replicate of *process* as if it were a trace."""
    (at_s,) = replicates(process.spec(), span_s, 1, start)
    ones = np.ones(len(at_s), dtype=np.int64)
    return Requests("x", ones, ones, at_s, span_s=span_s, start=start)


CHAT = ArrivalFit(5.0, gap_shape=0.95, bursts=(burst(0.15, 100.0),))
SWITCHING = ArrivalFit(2.5, on_off=OnOff(4, 10.0, 60.0))


def test_windows_fit_the_span_ten_times_in_whole_ticks() -> None:
    assert Windows.of(1200.0, None) == Windows((0.1, 1.0, 10.0, 60.0, 120.0), (1.0, 10.0, 60.0))
    assert Windows.of(650.0, None).dispersion_s == (0.1, 1.0, 10.0, 60.0)
    coarse = Windows.of(1770.0, 3.0)
    assert coarse == Windows((3.0, 12.0, 60.0, 120.0), (12.0, 60.0))
    assert len(coarse) == 6
    assert Windows.of(0.5, None) == Windows((), ())


def test_figures_are_logarithms_of_dispersion_and_peak() -> None:
    found = trace(CHAT, 1500.0)
    assert found.arrived_at_s is not None
    figures = figures_of(found.arrived_at_s, 1500.0, None)
    assert np.exp(figures.log_dispersion[2]) == pytest.approx(
        dispersion(found.arrived_at_s, 10.0, 1500.0)
    )
    assert np.exp(figures.log_peak[1]) == pytest.approx(
        peak_to_mean(found.arrived_at_s, 10.0, 1500.0)
    )
    assert len(figures.together()) == 8


def test_runs_compare_medians_bands_and_gaps() -> None:
    windows = Windows.of(600.0, None)
    spec = VaryingArrivals(mean_rps=5.0)
    runs = Runs.of(replicates(spec, 600.0, 40), 600.0, windows)
    poisson = np.zeros(len(windows.dispersion_s))
    assert runs.dispersion_error(poisson) < 0.06
    low, high = runs.noise()
    assert 0.0 < low < high < 0.4
    member = next(iter(replicates(spec, 600.0, 1)))
    assert runs.in_band(figures_in(member, 600.0, windows)) >= len(windows) - 2
    doubled = figures_in(np.repeat(member, 2), 600.0, windows)
    assert runs.in_band(doubled) <= 2
    assert runs.dispersion_error(doubled.log_dispersion) == pytest.approx(np.log(2.0), abs=0.15)
    assert runs.peak_errors(doubled.log_peak)[0] < 0.0
    assert runs.gap_distance(np.random.default_rng(1).exponential(0.2, 5000)) < 0.03
    assert runs.gap_distance(np.full(100, 9.0)) == 1.0


def test_gaps_are_in_whole_microseconds() -> None:
    assert gaps_of(np.array([0.0, 1e-8, 1.0])).tolist() == [0.0, 1.0]


def test_likeness_is_best_for_the_process_itself() -> None:
    requests = trace(SWITCHING, 3000.0)
    assert requests.arrived_at_s is not None
    true = figures_of(requests.arrived_at_s, 3000.0, None)
    own, plain = (
        likeness(true, replicates(process.spec(), 3000.0, 20), requests)
        for process in (SWITCHING, ArrivalFit(2.5))
    )
    assert own < 0.5 < 2.0 < plain
    assert likeness(true, [], requests) == float("inf")


@pytest.mark.parametrize(
    "process",
    [
        ArrivalFit(5.0),
        ArrivalFit(5.0, gap_shape=0.5, bursts=(burst(4.0, 0.7),)),
        ArrivalFit(5.0, batch_mean_size=4.0, batch_gap_s=0.05),
        replace(SWITCHING, hours=Hours((1.0,) * 24, None, "file", 3.0)),
        ArrivalFit(5.0, hours=Hours((2.0,) * 24, (1.0,) * 24, "UTC", 7.0)),
    ],
)
def test_a_fit_says_itself_as_a_scenario_does(process: ArrivalFit) -> None:
    spec = process.spec()
    assert VaryingArrivals.model_validate(spec.model_dump(mode="json", exclude_none=True)) == spec
    assert spec.mean_rps == process.mean_per_s
    assert [(term.variance, term.time_s) for term in spec.terms()] == [
        (one.variance, one.time_s) for one in process.bursts
    ]


def test_a_rate_within_the_week_is_turned_into_that_of_the_week() -> None:
    hours = Hours((0.5,) * 12 + (1.5,) * 12, None, "file", 3.0)
    noon = Start(12 * 3600.0, None, "file")
    assert ArrivalFit(1.0, hours=hours).at_rate(6.0, noon, 3600.0).mean_per_s == pytest.approx(4.0)
    assert ArrivalFit(1.0).at_rate(6.0, noon, 3600.0).mean_per_s == 6.0


@pytest.fixture(scope="module")
def chat() -> tuple[Requests, ArrivalFit]:
    requests = trace(CHAT, 3000.0)
    return requests, fit_arrivals(requests)


@pytest.fixture(scope="module")
def switching() -> tuple[Requests, ArrivalFit]:
    requests = trace(SWITCHING, 1800.0)
    return requests, fit_arrivals(requests)


def test_a_chat_is_fitted_by_terms_and_near_poisson_gaps(
    chat: tuple[Requests, ArrivalFit],
) -> None:
    found = chat[1]
    assert found.bursts
    assert found.on_off is None
    assert found.batch_mean_size == 1.0
    assert found.gap_shape == pytest.approx(0.95, abs=0.05)
    assert 0.02 < sum(one.variance for one in found.bursts) < 0.3


def test_clients_on_and_off_are_told_from_terms(switching: tuple[Requests, ArrivalFit]) -> None:
    found = switching[1]
    assert found.on_off is not None
    on_off = found.on_off
    clients = on_off.off_s / on_off.on_s / on_off.clients
    terms = np.exp(sum(one.variance for one in found.bursts))
    assert (1 + clients) * terms - 1 == pytest.approx(60 / 10 / 4, rel=0.35)
    assert found.parameters >= 3


def test_a_day_curve_does_not_become_a_burst() -> None:
    hours = Hours((0.2,) * 12 + (1.8,) * 12, None, "file", 3.0)
    start = Start(0.0, None, "file")
    requests = trace(ArrivalFit(0.3, hours=hours), 2 * 86_400.0, start)
    found = fit_arrivals(requests, hours)
    assert found.hours == hours
    assert found.on_off is None
    assert sum(one.variance for one in found.bursts) < 0.1
    assert found.mean_per_s == pytest.approx(0.3, rel=0.03)


def test_few_requests_are_poisson() -> None:
    assert fit_arrivals(trace(ArrivalFit(1.0), 100.0)).parameters == 0


def test_batches_are_seen_in_the_gaps_if_they_are_clear() -> None:
    rng = np.random.default_rng(3)
    inside = rng.random(20_000) < 0.75
    gaps = np.where(inside, rng.exponential(0.02, 20_000), rng.exponential(3.0, 20_000))
    found = batching_of(gaps)
    assert found is not None
    assert found.mean_size == pytest.approx(4.0, rel=0.05)
    assert found.gap_s == pytest.approx(0.02, rel=0.05)
    assert batching_of(rng.exponential(1.0, 5000)) is None
    nearly_all = np.where(rng.random(20_000) < 0.995, 0.01, 5.0)
    assert batching_of(nearly_all) is None


def test_halves_are_of_the_span_in_whole_ticks() -> None:
    requests = replace(trace(ArrivalFit(5.0), 301.0), tick_s=3.0)
    first, second = time_halves(requests)
    assert (first.span_s, second.span_s) == (150.0, 151.0)
    assert len(first) + len(second) == len(requests)


def rows_of(requests: Requests, fitted: ArrivalFit) -> dict[str, Row]:
    rows = arrival_rows(requests, fitted, 20)
    assert [row.metric for row in rows] == list(NAMES)
    return {row.metric: row for row in rows}


def test_a_chat_is_told_with_floors_and_bands(chat: tuple[Requests, ArrivalFit]) -> None:
    rows = rows_of(*chat)
    curve, held_out, band, peaks, gaps = rows.values()
    assert curve.met
    assert gaps.met
    assert "Poisson" in held_out.note
    assert held_out.floor is not None
    assert held_out.band is not None
    assert band.ask == ">= 6 of 8"
    assert peaks.ask == "<= 20%"
    assert gaps.band is not None


def test_an_on_off_service_is_judged_as_one(switching: tuple[Requests, ArrivalFit]) -> None:
    curve, held_out, _, peaks, gaps = rows_of(*switching).values()
    assert curve.met is None
    assert "on/off" in curve.note
    assert held_out.met
    assert peaks.ask == "<= 35% (on/off)"
    assert gaps.met is None


def test_a_trace_that_its_fit_does_not_fit_is_missed() -> None:
    at_s = np.sort(np.concatenate([60.0 * n + np.linspace(0.0, 5.0, 100) for n in range(25)]))
    ones = np.ones(len(at_s), dtype=np.int64)
    rows = arrival_rows(Requests("x", ones, ones, at_s, span_s=1500.0), ArrivalFit(2.5), 10)
    band, peaks = rows[2], rows[3]
    assert band.met is False
    assert peaks.met is False


def test_what_is_too_little_says_so() -> None:
    long = trace(CHAT, 500.0)
    small = long.between(0.0, 10.0)
    reasons = {row.note for row in arrival_rows(small, ArrivalFit(1.0), 5)}
    assert reasons == {f"{len(small)} requests are too few: needs 200"}
    untimed = long.rows(slice(None))
    assert {row.note for row in arrival_rows(untimed, ArrivalFit(1.0), 5)} == {
        "the table has no times"
    }
    at_once = replace(long, arrived_at_s=np.zeros(len(long)), span_s=0.0)
    assert not can_be_fitted(at_once)
    assert "the same time" in arrival_rows(at_once, ArrivalFit(1.0), 5)[0].note
    lopsided = replace(long, arrived_at_s=np.linspace(0.0, 1.0, len(long)))
    assert arrival_rows(lopsided, ArrivalFit(1.0), 5)[0].note == "one half has only 0 requests"


def test_a_short_fast_trace_has_only_its_gaps_judged() -> None:
    fast = trace(ArrivalFit(5000.0), 0.6)
    rows = arrival_rows(fast, fit_arrivals(fast), 10)
    assert [row.met for row in rows] == [None, None, None, None, True]
