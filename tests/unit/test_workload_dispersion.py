"""Dispersion in closed form: against its own limits, and against the shipped generator."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from sim.catalog.presets import Burst
from sim.scenario.arrivals import VaryingArrivals
from sim.workload.arrival_fit import ArrivalFit, OnOff
from sim.workload.burst_fit import fit_unevenness, spread_of
from sim.workload.counts import dispersion
from sim.workload.curve_rate import CurveRate
from sim.workload.dispersion import (
    Batching,
    Switching,
    Unevenness,
    expected_dispersion,
    observed_dispersion,
    renewal_dispersion,
)
from sim.workload.replicates import one, replicates
from sim.workload.start import Start

WINDOWS_S = np.array([0.1, 1.0, 10.0, 60.0])


def burst(variance: float, time_s: float) -> Burst:
    return Burst(variance=variance, time_s=time_s)


def test_one_weak_term_has_the_classical_form() -> None:
    """For s² → 0: 1 + 2 λ s² τ (1 - (1 - e^-x)/x), x = w/τ."""
    found = expected_dispersion(WINDOWS_S, 5.0, Unevenness(bursts=(burst(1e-4, 7.0),)))
    x = WINDOWS_S / 7.0
    exact = 2 * 5.0 * 1e-4 * 7.0 * (1 - (1 - np.exp(-x)) / x)
    assert found - 1.0 == pytest.approx(exact, rel=2e-3)


def test_strong_terms_count_by_the_lognormal_variance() -> None:
    """In windows far shorter than τ the rate's variance is e^s² - 1."""
    found = expected_dispersion(np.array([0.01]), 100.0, Unevenness(bursts=(burst(1.0, 50.0),)))
    assert found[0] == pytest.approx(1 + 100.0 * 0.01 * (math.e - 1), rel=1e-3)


@pytest.mark.parametrize("shape", [0.05, 0.5, 0.95, 4.0])
def test_a_gamma_renewal_process_goes_from_one_to_its_squared_variation(shape: float) -> None:
    small, large = renewal_dispersion(np.array([1e-3, 1e5]), shape)
    assert large == pytest.approx(1.0 / shape, rel=2e-3)
    if shape > 0.4:
        assert small == pytest.approx(1.0, abs=0.05)


def test_batches_end_at_twice_their_mean_size_less_one() -> None:
    uneven = Unevenness(batching=Batching(4.0, 0.05))
    short, long = expected_dispersion(np.array([0.04, 1000.0]), 5.0, uneven)
    assert short == pytest.approx(1.0)  # no window is long enough for two of a batch
    assert long == pytest.approx(7.0, rel=1e-3)
    at_once = replace(uneven, batching=Batching(4.0, 0.0))
    assert expected_dispersion(np.array([0.01]), 5.0, at_once)[0] == pytest.approx(7.0)


def test_clients_on_and_off_have_the_variance_of_a_binomial() -> None:
    on_s, off_s = Switching(0.5, 8.0).times_s(4)
    assert off_s / on_s / 4 == pytest.approx(0.5)
    assert 1 / (1 / on_s + 1 / off_s) == pytest.approx(8.0)
    found = expected_dispersion(np.array([0.01]), 10.0, Unevenness(switching=Switching(0.5, 8.0)))
    assert found[0] == pytest.approx(1 + 10.0 * 0.01 * 0.5, rel=1e-3)


