"""Rate settings: all that an arrival process needs to know, names looked up; knows no clock."""

from __future__ import annotations

import math
from dataclasses import dataclass

from sim.catalog.presets import Burst
from sim.scenario.bursts import OnOffClients
from sim.scenario.curve import Hours
from sim.scenario.events import Event


@dataclass(frozen=True, kw_only=True)
class RateSettings:
    """What `VaryingArrivals` comes down to, with nothing left to presets and names.

    `mean_rps` counts requests over a whole week, before growth and events. `weekday` and `weekend`
    are 24 factors each, their mean over a week 1, by a clock that is `ahead_s` ahead of the
    scenario's. `terms` hold at `bursts_at_rps`; None: at any rate. `growth` is the factor from
    one week to the next, 1 at time 0.
    """

    mean_rps: float
    weekday: Hours
    weekend: Hours
    ahead_s: float
    gap_shape: float
    terms: tuple[Burst, ...]
    bursts_at_rps: float | None
    batch_mean_size: float
    batch_gap_s: float
    on_off: OnOffClients | None
    growth: float
    events: tuple[Event, ...]

    @property
    def is_weekly(self) -> bool:
        """Whether the rate is known beforehand, and the same every week."""
        return not (self.terms or self.on_off or self.events) and self.growth == 1.0

    def mean_stray(self, length_s: float) -> float:
        """Return the relative standard deviation of the mean rate over *length_s*, at the start.

        A part with relative covariance v e^(-t/T) adds v g(length/T), g(x) = 2 (x - 1 + e^-x)/x²:
        the mean of the covariance over pairs of instants. Products of parts are left out.
        """
        fewer = 1.0 if self.bursts_at_rps is None else self.bursts_at_rps / self.mean_rps
        parts = [(fewer * math.expm1(term.variance), term.time_s) for term in self.terms]
        if self.on_off is not None:
            on_s, off_s = self.on_off.on, self.on_off.off
            parts.append((off_s / on_s / self.on_off.clients, 1.0 / (1.0 / on_s + 1.0 / off_s)))
        return math.sqrt(math.fsum(v * _mean_of_pairs(length_s / time_s) for v, time_s in parts))


def _mean_of_pairs(x: float) -> float:
    """Return the mean of e^-|s - t| over s and t in (0, x)."""
    return 1.0 - x / 3.0 if x < 1e-4 else 2.0 * (x + math.expm1(-x)) / x**2
