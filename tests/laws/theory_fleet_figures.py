"""Fleet figures: what theory knows of servers that come and go; read off a sample."""

from __future__ import annotations

import numpy as np

from sim.cost.bill import bill
from sim.cost.quantity import useful_tokens
from tests.laws.theory_figures import Figure
from tests.laws.theory_fleets import DAY_S, HOUR_S, OfTime
from tests.laws.theory_sample import Sample

SAMPLED_EVERY_S = 1800.0
"""How often requests in service are counted."""


def off(share: float) -> Figure:
    """Share of time in which the one node is not rented."""
    return Figure("off share", share, lambda s: 1.0 - s.pool.paid_s / s.run.usage.window_s)


def usd_per_hour(usd: float) -> Figure:
    """What an hour costs."""
    return Figure("USD/hour (T14)", usd, lambda s: bill(s.run.usage, s.scenario).usd_per_hour)


def tokens_per_usd(tokens: float) -> Figure:
    """Useful tokens for a dollar: unlike USD per token it has no bias from a mean of ratios."""

    def of(sample: Sample) -> float:
        usage = sample.run.usage
        return useful_tokens(usage.overall) / bill(usage, sample.scenario).total_usd

    return Figure("useful tokens/USD (T14)", tokens, of)


def ready(share: float) -> Figure:
    """Share of paid time in which a replica is ready, work or not."""
    return Figure("ready share", share, lambda s: (s.pool.busy_s + s.pool.idle_s) / s.pool.paid_s)


def ready_at_least(least: int, share: float) -> Figure:
    """Share of time with that many replicas ready or more, by the fleet's events."""

    def of(sample: Sample) -> float:
        events = sample.run.events
        begins_s = np.clip([event.at_s for event in events], 0.0, sample.run.usage.window_s)
        spells_s = np.diff(begins_s, append=sample.run.usage.window_s)
        enough = np.array([event.ready for event in events]) >= least
        return float(spells_s[enough].sum() / spells_s.sum())

    return Figure(f"time with {least} or more ready", share, of)


def in_service(name: str, mean: OfTime, from_hour: int, to_hour: int) -> Figure:
    """Mean requests in service between two hours of the day, sampled at fixed times."""

    def chosen(at_s: np.ndarray) -> np.ndarray:
        hour = at_s % DAY_S / HOUR_S
        return np.asarray((hour >= from_hour) & (hour < to_hour))

    def of(sample: Sample) -> float:
        at_s, running = _levels(sample)
        return float(running[chosen(at_s)].mean())

    at_s = np.arange(0.0, DAY_S, SAMPLED_EVERY_S)
    return Figure(name, float(mean(at_s[chosen(at_s)]).mean()), of)


def dispersion(mean: OfTime) -> Figure:
    """Variance of the requests in service over its own mean at the time of day: Poisson has 1."""

    def of(sample: Sample) -> float:
        at_s, running = _levels(sample)
        expected = mean(at_s)
        return float(np.mean((running - expected) ** 2 / expected))

    return Figure("variance/mean", 1.0, of, tail=True)


def _levels(sample: Sample) -> tuple[np.ndarray, np.ndarray]:
    """Times of whole days, and requests in service then."""
    rows = sample.run.timeseries
    at_s = np.array([row["t_s"] for row in rows], dtype=float)
    assert sample.run.usage.window_s % DAY_S == 0.0
    return at_s, np.array([row["vllm:num_requests_running"] for row in rows], dtype=float)
