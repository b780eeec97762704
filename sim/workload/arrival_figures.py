"""Arrival figures: what arrivals are compared by, of a trace and of replicates; no clock."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from sim.traffic.chunk import FloatArray
from sim.workload.counts import count, whole_ticks
from sim.workload.gaps import distance
from sim.workload.requests import Requests

DISPERSION_WINDOWS_S = (0.1, 1.0, 10.0, 60.0, 120.0)
PEAK_WINDOWS_S = (1.0, 10.0, 60.0)
LEAST_WINDOWS = 10
"""Windows from which figures are compared: 120 s in the halves of an hour's trace have 14."""

MOST_GAPS = 20_000
"""Gaps that are kept of each replicate, about: every second or third of all, alike for all."""


@dataclass(frozen=True)
class Windows:
    """The windows (s) that a trace can be judged by, given its span and its clock's tick."""

    dispersion_s: tuple[float, ...]
    peak_s: tuple[float, ...]

    @classmethod
    def of(cls, span_s: float, tick_s: float | None) -> Windows:
        """Return those of the usual ones that fit *span_s* ten times, in whole ticks."""
        peaks = [w for w in PEAK_WINDOWS_S if tick_s is None or w >= tick_s * (1 - 1e-9)]
        return cls(
            tuple(w for w in whole_ticks(DISPERSION_WINDOWS_S, tick_s) if _fits(w, span_s)),
            tuple(w for w in whole_ticks(peaks, tick_s) if _fits(w, span_s)),
        )

    def __len__(self) -> int:
        return len(self.dispersion_s) + len(self.peak_s)


@dataclass(frozen=True)
class Figures:
    """ln of the index of dispersion and of peak/mean at the `windows`.

    nan where all requests lie beyond the last whole window.
    """

    windows: Windows
    log_dispersion: FloatArray
    log_peak: FloatArray

    def together(self) -> FloatArray:
        """Return both in one array."""
        return np.concatenate((self.log_dispersion, self.log_peak))


def figures_in(at_s: FloatArray, span_s: float, windows: Windows) -> Figures:
    """Return the figures of *at_s* at these *windows*."""
    spreads = [count(at_s, w, span_s).dispersion for w in windows.dispersion_s]
    peaks = [count(at_s, w, span_s).peak_to_mean for w in windows.peak_s]
    return Figures(windows, _logs(spreads), _logs(peaks))


def figures_of(at_s: FloatArray, span_s: float, tick_s: float | None) -> Figures:
    """Return the figures of *at_s* at the windows that it can be judged by."""
    return figures_in(at_s, span_s, Windows.of(span_s, tick_s))


@dataclass(frozen=True)
class Runs:
    """Figures of all replicates of one process (rows), and their gaps."""

    windows: Windows
    log_figures: FloatArray
    gaps: FloatArray

    @classmethod
    def of(cls, runs: Iterable[FloatArray], span_s: float, windows: Windows) -> Runs:
        """Return what *runs*, the arrivals of each, show; those without requests do not count."""
        rows, gaps = [np.empty((0, len(windows)))], [np.empty(0)]
        every = 0
        for at_s in runs:
            if len(at_s) > 1:
                rows.append(figures_in(at_s, span_s, windows).together()[None, :])
                every = every or 1 + len(at_s) // MOST_GAPS
                gaps.append(gaps_of(at_s)[::every])
        return cls(windows, np.concatenate(rows), np.concatenate(gaps))

    @property
    def medians(self) -> FloatArray:
        """Median over replicates of each figure."""
        return np.asarray(np.nanmedian(self.log_figures, axis=0), dtype=np.float64)

    def dispersion_error(self, log_dispersion: FloatArray) -> float:
        """Return E_IDC: the mean |ln(model / trace)| over windows, the model's being medians."""
        own = self.medians[: len(self.windows.dispersion_s)]
        return float(np.nanmean(np.abs(own - log_dispersion)))

    def noise(self, quantiles: tuple[float, ...] = (0.05, 0.95)) -> tuple[float, ...]:
        """Return *quantiles* over replicates of what `dispersion_error` gives for each of them."""
        n = len(self.windows.dispersion_s)
        errors = np.nanmean(np.abs(self.log_figures[:, :n] - self.medians[:n]), axis=1)
        return tuple(float(q) for q in np.nanquantile(errors, quantiles))

    def in_band(self, figures: Figures) -> int:
        """Return how many of *figures* lie within the 5-95 % range of the replicates."""
        low, high = np.nanquantile(self.log_figures, (0.05, 0.95), axis=0)
        found = figures.together()
        return int(((found >= low - 1e-9) & (found <= high + 1e-9)).sum())

    def peak_errors(self, log_peak: FloatArray) -> FloatArray:
        """Return model / trace - 1 of peak/mean at each window, the model's being medians."""
        own = self.medians[len(self.windows.dispersion_s) :]
        return np.asarray(np.expm1(own - log_peak), dtype=np.float64)

    def gap_distance(self, gaps: FloatArray) -> float:
        """Return the largest difference of the distribution functions of gaps."""
        return distance(gaps, self.gaps)


def gaps_of(at_s: FloatArray) -> FloatArray:
    """Return the gaps of *at_s* in whole microseconds, which no file's clock is finer than."""
    return np.round(np.diff(at_s), 6)


def likeness(true: Figures, runs: Iterable[FloatArray], requests: Requests) -> float:
    """Return how far *runs* are from a trace: mean |ln| of dispersions, of peaks, and gap KS."""
    assert requests.arrived_at_s is not None
    found = Runs.of(runs, requests.span_s, true.windows)
    if not len(found.gaps):
        return float("inf")
    dispersion = found.dispersion_error(true.log_dispersion) if true.windows.dispersion_s else 0.0
    peaks = np.abs(np.log1p(found.peak_errors(true.log_peak)))
    gaps = found.gap_distance(gaps_of(requests.arrived_at_s))
    return dispersion + (float(np.nanmean(peaks)) if len(peaks) else 0.0) + gaps


def _fits(window_s: float, span_s: float) -> bool:
    return span_s >= window_s * LEAST_WINDOWS


def _logs(values: Iterable[float | None]) -> FloatArray:
    """Return ln of *values*, nan for None; counts that never vary have a dispersion of 1e-9."""
    return np.log([np.nan if value is None else max(value, 1e-9) for value in values])
