"""Slow fit: log-OU terms of rates in windows of minutes, once their day curve is out; no clock."""

from __future__ import annotations

import numpy as np

from sim.catalog.presets import Burst
from sim.traffic.chunk import FloatArray
from sim.workload.hours import OUTAGE, Hours
from sim.workload.start import Start
from sim.workload.tables import Rates

LONGEST_WINDOW_S = 900.0
LONGEST_SHARE = 1 / 8
"""Longest lag, in spans: beyond it the day curve has taken the swings with it."""

LEAST_VARIANCE = 1e-4
SECOND_TERM = 0.8
"""A second term must bring the misfit below this share of what it is with one."""

_LEAST_LAGS = 6


def slow_bursts(rates: Rates, hours: Hours) -> tuple[Burst, ...]:
    """Return one or two terms for the swings of *rates* about *hours*; none for coarse windows.

    Fitted to the autocovariance of ln(rate / curve) from one window on: at lag 0 the noise of
    the counts is in it. Swings within a window do not show, nor those over an eighth of the span.
    """
    if rates.window_s > LONGEST_WINDOW_S:
        return ()
    lags_s, covariance = _autocovariance(rates, hours)
    if len(lags_s) < _LEAST_LAGS or covariance[0] < LEAST_VARIANCE:
        return ()
    one, two = (_fitted(lags_s, covariance, terms) for terms in (1, 2))
    return two[0] if two[1] < SECOND_TERM * one[1] else one[0]


def _autocovariance(rates: Rates, hours: Hours) -> tuple[FloatArray, FloatArray]:
    """Return lags (s) from one window on, and the covariance of ln(rate / curve) at each."""
    start = rates.start or Start(0.0, None, "file")
    middles = (np.arange(len(rates.per_s)) + 0.5) * rates.window_s
    factors = hours.factors(start, rates.span_s)[(middles // 300.0).astype(np.int64)]
    relative = rates.per_s / np.maximum(factors, 1e-9)
    usual = float(np.nanmedian(relative))
    with np.errstate(divide="ignore", invalid="ignore"):
        logs = np.where(relative > OUTAGE * usual, np.log(relative), np.nan)
    residual = logs - _mean(logs)
    most = int(LONGEST_SHARE * len(logs))
    covariance = [_mean(residual[lag:] * residual[:-lag]) for lag in range(1, most + 1)]
    lags_s = np.arange(1, most + 1, dtype=np.float64) * rates.window_s
    return lags_s, np.array(covariance, dtype=np.float64)


def _mean(values: FloatArray) -> float:
    """Return the mean of those that are known; 0 if none is."""
    known = values[~np.isnan(values)]
    return float(known.mean()) if len(known) else 0.0


def _fitted(
    lags_s: FloatArray, covariance: FloatArray, terms: int
) -> tuple[tuple[Burst, ...], float]:
    """Return the terms nearest to *covariance*, shortest time first, and the sum of squares."""
    from scipy.optimize import least_squares

    low = np.log(np.tile([LEAST_VARIANCE / 10, lags_s[0]], terms))
    high = np.log(np.tile([4.0, lags_s[-1]], terms))
    times_s = np.geomspace(2.0 * lags_s[0], lags_s[-1] / 2.0, terms)
    start = np.log([v for time_s in times_s for v in (covariance[0] / terms, time_s)])

    def misses(logs: FloatArray) -> FloatArray:
        values = np.exp(logs).reshape(-1, 2)
        terms_at = values[:, :1] * np.exp(-lags_s / values[:, 1:])
        return np.asarray(terms_at.sum(axis=0) - covariance, dtype=np.float64)

    found = least_squares(misses, np.clip(start, low + 1e-3, high - 1e-3), bounds=(low, high))
    pairs = np.exp(found.x).reshape(-1, 2).tolist()
    bursts = [Burst(variance=variance, time_s=time_s) for variance, time_s in pairs]
    kept = [burst for burst in bursts if burst.variance >= LEAST_VARIANCE]
    return tuple(sorted(kept, key=lambda burst: burst.time_s)), float(found.cost)
