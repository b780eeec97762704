"""Plan scaler: replicas by the clock, or by what demand was a day ago. Kernel-free.

Time 0 is midnight at the start of the scenario's first measured day; negative times are before it.
"""

from __future__ import annotations

import math
from bisect import bisect_right

from sim.fleet.scaler import Decision, Observation
from sim.scenario.scaling_plan import WEEKDAYS, ForecastScaler, ScheduleScaler, Weekday

DAY_S = 86_400.0
WEEK_S = 7 * DAY_S

SCHEDULED = "as scheduled"
FORECAST = "demand of the period before"
NO_PAST = "no demand of the period before; present demand"

_ROUNDING = 1e-9
"""By how much a need may pass a whole number of replicas and still be that number."""


class Schedule:
    """The step of the week that is in force, between *least* and *most* replicas."""

    def __init__(self, spec: ScheduleScaler, starts_on: Weekday, *, least: int, most: int) -> None:
        first = WEEKDAYS.index(starts_on)
        steps = sorted(
            ((WEEKDAYS.index(day) - first) % 7 * DAY_S + step.at_s, step.replicas)
            for step in spec.steps
            for day in step.weekdays()
        )
        self._at_s = [at_s for at_s, _ in steps]
        self._replicas = [min(max(replicas, least), most) for _, replicas in steps]

    def decide(self, seen: Observation) -> Decision:
        """Return the replicas of the last step; before a week's first, of the week before."""
        latest = bisect_right(self._at_s, seen.now_s % WEEK_S) - 1
        return Decision(self._replicas[latest], SCHEDULED)


class Forecast:
    """Enough for the most that was asked for, a period ago, between now and the lead time.

    Until there is a period to look back on, the present demand stands for it. The demand of a slot
    is its mean; observations count for the time since the one before.
    """

    def __init__(self, spec: ForecastScaler, *, least: int, most: int) -> None:
        self.spec = spec
        self.least, self.most = least, most
        self._back = round(spec.period / spec.slot)
        self._slots: dict[int, tuple[float, float]] = {}
        self._last_s: float | None = None

    def decide(self, seen: Observation) -> Decision:
        """Return the replicas to want now. O(slots within the lead)."""
        demand = self.spec.replicas_for(seen.requests_per_s, seen.tokens_per_s)
        self._remember(seen.now_s, demand)
        ahead = range(self._slot(seen.now_s), self._slot(seen.now_s + self.spec.lead) + 1)
        past = [self._slots[n - self._back] for n in ahead if n - self._back in self._slots]
        complete = len(past) == len(ahead)
        expected = max((d / s for s, d in past), default=0.0) if complete else demand
        needed = math.ceil(expected * (1 + self.spec.margin) - _ROUNDING)
        replicas = min(max(needed, self.least), self.most)
        return Decision(replicas, FORECAST if complete else NO_PAST)

    def _slot(self, at_s: float) -> int:
        return math.floor(at_s / self.spec.slot)

    def _remember(self, now_s: float, demand: float) -> None:
        """Add the time since the last look to the slot of its middle; forget what is too old."""
        if self._last_s is not None and now_s > self._last_s:
            spent_s = now_s - self._last_s
            slot = self._slot((now_s + self._last_s) / 2)
            if slot not in self._slots:
                oldest = slot - self._back
                self._slots = {n: held for n, held in self._slots.items() if n >= oldest}
            seconds, amount = self._slots.get(slot, (0.0, 0.0))
            self._slots[slot] = (seconds + spent_s, amount + spent_s * demand)
        self._last_s = now_s
