"""Envelope: all of a rate that is known beforehand: hours, growth and events; knows no clock."""

from __future__ import annotations

import math

import numpy as np

from sim.scenario.rate import RateSettings
from sim.traffic.chunk import FloatArray
from sim.traffic.rates import HOUR_S, WEEK_S, WeeklyRate

NOTHING = 1e-12
"""Where growth has brought the rate down to this part of itself, there is no traffic any more."""


class Envelope:
    """A rate in requests per second that is constant between instants known beforehand.

    Growth goes by steps of an hour, each at the growth of its middle: its integral over an hour
    is right to (ln growth per hour)²/24.
    """

    def __init__(self, settings: RateSettings, mean_per_s: float, starts_on: str) -> None:
        self._weekly = WeeklyRate(
            mean_per_s, settings.weekday, settings.weekend, starts_on, settings.ahead_s
        )
        self._ln_growth_per_s = math.log(settings.growth) / WEEK_S
        self._events = settings.events
        borders = {(e.starts_at_s, e.ends_at_s) for e in settings.events}
        self._borders_s = np.unique(np.array([at_s for pair in borders for at_s in pair]))

    @property
    def ends_s(self) -> float:
        """When the rate has shrunk to nothing; infinite unless it shrinks."""
        if self._ln_growth_per_s >= 0.0:
            return math.inf
        return math.log(NOTHING) / self._ln_growth_per_s

    def growth(self, at_s: FloatArray) -> FloatArray:
        """Return the factor that growth has come to at instants (s); 1 at time 0."""
        return np.exp(self._ln_growth_per_s * at_s)

    def changes_s(self, start_s: float, end_s: float) -> FloatArray:
        """Return the instants between *start_s* and *end_s*, both excluded, at which it changes."""
        hours = self._weekly.hours_s(start_s, end_s)
        borders = self._borders_s
        inside = borders[(borders > start_s) & (borders < end_s)]
        return np.union1d(hours, inside) if inside.size else hours

    def at(self, at_s: FloatArray) -> FloatArray:
        """Return the rate at instants (s)."""
        rate = self._weekly.each(at_s)
        if self._ln_growth_per_s:
            begins_s = self._weekly.hour_begins_s(at_s)
            rate = rate * self.growth(begins_s + HOUR_S / 2)
        for event in self._events:
            inside = (at_s >= event.starts_at_s) & (at_s < event.ends_at_s)
            rate = np.where(inside, rate * event.times, rate)
        return rate
