"""Arrival rows: how near the generator comes to a trace's arrivals; knows no clock.

Each half of the trace is the test of what was fitted on the other, and both of what was fitted
on the whole. A test gives the model the half's mean rate, its span and its place in the week.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from sim.traffic.chunk import FloatArray
from sim.traffic.renewal import Renewal
from sim.workload.arrival_figures import Figures, Runs, Windows, figures_in, gaps_of
from sim.workload.arrival_fit import LEAST_REQUESTS, ArrivalFit, can_be_fitted, fit_arrivals
from sim.workload.counts import is_on_off
from sim.workload.curve_rate import CurveRate
from sim.workload.gaps import RESCALE_S, gamma_shape, rate_windows_s, rescaled_gaps
from sim.workload.hours import Hours, hours_of, rates_in
from sim.workload.replicates import one, replicates
from sim.workload.requests import Requests
from sim.workload.rows import Row, missing

GIVEN_CURVE = "E_IDC, own 60 s rate curve given"
STATIONARY = "E_IDC, held-out half"
IN_BAND = "IDC and peak/mean in the 5-95 % band"
PEAKS = "peak/mean, median error"
GAPS = "gap KS, held out"
NAMES = (GIVEN_CURVE, STATIONARY, IN_BAND, PEAKS, GAPS)

MOST_CURVE, MOST_STATIONARY, POISSON_SHARE, MOST_GAPS = 0.10, 0.5, 0.5, 0.03
MOST_PEAK, MOST_PEAK_ON_OFF = 0.20, 0.35
BAND_SHARE = 0.75
CURVE_NOISE = 0.1
"""A curve of a trace's own counts adds 1 to the IDC; beyond this share of it, that decides."""

LEAST_HALF = 100
"""Requests of a half from which its arrivals are worth comparing."""


@dataclass(frozen=True)
class Half:
    """One half as a test: what it shows, and what models of it show in its stead."""

    requests: Requests
    figures: Figures
    held_out: Runs
    whole: Runs
    curve: Runs

    @property
    def gaps(self) -> FloatArray:
        """Return the gaps of the half."""
        return gaps_of(_times(self.requests))


def arrival_rows(
    requests: Requests, fitted: ArrivalFit, seeds: int, hours: Hours | None = None
) -> list[Row]:
    """Return all metrics of arrivals; *fitted* is that of the whole trace.

    *hours* is the day curve where it is known from more than *requests*; else each half has its
    own, from a day on.
    """
    if why := _unfit(requests):
        return [missing(name, why) for name in NAMES]
    parts = time_halves(requests)
    fits = [fit_arrivals(part, hours or hours_of(rates_in(part), 1.0)) for part in parts]
    windows = Windows.of(min(part.span_s for part in parts), requests.tick_s)
    halves = [
        _tested(part, windows, (other, fitted), requests, seeds)
        for part, other in zip(parts, fits[::-1], strict=True)
    ]
    on_off = is_on_off(_times(requests), requests.span_s, requests.tick_s)
    if not windows.dispersion_s:
        why = f"{requests.span_s:g} s are too short: no window fits each half ten times"
        return [missing(name, why) for name in NAMES[:-1]] + [_gap_row(halves, on_off)]
    return [
        _curve_row(halves, on_off, requests),
        _stationary_row(halves),
        _band_row(halves),
        _peak_row(halves, on_off),
        _gap_row(halves, on_off),
    ]


def time_halves(requests: Requests) -> tuple[Requests, Requests]:
    """Return both halves of the span, in whole ticks."""
    middle_s = requests.span_s / 2
    if requests.tick_s:
        middle_s = np.rint(middle_s / requests.tick_s) * requests.tick_s
    return requests.between(0.0, middle_s), requests.between(middle_s, requests.span_s)


