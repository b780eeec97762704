"""Headroom: how much more traffic a fleet bears inside its SLOs, and when growth has used it up.

Knows no clock (today is an argument).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from operator import attrgetter

from sim.ledger.usage import SLO_SLACK
from sim.scenario.document import Scenario
from sim.studies.demand import at_demand
from sim.studies.paired_runs import PairedRuns
from sim.studies.peak_slice import allowed_at_peak, peak_slice
from sim.studies.plan_judge import Margin, margins
from sim.studies.plan_race import figures_of

STEP = 1.05
"""Traffic is tried in steps of 5 %."""

LEAST, MOST = -60, 57
"""Powers of `STEP` that are looked at: a twentieth to sixteen times the traffic."""

DAYS_PER_WEEK = 7.0


@dataclass(frozen=True)
class Headroom:
    """The most traffic that was seen to be borne, as a multiple of the scenario's; 0 if none.

    `misses_at` is the next larger multiple, which some SLO misses; None if the largest that was
    tried is borne. `binds` names what is missed there most. `by_peak`: judged by the busiest hour.
    """

    multiple: float
    misses_at: float | None
    binds: str
    by_peak: bool

    def weeks_until_full(self, growth_percent_per_week: float) -> float | None:
        """Weeks of compound growth until `multiple` is reached; None without growth.

        >>> round(Headroom(1.5, 1.6, "", True).weeks_until_full(2.0), 1)
        20.5
        """
        if growth_percent_per_week <= 0 or self.multiple <= 0:
            return None
        return max(0.0, math.log(self.multiple) / math.log1p(growth_percent_per_week / 100.0))

    def full_on(self, growth_percent_per_week: float, today: date) -> date | None:
        """The day on which `multiple` is reached, counted from *today*; None if that is never."""
        weeks = self.weeks_until_full(growth_percent_per_week)
        if weeks is None or weeks > 5_000:
            return None
        return today + timedelta(days=int(weeks * DAYS_PER_WEEK))


def headroom(scenario: Scenario, runs: PairedRuns) -> Headroom:
    """Find the multiple of all rates up to which every SLO of *scenario* is met with confidence.

    By the busiest hour where one can stand for the whole (see `peak_slice`): at many times the
    traffic a whole day would take minutes, and its peak decides anyway.
    """
    search = _Search(scenario, runs)
    found = _last(search.meets)
    multiple = 0.0 if found is None else STEP**found
    by_peak = peak_slice(scenario) is not None
    if found == MOST:
        return Headroom(multiple, None, "", by_peak)
    beyond = LEAST if found is None else found + 1
    return Headroom(multiple, STEP**beyond, search.missed(beyond), by_peak)


def _last(holds: Callable[[int], bool]) -> int | None:
    """The largest level at which *holds*, if it holds up to some level; None if at none."""
    low, high, step = LEAST - 1, MOST + 1, 4
    level = 0
    while high - low > 1:
        if holds(level):
            low = level
            level = min(MOST, low + step) if high > MOST else (low + high) // 2
        else:
            high = level
            level = max(LEAST, high - step) if low < LEAST else (low + high) // 2
        step *= 2
    return low if low >= LEAST else None


class _Search:
    """What is known of *scenario* at powers of `STEP` of its traffic."""

    def __init__(self, scenario: Scenario, runs: PairedRuns) -> None:
        self.scenario, self.runs = scenario, runs
        self.known: dict[int, Margin | None] = {}

    def meets(self, level: int) -> bool:
        """Whether every SLO is met at *level* with confidence."""
        return self._worst(level) is None

    def missed(self, level: int) -> str:
        """The SLO that is missed most at *level*; empty if none is."""
        worst = self._worst(level)
        if worst is None:
            return ""
        name = worst.metric.removesuffix("_s").upper()
        return f"{worst.route} {name} p{100 * worst.quantile:.0f}"

    def _worst(self, level: int) -> Margin | None:
        if level not in self.known:
            whole = at_demand(self.scenario, STEP**level)
            busiest = peak_slice(whole)
            at = whole if busiest is None else busiest
            slo_windows = whole.slo_windows if busiest is None else allowed_at_peak(whole)
            runs = self.runs.runs(at, range(self.runs.replications))
            found = margins([list(figures_of(at, run)) for run in runs], slo_windows)
            lost = attrgetter("worst" if busiest is None else "windows_lost")
            missed = [m for m in found if lost(m) > 1.0 + SLO_SLACK]
            self.known[level] = max(missed, key=lost, default=None)
        return self.known[level]
