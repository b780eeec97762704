"""Dispersion: the index of dispersion of counts that a fitted process has, in closed form.

Knows no clock. For a rate λ · A · exp(Σ X_k - ½ Σ s_k²), X_k Ornstein-Uhlenbeck with variance
s_k² and time τ_k, A the share of active clients over its mean (variance a, time α), gamma gaps of
shape k between batches, and geometric batches of mean size m whose requests come δ apart:

    IDC(w) = 1 + 2λ/w ∫₀ʷ (w - t) ((1 + a e^(-t/α)) exp(Σ s_k² e^(-t/τ_k)) - 1) dt
               + 2/w Σₙ (1 - 1/m)ⁿ max(w - n δ, 0) + m (R(λ w / m) - 1)

The first term is the variance of a Cox process (Daley and Vere-Jones 2003, section 6.2), the
second counts further requests of the same batch, and R is the index of the stationary gamma
renewal process, 1 + 2/x ∫₀ˣ (M(u) - u) du with its renewal function M (Cox 1962, section 4.5).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from sim.catalog.presets import Burst
from sim.traffic.chunk import FloatArray

_LAGS = 1_500
_FIRST_LAG_S = 1e-4


@dataclass(frozen=True)
class Batching:
    """Geometric batches: mean size, and seconds between two requests of one."""

    mean_size: float = 1.0
    gap_s: float = 0.0


@dataclass(frozen=True)
class Switching:
    """Clients that are on and off by turns, as the variance of their number over its mean².

    The number of active ones among n forgets itself at the rate 1/on + 1/off, and its relative
    variance is off / (on n).
    """

    variance: float
    time_s: float

    def times_s(self, clients: int) -> tuple[float, float]:
        """Return the mean times on and off with which so many *clients* switch like this.

        >>> on_s, off_s = Switching(0.5, 8.0).times_s(4)
        >>> (round(off_s / on_s / 4, 9), round(1 / (1 / on_s + 1 / off_s), 9))
        (0.5, 8.0)
        """
        on_share = 1.0 / (1.0 + clients * self.variance)
        return self.time_s / (1.0 - on_share), self.time_s / on_share


@dataclass(frozen=True)
class Unevenness:
    """All that makes counts spread more, or less, than those of a Poisson process."""

    bursts: tuple[Burst, ...] = ()
    gap_shape: float = 1.0
    batching: Batching = Batching()
    switching: Switching | None = None


def expected_dispersion(
    windows_s: FloatArray,
    rate_per_s: float,
    uneven: Unevenness = Unevenness(),
) -> FloatArray:
    """Return IDC(w) of an endless record.

    >>> expected_dispersion(np.array([0.1, 10.0]), 5.0).tolist()
    [1.0, 1.0]
    """
    size = uneven.batching.mean_size
    renewal = size * (renewal_dispersion(rate_per_s * windows_s / size, uneven.gap_shape) - 1.0)
    lag_s = np.concatenate(([0.0], np.geomspace(_FIRST_LAG_S, float(windows_s.max()), _LAGS)))
    excess = rate_per_s * _rate_covariance(lag_s, uneven)
    area = np.interp(windows_s, lag_s, _areas(excess, lag_s))
    moment = np.interp(windows_s, lag_s, _areas(lag_s * excess, lag_s))
    cox = 2.0 * (area - moment / windows_s)
    batches = _batch_excess(windows_s, uneven.batching)
    return np.asarray(1.0 + renewal + cox + batches, dtype=np.float64)


def _rate_covariance(lag_s: FloatArray, uneven: Unevenness) -> FloatArray:
    """Return the covariance of the rate over its mean², at each lag."""
    exponent = np.zeros_like(lag_s)
    for burst in uneven.bursts:
        exponent += burst.variance * np.exp(-lag_s / burst.time_s)
    product = np.exp(exponent)
    if uneven.switching is not None:
        switching = uneven.switching
        product *= 1.0 + switching.variance * np.exp(-lag_s / switching.time_s)
    return product - 1.0


def observed_dispersion(
    windows_s: FloatArray, span_s: float, endless: FloatArray, endless_of_span: float
) -> FloatArray:
    """Return what a record of *span_s* shows on average of an *endless* one's IDC.

    Its own mean count is subtracted, not the true one: E[S²(w)] = Var(w) - (w/T)² Var(T).
    """
    return np.maximum(endless - windows_s / span_s * endless_of_span, 1e-3 * endless)


def renewal_dispersion(expected: FloatArray, shape: float) -> FloatArray:
    """Return the IDC of a stationary gamma renewal process over *expected* requests."""
    if shape == 1.0:
        return np.ones_like(expected)
    u, area, rest = _renewal_table(round(shape, 4))
    beyond = np.maximum(expected - u[-1], 0.0)
    found = np.interp(expected, u, area) + rest * beyond
    return np.asarray(1.0 + 2.0 * found / expected, dtype=np.float64)


@lru_cache(maxsize=32)
def _renewal_table(shape: float) -> tuple[FloatArray, FloatArray, float]:
    """Return u, ∫₀ᵘ (M(v) - v) dv, and what M(v) - v is in the end: (1/shape - 1)/2."""
    from scipy.special import gammainc

    top = max(30.0, 10.0 / shape)
    u = np.concatenate(([0.0], np.geomspace(1e-5, top, 800)))
    events = np.arange(1, int(top + 8.0 * np.sqrt(top / shape)) + 5)
    excess = -u
    for n in events:
        excess = excess + gammainc(n * shape, shape * u)
    return u, _areas(excess, u), (1.0 / shape - 1.0) / 2.0


def _batch_excess(windows_s: FloatArray, batching: Batching) -> FloatArray:
    """Return 2/w Σₙ pⁿ (w - n δ) over n δ < w, p = 1 - 1/m; 2 (m - 1) at once for δ = 0."""
    p = 1.0 - 1.0 / batching.mean_size
    if batching.gap_s == 0.0 or p == 0.0:
        return np.full_like(windows_s, 2.0 * (batching.mean_size - 1.0))
    n = np.floor(windows_s / batching.gap_s)
    fades = p**n
    members = p * (1.0 - fades) / (1.0 - p)
    places = p * (1.0 - (n + 1.0) * fades + n * fades * p) / (1.0 - p) ** 2
    return np.asarray(2.0 * (members - batching.gap_s * places / windows_s), dtype=np.float64)


def _areas(y: FloatArray, x: FloatArray) -> FloatArray:
    """Return ∫ y from the first to each *x*, by trapezoids."""
    return np.concatenate(([0.0], np.cumsum((y[1:] + y[:-1]) / 2.0 * np.diff(x))))
