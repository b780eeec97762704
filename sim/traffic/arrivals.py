"""Arrivals: when the requests of one route come, as an endless run of arrays; knows no clock.

λ(t) is the mean × day curve × growth × events × on and off × bursts (`envelope`, `on_off`,
`ornstein`, put together in `rate_path`). Points are those of a renewal process in Λ (`renewal`),
and may be the starts of batches (`fan_out`). Draws invert distribution functions (`draws`).
Results do not depend on the sizes of the arrays.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from sim.scenario.arrivals import PoissonArrivals, VaryingArrivals
from sim.traffic.chunk import CHUNK_REQUESTS, FloatArray, chunk_sizes
from sim.traffic.draws import exponentials
from sim.traffic.fan_out import FanOut
from sim.traffic.rate_path import RandomRate
from sim.traffic.rates import ConstantRate, WeeklyRate
from sim.traffic.renewal import CoxRenewal, Renewal


class Arrivals(Protocol):
    """An arrival process of one route."""

    def chunks(
        self, rng: np.random.Generator, start_s: float, limit: int = CHUNK_REQUESTS
    ) -> Iterator[FloatArray]:
        """Yield arrays of at most *limit* non-decreasing instants (s), the first from *start_s*."""
        ...


@dataclass(frozen=True)
class Counted:
    """Exactly *count* requests from time 0 on, the last at count/requests_per_s, then none.

    A Poisson process whose gaps are rescaled to that total, as `vllm bench serve` does in
    its `get_request`. There is no traffic before time 0.
    """

    requests_per_s: float
    count: int

    def __post_init__(self) -> None:
        if not (0.0 < self.requests_per_s < np.inf) or self.count < 1:
            raise ValueError(
                f"count ({self.count}) must be at least 1 and "
                f"requests_per_s ({self.requests_per_s}) positive and finite"
            )

    def chunks(
        self, rng: np.random.Generator, start_s: float = 0.0, limit: int = CHUNK_REQUESTS
    ) -> Iterator[FloatArray]:
        """Yield the *count* instants (s) in arrays of at most *limit*; *start_s* is not used.

        The gaps are drawn twice, first for their sum, so that memory stays bounded.
        """
        total = 0.0
        for sums in self._sums(copy.deepcopy(rng), limit):
            total = float(sums[-1])
        for sums in self._sums(rng, limit):
            yield sums / total * (self.count / self.requests_per_s)

    def _sums(self, rng: np.random.Generator, limit: int) -> Iterator[FloatArray]:
        left, reached = self.count, 0.0
        for size in chunk_sizes(limit):
            gaps = exponentials(rng, min(size, left))
            gaps[0] += reached
            sums = np.cumsum(gaps)
            yield sums
            left, reached = left - len(gaps), float(sums[-1])
            if not left:
                return


def arrivals(
    spec: PoissonArrivals | VaryingArrivals, starts_on: str = "monday", share: float = 1.0
) -> Arrivals:
    """Return the process that *spec* describes; *starts_on* is the weekday of time 0.

    *share*: only this part of the requests comes by itself, since the rest follows from it (as
    later turns of a conversation do). It thins the process and leaves its bursts as they are.
    """
    if isinstance(spec, PoissonArrivals):
        if spec.count is not None:
            return Counted(spec.rps * share, spec.count)
        return Renewal(ConstantRate(spec.rps * share))
    settings = spec.settings()
    size = settings.batch_mean_size
    starts_per_s = settings.mean_rps * share / size
    starts: Arrivals
    if not settings.is_weekly:
        rate = RandomRate(settings, starts_per_s, starts_on)
        starts = CoxRenewal(rate, settings.gap_shape)
    elif spec.day_curve is None:
        starts = Renewal(ConstantRate(starts_per_s), settings.gap_shape)
    else:
        hours = settings.weekday, settings.weekend
        weekly = WeeklyRate(starts_per_s, *hours, starts_on, settings.ahead_s)
        starts = Renewal(weekly, settings.gap_shape)
    return starts if size == 1.0 else FanOut(starts, size, settings.batch_gap_s)
