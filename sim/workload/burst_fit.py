"""Burst fit: log-OU terms whose closed-form dispersion is nearest to a trace's; knows no clock."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from sim.catalog.presets import Burst
from sim.traffic.chunk import FloatArray
from sim.workload.counts import dispersion, whole_ticks
from sim.workload.dispersion import (
    Switching,
    Unevenness,
    expected_dispersion,
    observed_dispersion,
)

LEAST_WINDOWS = 10
"""Windows from which a dispersion is fitted to."""

FIT_WINDOWS_S = tuple(float(w) for w in np.geomspace(0.1, 600.0, 18))
LONGEST_SHARE = 1 / 8
"""Longest burst time, in spans: slower swings cannot be told from the mean."""

SHORTEST_S = 0.1
SHORTEST_GAPS = 0.3
"""Shortest burst time, in s and in mean gaps: below, gaps and batches tell the same story."""

SECOND_TERM = 0.03
"""What a second term must better the mean |ln(model / trace)| of dispersions by."""

_VARIANCES = {"bursts": (1e-4, 4.0), "switching": (1e-3, 200.0)}
"""A scenario takes no stronger burst."""

_SHORTEST_TURN_S = 0.5

_STARTS: dict[tuple[int, bool], tuple[tuple[float, ...], ...]] = {
    (1, False): ((0.05, 5.0), (0.05, 100.0), (1.0, 10.0)),
    (2, False): ((0.03, 1.0, 0.05, 200.0), (0.3, 3.0, 0.2, 100.0), (1.0, 1.0, 0.3, 30.0)),
    (0, True): ((1.0, 5.0), (5.0, 20.0)),
    (1, True): ((1.0, 5.0, 0.1, 100.0), (5.0, 20.0, 0.1, 200.0)),
}
"""By the number of terms, and whether clients switch: where the search begins."""


@dataclass(frozen=True)
class Spread:
    """Dispersions of one trace: what terms are fitted to."""

    windows_s: FloatArray
    observed: FloatArray
    rate_per_s: float
    span_s: float


def spread_of(at_s: FloatArray, span_s: float, tick_s: float | None) -> Spread:
    """Return the dispersions of *at_s* at all windows that fit the span often enough."""
    found = {
        w: idc
        for w in whole_ticks(FIT_WINDOWS_S, tick_s)
        if (idc := dispersion(at_s, w, span_s, LEAST_WINDOWS)) is not None and idc > 0.0
    }
    windows = np.array(list(found), dtype=np.float64)
    observed = np.array(list(found.values()), dtype=np.float64)
    return Spread(windows, observed, len(at_s) / span_s, span_s)


def fit_bursts(spread: Spread, given: Unevenness) -> Unevenness:
    """Return *given* with one burst term, or two where a second one tells."""
    return _simplest([fit_unevenness(spread, given, terms, False) for terms in (1, 2)], spread)


def fit_switching(spread: Spread) -> Unevenness:
    """Return clients that are on and off, with a burst term where that tells."""
    own = [fit_unevenness(spread, Unevenness(), terms, True) for terms in (0, 1)]
    return _simplest(own, spread)


def _simplest(nested: Sequence[Unevenness], spread: Spread) -> Unevenness:
    """Return the second of two only if its mean |ln(model / trace)| is clearly less."""
    if not len(spread.windows_s):
        return nested[0]
    first, second = (float(np.abs(_misses(spread, one)).mean()) for one in nested)
    return nested[1] if first - second >= SECOND_TERM else nested[0]


def fit_unevenness(spread: Spread, given: Unevenness, terms: int, switching: bool) -> Unevenness:
    """Return *given* with so many burst *terms*, and with switching clients if asked for.

    Least squares of ln IDC over all windows, for the span that the trace has, from several
    starts. Without windows enough for the parameters nothing is added.
    """
    from scipy.optimize import least_squares

    starts = _STARTS.get((terms, switching), ())
    if not starts or len(spread.windows_s) <= len(starts[0]):
        return given
    shortest_s = max(SHORTEST_S, SHORTEST_GAPS / spread.rate_per_s)
    longest_s = max(LONGEST_SHARE * spread.span_s, 2.0 * max(shortest_s, _SHORTEST_TURN_S))
    low = np.log([_VARIANCES["switching"][0], _SHORTEST_TURN_S] * switching
                 + [_VARIANCES["bursts"][0], shortest_s] * terms)  # fmt: skip
    high = np.log([_VARIANCES["switching"][1], longest_s] * switching
                  + [_VARIANCES["bursts"][1], longest_s] * terms)  # fmt: skip

    def misses(logs: FloatArray) -> FloatArray:
        return _misses(spread, _with(given, logs, switching))

    found = [
        least_squares(
            misses,
            np.clip(np.log(start), low + 1e-3, high - 1e-3),
            bounds=(low, high),
            xtol=1e-4,
            ftol=1e-4,
        )
        for start in starts
    ]
    return _with(given, min(found, key=lambda one: float(one.cost)).x, switching)


def _with(given: Unevenness, logs: FloatArray, switching: bool) -> Unevenness:
    """Return *given* with the terms whose logarithms *logs* are, shortest time first."""
    values = np.exp(logs).tolist()
    pairs = list(zip(values[::2], values[1::2], strict=True))
    clients = Switching(*pairs.pop(0)) if switching else None
    bursts = [Burst(variance=variance, time_s=time_s) for variance, time_s in pairs]
    ordered = tuple(sorted(bursts, key=lambda burst: burst.time_s))
    return replace(given, bursts=ordered, switching=clients)


def _misses(spread: Spread, uneven: Unevenness) -> FloatArray:
    """Return ln(model / trace) at each window."""
    both = np.append(spread.windows_s, spread.span_s)
    endless = expected_dispersion(both, spread.rate_per_s, uneven)
    shown = observed_dispersion(spread.windows_s, spread.span_s, endless[:-1], float(endless[-1]))
    return np.asarray(np.log(shown / spread.observed), dtype=np.float64)