@pytest.mark.parametrize(
    "process",
    [
        ArrivalFit(5.0, bursts=(burst(0.05, 20.0),)),
        ArrivalFit(5.0, gap_shape=0.5, bursts=(burst(0.3, 2.0), burst(0.1, 40.0))),
        ArrivalFit(5.0, batch_mean_size=4.0, batch_gap_s=0.05),
        ArrivalFit(5.0, on_off=OnOff(4, 10.0, 40.0)),
        ArrivalFit(5.0, gap_shape=3.0),
    ],
)
def test_the_shipped_generator_has_the_dispersion_of_the_formula(process: ArrivalFit) -> None:
    span_s, seeds = 2000.0, 40
    on_off = process.on_off
    uneven = Unevenness(
        process.bursts,
        process.gap_shape,
        Batching(process.batch_mean_size, process.batch_gap_s),
        on_off
        and Switching(
            on_off.off_s / on_off.on_s / on_off.clients, 1 / (1 / on_off.on_s + 1 / on_off.off_s)
        ),
    )
    both = expected_dispersion(np.append(WINDOWS_S, span_s), 5.0, uneven)
    shown = observed_dispersion(WINDOWS_S, span_s, both[:-1], both[-1])
    runs = [
        [dispersion(at_s, w, span_s) or 0.0 for w in WINDOWS_S]
        for at_s in replicates(process.spec(), span_s, seeds)
    ]
    error = 4 * np.std(runs, axis=0) / seeds**0.5
    assert (np.abs(np.mean(runs, axis=0) - shown) <= error + 0.01 * shown).all()


def test_terms_are_found_in_what_has_them() -> None:
    """A long record: the fit must come near both variance and time, and near nothing for none."""
    truth = ArrivalFit(5.0, bursts=(burst(0.10, 20.0),))
    (at_s,) = replicates(truth.spec(), 40_000.0, 1)
    spread = spread_of(at_s, 40_000.0, None)
    (found,) = fit_unevenness(spread, Unevenness(), 1, False).bursts
    assert found.variance == pytest.approx(0.10, rel=0.25)
    assert found.time_s == pytest.approx(20.0, rel=0.35)
    switching = fit_unevenness(spread, Unevenness(), 0, True).switching
    assert switching is not None
    assert switching.variance == pytest.approx(math.expm1(0.10), rel=0.3)
    (even,) = replicates(VaryingArrivals(mean_rps=5.0), 40_000.0, 1)
    (nothing,) = fit_unevenness(spread_of(even, 40_000.0, None), Unevenness(), 1, False).bursts
    assert nothing.variance * nothing.time_s < 0.05
    assert fit_unevenness(spread_of(at_s[:5], 1.0, None), Unevenness(), 2, False) == Unevenness()


def test_replicates_are_the_same_each_time_and_start_where_they_are_told() -> None:
    spec = VaryingArrivals(mean_rps=2.0, day_curve=(1.0,) * 12 + (3.0,) * 12)
    noon = Start(11 * 3600.0, None, "file")
    first, second = (list(replicates(spec, 7200.0, 3, noon)) for _ in range(2))
    assert all((a == b).all() for a, b in zip(first, second, strict=True))
    counts = np.sum([np.histogram(at_s, bins=2, range=(0, 7200.0))[0] for at_s in first], axis=0)
    assert counts[1] / counts[0] == pytest.approx(3.0, rel=0.05)
    assert max(at_s.max() for at_s in first) < 7200.0


def test_a_curve_rate_is_its_own_counts_and_then_their_mean() -> None:
    rate = CurveRate(np.array([0.5, 1.0, 1.5, 25.0]), 10.0, 30.0)
    assert [rate.expected(t) for t in (-3.0, 0.0, 5.0, 10.0, 20.0, 30.0, 60.0)] == pytest.approx(
        [-0.4, 0.0, 1.5, 3.0, 3.0, 4.0, 8.0]
    )
    assert rate.instants(np.array([1.5, 3.5, 8.0])) == pytest.approx([5.0, 25.0, 60.0])


def test_points_follow_a_curve_rate() -> None:
    from sim.traffic.renewal import Renewal

    at_s = np.sort(np.concatenate((np.linspace(0, 10, 50), np.linspace(10, 20, 500))))
    counts = [
        np.histogram(one(Renewal(CurveRate(at_s, 10.0, 20.0)), seed, 0.0, 20.0), [0, 10, 20])[0]
        for seed in range(50)
    ]
    assert np.mean(counts, axis=0) == pytest.approx([50, 500], rel=0.06)
