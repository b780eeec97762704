"""Counts: requests in windows, and what their spread says of the rate; knows no clock."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from sim.traffic.chunk import FloatArray

MANY_WINDOWS = 20
"""Windows from which a variance of counts is worth telling."""

FEW_WINDOWS = 5
"""Windows from which the largest is worth telling."""

ON_OFF_VARIANCE = 0.3
"""Relative rate variance at 10 s, beyond that of long windows, from which a service is on/off.

That is a rate whose standard deviation within minutes is over half of its mean.
"""


@dataclass(frozen=True)
class Counts:
    """Counts of requests in the whole windows of a span, through their moments."""

    windows: int
    total: int
    squares: float
    largest: int

    @property
    def mean(self) -> float:
        """Mean count of a window."""
        return self.total / self.windows

    @property
    def dispersion(self) -> float | None:
        """Variance / mean; None without requests or below two windows."""
        if self.windows < 2 or not self.total:
            return None
        squares = max(self.squares - self.total * self.mean, 0.0)
        return squares / (self.windows - 1) / self.mean

    @property
    def peak_to_mean(self) -> float | None:
        """Largest / mean; None without requests."""
        return self.largest / self.mean if self.total else None


def count(at_s: FloatArray, window_s: float, span_s: float) -> Counts:
    """Count sorted *at_s* in the whole windows of [0, span_s); O(requests), however many windows.

    >>> count(np.array([0.1, 0.2, 2.5, 3.5]), 1.0, 3.0)
    Counts(windows=3, total=3, squares=5.0, largest=2)
    """
    windows = int(span_s / window_s + 1e-9)
    places = (at_s / window_s).astype(np.int64)
    places = places[: np.searchsorted(places, windows)]
    if not len(places):
        return Counts(windows, 0, 0.0, 0)
    edges = np.flatnonzero(np.diff(places)) + 1
    runs = np.diff(np.concatenate(([0], edges, [len(places)])))
    return Counts(windows, len(places), float(np.dot(runs, runs)), int(runs.max()))


def dispersion(
    at_s: FloatArray, window_s: float, span_s: float, least: int = MANY_WINDOWS
) -> float | None:
    """Return the index of dispersion of counts, IDC(w); None below *least* windows.

    Cox and Lewis 1966, section 4.5. 1 for a Poisson process, at every window.
    """
    counts = count(at_s, window_s, span_s)
    return counts.dispersion if counts.windows >= least else None


def rate_variance(idc: float | None, rate_per_s: float, window_s: float) -> float | None:
    """Return v(w) = (IDC(w) - 1) / (rate × w): the variance of the rate itself over its mean².

    It does not grow with the rate, so traces can be compared by it.
    """
    return None if idc is None else (idc - 1.0) / (rate_per_s * window_s)


def peak_to_mean(
    at_s: FloatArray, window_s: float, span_s: float, least: int = FEW_WINDOWS
) -> float | None:
    """Return the largest count of a window over the mean one; None below *least* windows."""
    counts = count(at_s, window_s, span_s)
    return counts.peak_to_mean if counts.windows >= least else None


def whole_ticks(windows_s: Iterable[float], tick_s: float | None) -> tuple[float, ...]:
    """Return *windows_s*, each at least one tick and made of whole ones, without twins.

    >>> whole_ticks((0.1, 1.0, 10.0, 60.0), 3.0)
    (3.0, 12.0, 60.0)
    """
    if tick_s is None:
        return tuple(windows_s)
    ticks = dict.fromkeys(max(1, int(np.ceil(w / tick_s - 1e-9))) for w in windows_s)
    return tuple(n * tick_s for n in ticks)


def is_wild(at_s: FloatArray, span_s: float, tick_s: float | None = None) -> bool:
    """Whether the rate's variance at 10 s is at least `ON_OFF_VARIANCE`, whatever it comes from."""
    return (_short_variance(at_s, span_s, tick_s) or 0.0) >= ON_OFF_VARIANCE


def is_on_off(at_s: FloatArray, span_s: float, tick_s: float | None = None) -> bool:
    """Whether the rate switches between bursts and near silence within minutes.

    v(10 s) less v of windows of 600 s (or a fifth of a shorter span), so that a day curve does
    not count, is at least `ON_OFF_VARIANCE`.
    """
    short = _short_variance(at_s, span_s, tick_s)
    if short is None:
        return False
    long_s = min(600.0, span_s / FEW_WINDOWS)
    long = dispersion(at_s, long_s, span_s, FEW_WINDOWS)
    slow = rate_variance(long, len(at_s) / span_s, long_s)
    return slow is not None and short - slow >= ON_OFF_VARIANCE


def _short_variance(at_s: FloatArray, span_s: float, tick_s: float | None) -> float | None:
    (window_s,) = whole_ticks((10.0,), tick_s)
    if span_s < MANY_WINDOWS * window_s:
        return None
    return rate_variance(dispersion(at_s, window_s, span_s), len(at_s) / span_s, window_s)
