"""Samples of arrival processes, and how they are held against a law.

Seeds are chosen before looking. Tests are two-sided at ALPHA = 0.001, shared out evenly among
the comparisons of a test (Bonferroni). An interval that is too wide to tell anything fails, too:
its half-width may be at most PRECISION of the figure. Each law is also asked of a process that
breaks it, and has to be refused.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from scipy import integrate, stats

from sim.scenario.arrivals import PoissonArrivals, VaryingArrivals
from sim.traffic.arrivals import arrivals
from sim.traffic.chunk import FloatArray

ALPHA = 0.001
PRECISION = 0.08

Relative = Callable[[float], float]
"""Covariance of a rate at two instants, by their distance (s), over its mean squared."""


def spec(**fields: Any) -> VaryingArrivals:
    return VaryingArrivals.model_validate(fields)


def bursts(*terms: tuple[float, float]) -> list[dict[str, float]]:
    return [{"variance": variance, "time": time_s} for variance, time_s in terms]


def instants(
    of: PoissonArrivals | VaryingArrivals,
    end_s: float,
    seed: Sequence[int],
    start_s: float = 0.0,
    starts_on: str = "monday",
) -> FloatArray:
    """Return the instants from *start_s* to *end_s*."""
    got = []
    for chunk in arrivals(of, starts_on).chunks(np.random.default_rng(seed), start_s):
        got.append(chunk)
        if chunk[-1] >= end_s:
            break
    at_s = np.concatenate(got)
    return at_s[at_s < end_s]


def counts(at_s: FloatArray, window_s: float, span_s: float) -> FloatArray:
    """Return how many come in each of the whole windows of *span_s*."""
    n = int(span_s / window_s + 1e-9)
    return np.bincount((at_s / window_s).astype(np.int64), minlength=n)[:n].astype(np.float64)


def dispersion(at_s: FloatArray, window_s: float, span_s: float, rate_per_s: float) -> float:
    """Var/mean of counts about their known mean, so that a short span makes no bias."""
    mean = rate_per_s * window_s
    return float(np.mean((counts(at_s, window_s, span_s) - mean) ** 2) / mean)


def allan(at_s: FloatArray, window_s: float, span_s: float, rate_per_s: float) -> float:
    """Mean squared change from window to window over twice the mean: deaf to slow swings."""
    return float(
        np.mean(np.diff(counts(at_s, window_s, span_s)) ** 2) / (2.0 * rate_per_s * window_s)
    )


def idc(window_s: float, rate_per_s: float, relative: Relative) -> float:
    """Index of dispersion for counts of a Cox process (Cox & Lewis 1966, section 7.4)."""
    points = [window_s * 10.0**-k for k in range(1, 6)]
    area, _ = integrate.quad(
        lambda t: (window_s - t) * relative(t), 0.0, window_s, points=points, limit=500
    )
    return 1.0 + 2.0 * rate_per_s / window_s * area


def log_ou(*terms: tuple[float, float]) -> Relative:
    """Return the relative covariance of a rate with these (variance, time in s) of ln(rate)."""
    return lambda t: math.expm1(sum(v * math.exp(-t / time_s) for v, time_s in terms))


def agrees(
    found: Sequence[float], theory: float, alpha: float, precision: float = PRECISION
) -> bool:
    """Whether the t-interval of replicates holds *theory*; one that is too wide is an error."""
    mean, half = np.mean(found), stats.t.ppf(1 - alpha / 2, len(found) - 1)
    half *= np.std(found, ddof=1) / math.sqrt(len(found))
    assert half <= precision * theory, f"± {half / theory:.1%} is too wide to tell"
    return bool(abs(mean - theory) <= half)


class Measured:
    """Dispersions and Allan factors in several windows, over replicates of one process."""

    def __init__(
        self,
        of: VaryingArrivals,
        windows_s: Sequence[float],
        span_s: float,
        replicates: int,
        seed: int,
    ) -> None:
        self.rate_per_s = of.mean_rps
        self.dispersion: dict[float, list[float]] = {w: [] for w in windows_s}
        self.allan: dict[float, list[float]] = {w: [] for w in windows_s}
        for replicate in range(replicates):
            at_s = instants(of, span_s, (seed, replicate))
            for w in windows_s:
                self.dispersion[w].append(dispersion(at_s, w, span_s, of.mean_rps))
                self.allan[w].append(allan(at_s, w, span_s, of.mean_rps))

    def fits(self, relative: Relative, precision: float = PRECISION) -> bool:
        """Whether all of it is what *relative* makes it; the Allan factor is 2 IDC(w) - IDC(2w)."""
        alpha = ALPHA / (2 * len(self.dispersion))
        verdicts = []
        for w, found in self.dispersion.items():
            one, two = (idc(n * w, self.rate_per_s, relative) for n in (1, 2))
            verdicts.append(agrees(found, one, alpha, precision))
            verdicts.append(agrees(self.allan[w], 2.0 * one - two, alpha, precision))
        return all(verdicts)