def _unfit(requests: Requests) -> str:
    """Return why *requests* cannot be judged; empty if they can."""
    if requests.arrived_at_s is None:
        return "the table has no times"
    if not can_be_fitted(requests):
        return "all requests have the same time, or nearly so"
    if len(requests) < LEAST_REQUESTS:
        return f"{len(requests)} requests are too few: needs {LEAST_REQUESTS}"
    least = min(map(len, time_halves(requests)))
    return "" if least >= LEAST_HALF else f"one half has only {least} requests"


def _times(requests: Requests) -> FloatArray:
    assert requests.arrived_at_s is not None
    return requests.arrived_at_s


def _tested(
    part: Requests,
    windows: Windows,
    models: tuple[ArrivalFit, ArrivalFit],
    requests: Requests,
    seeds: int,
) -> Half:
    """Return *part* as a test of *models*: of the other half's fit, and of that of all."""
    at_s, span_s = _times(part), part.span_s
    figures = figures_in(at_s, span_s, windows)

    def runs(model: ArrivalFit) -> Runs:
        spec = model.at_rate(len(at_s) / span_s, part.start, span_s).spec()
        return Runs.of(replicates(spec, span_s, seeds, part.start), span_s, windows)

    window_s = rate_windows_s(_times(requests), requests.span_s)
    gaps = rescaled_gaps(_times(requests), requests.span_s, window_s)
    process = Renewal(CurveRate(at_s, window_s, span_s), gamma_shape(gaps))
    follow = Runs.of((one(process, seed, 0.0, span_s) for seed in range(seeds)), span_s,
                     figures.windows)  # fmt: skip
    return Half(part, figures, runs(models[0]), runs(models[1]), follow)


def _curve_row(halves: Sequence[Half], on_off: bool, requests: Requests) -> Row:
    ways = [half.curve.dispersion_error(half.figures.log_dispersion) for half in halves]
    value, band = max(ways), _noise([half.curve for half in halves])
    note = _ways(ways)
    if on_off:
        why = "an on/off service changes within the 60 s of a curve; E_IDC of the terms tells"
        return Row(GIVEN_CURVE, value, "", _floor(halves), band, None, why)
    window_s = rate_windows_s(_times(requests), requests.span_s)
    if window_s > RESCALE_S:
        why = f"so few requests that a curve needs windows of {window_s:.0f} s, which were taken"
        return Row(GIVEN_CURVE, value, "", _floor(halves), band, None, why)
    least = min(float(np.exp(np.nanmax(half.figures.log_dispersion))) for half in halves)
    if least * CURVE_NOISE < 1.0:
        why = f"so even a trace (IDC {least:.1f}) is blurred by the noise of a curve of own counts"
        return Row(GIVEN_CURVE, value, "", _floor(halves), band, None, why)
    met = value <= MOST_CURVE
    why = note if met else f"{note}: swings within 60 s that gamma gaps do not make"
    return Row(GIVEN_CURVE, value, f"<= {MOST_CURVE:g}", _floor(halves), band, met, why)


def _stationary_row(halves: Sequence[Half]) -> Row:
    ways = [half.held_out.dispersion_error(half.figures.log_dispersion) for half in halves]
    poisson = [float(np.nanmean(np.abs(half.figures.log_dispersion))) for half in halves]
    floor, band = _floor(halves), _noise([half.held_out for half in halves])
    beats = all(
        way <= POISSON_SHARE * plain or plain <= 1.0
        for way, plain in zip(ways, poisson, strict=True)
    )
    value, met = max(ways), max(ways) <= MOST_STATIONARY and beats
    note = f"{_ways(ways)}; Poisson {_numbers(poisson)}"
    if not met and value <= band[1]:
        note += f": within the noise of replicates, up to {band[1]:.2f}"
    elif not met and floor > 0.7 * value:
        note += f": the halves themselves differ by {floor:.2f}, one does not foretell the other"
    ask = f"<= {MOST_STATIONARY:g}, half of Poisson's where that is > 1"
    return Row(STATIONARY, value, ask, floor, band, met, note)


