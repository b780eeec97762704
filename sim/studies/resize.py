"""Resize: the smallest fleet that meets its SLOs on the same random numbers; knows no clock.

Each pool has a dial (`resize_dial`): replicas of a fixed pool, the target of an autoscaled one.
More capacity is taken to serve no worse, so the search gallops from where the pool stands and then
halves. What it ends at was simulated in all replications, and so was the next smaller size, unless
its first replications alone put the SLO out of reach, whatever the others would have shown.

A pool none of whose routes has an SLO keeps its utilization (`like`): replicas in proportion to
reference seconds, to the nearest whole. An autoscaled one keeps its target. In a group of pools
that share routes, each pool is turned down in turn, the dearest first, while the others stand.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from sim.cost.reference import NO_RATES, reference_seconds
from sim.scenario.document import Scenario
from sim.studies.attainment import is_met
from sim.studies.executors import Progress
from sim.studies.paired_runs import PairedRuns
from sim.studies.parts import groups, restricted
from sim.studies.replications import DEFAULT_REPLICATIONS
from sim.studies.resize_dial import dial_of, with_pool
from sim.studies.resize_search import Sizes, Tried
from sim.studies.result import Result


@dataclass(frozen=True)
class Resized:
    """The fleet that was found; `note` says what of it is not by an SLO, or cannot be."""

    scenario: Scenario
    result: Result
    tried: tuple[Tried, ...]
    note: str = ""

    @property
    def met(self) -> bool | None:
        """Whether it meets every SLO; None without any that could be judged."""
        return meets_slos(self.result)


def meets_slos(result: Result) -> bool | None:
    """Whether every SLO is met, by quantile and by windows; None if none could be judged."""
    slo_windows = result.scenario.slo_windows
    routes = result.usage.routes.values()
    judged = [is_met(figure, slo_windows) for route in routes for figure in route.slo]
    known = [met for met in judged if met is not None]
    return all(known) if known else None


def resize(
    scenario: Scenario,
    *,
    replications: int = DEFAULT_REPLICATIONS,
    jobs: int = 1,
    progress: Progress | None = None,
    like: Result | None = None,
    runs: PairedRuns | None = None,
) -> Resized:
    """The smallest fleet of *scenario* that meets every SLO, and its result.

    Parameters
    ----------
    like
        The run whose utilization pools without an SLO keep. Without it they stay as they are.
    runs
        Remembers runs from one call to the next; *replications*, *jobs* and *progress* are then
        its own.

    Raises what a simulation raises.
    """
    runs = PairedRuns(replications, jobs, progress) if runs is None else runs
    search = _Search(runs, scenario, like)
    for number, group in enumerate(groups(scenario)):
        search.settle(group, first=number == 0)
    result = runs.result(search.scenario)
    return Resized(search.scenario, result, tuple(search.tried), "; ".join(search.notes))


class _Search:
    """The fleet as found so far, pool by pool."""

    def __init__(self, runs: PairedRuns, scenario: Scenario, like: Result | None) -> None:
        self.runs, self.scenario, self.like = runs, scenario, like
        self.tried: list[Tried] = []
        self.notes: list[str] = []

    def settle(self, group: frozenset[str], *, first: bool) -> None:
        """Find the sizes of pools that share routes; the others are simulated apart."""
        names = sorted(group, key=self._dearness, reverse=True)
        bound = [name for name in names if self._has_slo(name)]
        for name in names:
            if name not in bound:
                self._keep_utilization(name)
        dials = [d for d in (dial_of(self.scenario, name) for name in bound) if d is not None]
        if not dials:
            return
        levels = {dial.pool: dial.start for dial in dials}
        sizes = Sizes(self.runs, restricted(self.scenario, group, first=first), dials)
        if self._found(sizes, levels, names):
            for name, pool in sizes.fleet(levels).pools.items():
                self.scenario = with_pool(self.scenario, name, pool)
        self.tried += sizes.tried

    def _dearness(self, name: str) -> tuple[float, str]:
        return self.scenario.pools[name].usd_per_replica_hour, name

    def _found(self, sizes: Sizes, levels: dict[str, int], names: list[str]) -> bool:
        """Set *levels* to the least that were found; False, with a note, if there are none."""
        together = len(sizes.dials) > 1
        if together and not sizes.grow(levels):
            self.notes.append(f"{', '.join(names)}: no size was found that meets every SLO")
            return False
        for dial in sizes.dials:
            found = sizes.least(dial, levels)
            if found is None:
                self.notes.append(f"{dial.pool}: more replicas do not help it meet every SLO")
                return False
            levels[dial.pool] = found
        return True

    def _has_slo(self, name: str) -> bool:
        routes = self.scenario.routes.values()
        return any(name in route.pools and route.slo is not None for route in routes)

    def _keep_utilization(self, name: str) -> None:
        pool = self.scenario.pools[name]
        if not any(name in route.pools for route in self.scenario.routes.values()):
            return
        if pool.scales:
            self.notes.append(f"{name}: no SLO, so its autoscaler keeps its target")
            return
        if self.like is None or name not in self.like.scenario.pools:
            self.notes.append(f"{name}: no SLO, so it stays as it is")
            return
        before = self.like.scenario.pools[name].start_replicas
        demand, used = (_reference_s(r, name) for r in (self.runs.result(self.scenario), self.like))
        if used > 0:
            wanted = max(1, round(before * demand / used))
            sized = pool.model_copy(update={"replicas": wanted})
            self.scenario = with_pool(self.scenario, name, sized)
            self.notes.append(f"{name}: no SLO, so it keeps its utilization")


def _reference_s(result: Result, name: str) -> float:
    """Seconds that the pool's attempts would have taken at benchmark efficiency."""
    found = result.benchmarks.get(name)
    rates = NO_RATES if found is None else found.rates
    routes = [
        result.usage.routes[route].by_pool[name]
        for route, spec in result.scenario.routes.items()
        if name in spec.pools
    ]
    ended = [tokens for r in routes for tokens in (r.ended_useful, r.ended_waste)]
    return math.fsum(reference_seconds(tokens, rates).total_s for tokens in ended)
