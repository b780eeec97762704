"""Gaps: times between requests, and the gamma law that is nearest to them; knows no clock."""

from __future__ import annotations

import math

import numpy as np

from sim.traffic.chunk import FloatArray

RESCALE_S = 60.0
"""Window of the rate that gaps are measured by, so that slow swings do not count as bursts."""

RESCALE_REQUESTS = 100.0
"""Requests that a window should have, so that the rate is not the noise of its own count."""

LEAST_GAPS = 50
SHAPES = (0.02, 200.0)
_LOG_SHAPES = (math.log(SHAPES[0]), math.log(SHAPES[1]))
_MOST_GAPS = 4_000


def gap_cv(at_s: FloatArray) -> float | None:
    """Return standard deviation / mean of the gaps; None below two gaps or if all are 0."""
    gaps = np.diff(at_s)
    mean = float(gaps.mean()) if len(gaps) > 1 else 0.0
    return float(gaps.std()) / mean if mean > 0.0 else None


def distance(first: FloatArray, second: FloatArray) -> float:
    """Return the Kolmogorov-Smirnov distance of two samples: the largest of |F₁ - F₂|."""
    a, b = np.sort(first), np.sort(second)
    at = np.concatenate((a, b))
    below_a = np.searchsorted(a, at, "right") / len(a)
    below_b = np.searchsorted(b, at, "right") / len(b)
    return float(np.abs(below_a - below_b).max())


def rate_windows_s(at_s: FloatArray, span_s: float) -> float:
    """Return the window of a rate curve: 60 s, longer where that has below 100 requests."""
    return max(RESCALE_S, RESCALE_REQUESTS * span_s / len(at_s))


def rescaled_gaps(at_s: FloatArray, span_s: float, window_s: float) -> FloatArray:
    """Return the gaps in expected requests, by the trace's own rate in windows of *window_s*.

    The residuals of Ogata 1988 with a rate that is constant within a window; their mean is 1.
    """
    windows = max(1, int(np.ceil(span_s / window_s)))
    edges_s = np.minimum(np.arange(windows + 1) * window_s, span_s)
    counts = np.histogram(at_s, bins=edges_s)[0] if windows > 1 else np.array([len(at_s)])
    expected = np.concatenate(([0.0], np.cumsum(counts)))
    gaps = np.diff(np.interp(at_s, edges_s, expected))
    return np.asarray(gaps / gaps.mean(), dtype=np.float64)


def gamma_shape(gaps: FloatArray) -> float:
    """Return the shape of the gamma law of mean 1 whose distribution is nearest to *gaps*.

    Least squares between the distribution functions (Cramér-von Mises), since a likelihood is
    ruled by the few shortest gaps, which a clock's resolution makes; 1 below `LEAST_GAPS` gaps.
    """
    from scipy.optimize import minimize_scalar
    from scipy.special import gammainc

    if len(gaps) < LEAST_GAPS:
        return 1.0
    n = min(len(gaps), _MOST_GAPS)
    levels = (np.arange(n) + 0.5) / n
    x = np.quantile(gaps / gaps.mean(), levels)

    def misfit(log_shape: float) -> float:
        shape = float(np.exp(log_shape))
        return float(np.square(gammainc(shape, shape * x) - levels).mean())

    best = minimize_scalar(misfit, bounds=_LOG_SHAPES, method="bounded")
    return float(np.exp(best.x))