def _band_row(halves: Sequence[Half]) -> Row:
    total = len(halves[0].figures.windows)
    least = int(np.ceil(BAND_SHARE * total))
    inside = [half.whole.in_band(half.figures) for half in halves]
    trained = [half.held_out.in_band(half.figures) for half in halves]
    met = min(inside) >= least
    note = f"whole-trace fit {_numbers(inside)} of {total}, held out {_numbers(trained)}"
    return Row(IN_BAND, float(min(inside)), f">= {least} of {total}", None, None, met, note)


def _peak_row(halves: Sequence[Half], on_off: bool) -> Row:
    windows_s = halves[0].figures.windows.peak_s
    if not windows_s:
        return missing(PEAKS, "no window is as long as the tick and fits each half ten times")
    errors = np.array([half.whole.peak_errors(half.figures.log_peak) for half in halves])
    trained = np.array([half.held_out.peak_errors(half.figures.log_peak) for half in halves])
    apart = np.expm1(halves[0].figures.log_peak - halves[1].figures.log_peak)
    floor = float(np.nanmax(np.abs(apart)))
    most = MOST_PEAK_ON_OFF if on_off else MOST_PEAK
    value = float(np.nanmax(np.abs(errors)))
    pairs = zip(windows_s, errors.T, strict=True)
    at = " / ".join(f"{w:g} s {_signed(column)}" for w, column in pairs)
    note = f"{at}; held out up to {np.nanmax(np.abs(trained)):.0%}"
    ask = f"<= {most:.0%}" + (" (on/off)" if on_off else "")
    band = _peak_band([half.whole for half in halves])
    if most < value <= band[1]:
        note += f": within the noise of replicates, up to {band[1]:.0%}"
    return Row(PEAKS, value, ask, floor, band, value <= most, note)


def _gap_row(halves: Sequence[Half], on_off: bool) -> Row:
    ways = [half.held_out.gap_distance(half.gaps) for half in halves]
    whole = [half.whole.gap_distance(half.gaps) for half in halves]
    value, note = max(ways), f"{_ways(ways)}; whole-trace fit {_numbers(whole, 3)}"
    floor = Runs(halves[0].figures.windows, np.empty((0, 0)), halves[0].gaps)
    distance = floor.gap_distance(halves[1].gaps)
    n = min(len(half.gaps) for half in halves)
    band = (0.52 / n**0.5, 1.36 / n**0.5)  # Kolmogorov's law, 5 and 95 %
    if on_off:
        why = "asked of services that do not switch on and off"
        return Row(GAPS, value, "", distance, band, None, f"{note}; {why}")
    return Row(GAPS, value, f"<= {MOST_GAPS:g}", distance, band, value <= MOST_GAPS, note)


def _floor(halves: Sequence[Half]) -> float:
    """Return E_IDC of one half as the model of the other."""
    first, second = (half.figures.log_dispersion for half in halves)
    n = min(len(first), len(second))
    return float(np.nanmean(np.abs(first[:n] - second[:n])))


def _noise(models: Sequence[Runs]) -> tuple[float, float]:
    found = [model.noise() for model in models]
    return min(low for low, _ in found), max(high for _, high in found)


def _peak_band(models: Sequence[Runs]) -> tuple[float, float]:
    """Return 5 and 95 % of what each replicate's largest peak error is against the medians."""
    found = []
    for model in models:
        logs = model.log_figures[:, len(model.windows.dispersion_s) :]
        found += np.nanmax(np.abs(np.expm1(logs - np.nanmedian(logs, axis=0))), axis=1).tolist()
    low, high = np.quantile(found, (0.05, 0.95))
    return float(low), float(high)


def _ways(values: Sequence[float]) -> str:
    return f"on half 1 {values[0]:.3f}, on half 2 {values[1]:.3f}"


def _numbers(values: Sequence[float], digits: int = 2) -> str:
    return " and ".join(f"{value:.{digits}f}".rstrip("0").rstrip(".") for value in values)


def _signed(values: FloatArray) -> str:
    return " and ".join(f"{value:+.0%}" for value in values)
