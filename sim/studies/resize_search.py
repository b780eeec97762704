"""Resize search: the sizes of some pools that were tried, and the least that meets every SLO.

Knows no clock.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from sim.ledger.usage import SLO_SLACK, SloFigure, Usage
from sim.scenario.document import Scenario
from sim.scenario.pool import Pool
from sim.simulation import Run
from sim.studies.attainment import is_met
from sim.studies.paired_runs import PairedRuns
from sim.studies.resize_dial import Dial, bounds_raised, with_pool

RAISES = 3
"""A bound that binds is doubled so many times at most."""

GROWTH = 1.5
"""A fleet that is too small is tried at so many times its size next."""

BETTER = 0.005
"""More replicas that improve no missed SLO by this share will never meet it."""


@dataclass(frozen=True)
class Tried:
    """One size of one pool, whether it met every SLO, and how many replications it took to see."""

    pool: str
    size: str
    met: bool
    replications: int


def _larger(level: int) -> int:
    return max(level + 1, math.ceil(level * GROWTH))


class Sizes:
    """The sizes of *scenario*'s pools that were tried, and which of them meet every SLO."""

    def __init__(self, runs: PairedRuns, scenario: Scenario, dials: Sequence[Dial]) -> None:
        self.runs, self.scenario, self.dials = runs, scenario, dials
        self.routes = [name for name, route in scenario.routes.items() if route.slo is not None]
        self.tried: list[Tried] = []
        self.known: dict[tuple[int, ...], bool] = {}
        self.fleets: dict[tuple[int, ...], Scenario] = {}

    def grow(self, levels: dict[str, int]) -> bool:
        """Turn all dials up until every SLO is met; *levels* are changed in place."""
        before: Usage | None = None
        while not self._meets_once(levels):
            usage = self.usage(levels)
            larger = {d.pool: d.clamped(_larger(levels[d.pool])) for d in self.dials}
            if larger == levels or (before is not None and not self.gained(before, usage)):
                return False
            levels.update(larger)
            before = usage
        return True

    def least(self, dial: Dial, levels: dict[str, int]) -> int | None:
        """The lowest level of *dial* that meets every SLO, the others as in *levels*.

        Replication 0 leads there; all of them have the last word, on the next lower level too.
        """

        def at(level: int) -> dict[str, int]:
            return {**levels, dial.pool: level}

        level = self._promising(dial, levels)
        while level is not None and not self.meets(at(level), dial):
            level = level + 1 if level < dial.most else None
        while level is not None and level > dial.least and self.meets(at(level - 1), dial):
            level -= 1
        return level

    def _promising(self, dial: Dial, levels: dict[str, int]) -> int | None:
        """The lowest level that meets every SLO in replication 0, by galloping and halving."""

        def meets(level: int) -> bool:
            return self._meets_once({**levels, dial.pool: level})

        level = dial.clamped(levels[dial.pool])
        if meets(level):
            low, high = _gallop_down(dial.least, level, meets)
        else:
            found = self._gallop_up(dial, level, levels)
            if found is None:
                return None
            low, high = found
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (low, middle) if meets(middle) else (middle, high)
        return high

    def _gallop_up(self, dial: Dial, level: int, levels: dict[str, int]) -> tuple[int, int] | None:
        low = level
        before = self.usage({**levels, dial.pool: low})
        while low < dial.most:
            higher = dial.clamped(_larger(low))
            at = {**levels, dial.pool: higher}
            if self._meets_once(at):
                return low, higher
            now = self.usage(at)
            if higher >= 2 * level and not self.gained(before, now):
                return None
            low, before = higher, now
        return None

    def gained(self, before: Usage, after: Usage) -> bool:
        """Whether any SLO that *before* misses is nearer to being met in *after*."""
        slo_windows = self.scenario.slo_windows
        for name in self.routes:
            for old, new in zip(before.routes[name].slo, after.routes[name].slo, strict=True):
                if is_met(old, slo_windows) is False and _nearer(old, new):
                    return True
        return False

    def usage(self, levels: dict[str, int]) -> Usage:
        """The first replication's usage at *levels*."""
        return self.runs.run(self.fleet(levels), 0).usage

    def _meets_once(self, levels: dict[str, int]) -> bool:
        """Whether every SLO is met at *levels* in replication 0."""
        routes = self.usage(levels).routes
        figures = [figure for name in self.routes for figure in routes[name].slo]
        return all(is_met(f, self.scenario.slo_windows) is not False for f in figures)

    def meets(self, levels: dict[str, int], dial: Dial) -> bool:
        """Whether every SLO is met at *levels*, over all replications; remembered."""
        key = tuple(levels[d.pool] for d in self.dials)
        if key not in self.known:
            self.known[key], seen = self._judge(self.fleet(levels))
            size = dial.told(levels[dial.pool])
            self.tried.append(Tried(dial.pool, size, self.known[key], seen))
        return self.known[key]

    def fleet(self, levels: dict[str, int]) -> Scenario:
        """The scenario at *levels*, bounds of autoscalers raised until they do not bind."""
        key = tuple(levels[d.pool] for d in self.dials)
        if key not in self.fleets:
            fleet = self.scenario
            for dial in self.dials:
                fleet = dial.applied(fleet, levels[dial.pool])
            for dial in self.dials:
                fleet = self._unbound(fleet, dial.pool)
            self.fleets[key] = fleet
        return self.fleets[key]

    def _unbound(self, fleet: Scenario, name: str) -> Scenario:
        for _ in range(RAISES):
            pool = fleet.pools[name]
            if not pool.scales:
                break
            paid = self.runs.run(fleet, 0).usage.pools[name].paid_by_interval
            if not len(paid) or paid.max() < _bound(pool) - 0.5:
                break
            fleet = with_pool(fleet, name, bounds_raised(pool, 2 * pool.most_replicas))
        return fleet

    def _judge(self, fleet: Scenario) -> tuple[bool, int]:
        """Whether every SLO is met, and the replications that were looked at."""
        n = self.runs.replications
        first = self.runs.run(fleet, 0)
        if any(self._is_lost(figure, n) for figure in self._figures(first)):
            return False, 1
        runs = self.runs.runs(fleet, range(n))
        means = zip(*(self._figures(run) for run in runs), strict=True)
        slo_windows = fleet.slo_windows
        return all(is_met(_mean(figures), slo_windows) is not False for figures in means), n

    def _figures(self, run: Run) -> list[SloFigure]:
        return [figure for name in self.routes for figure in run.usage.routes[name].slo]

    def _is_lost(self, figure: SloFigure, n: int) -> bool:
        """Whether this replication misses by so much that no others could make up for it."""
        value_s, share = figure.value_s, figure.windows_met_share
        if value_s is not None and value_s / n > figure.target_s * (1 + SLO_SLACK):
            return True
        return share is not None and (share + n - 1) / n < self.scenario.slo_windows


def _gallop_down(least: int, level: int, meets: Callable[[int], bool]) -> tuple[int, int]:
    """(a level that misses or is none, the next known one that meets), from one that meets."""
    high, step = level, 1
    while high > least:
        lower = max(least, high - step)
        if not meets(lower):
            return lower, high
        high, step = lower, 2 * step
    return least - 1, high


def _nearer(old: SloFigure, new: SloFigure) -> bool:
    if old.value_s is None or new.value_s is None:
        return True
    if new.value_s < old.value_s * (1 - BETTER):
        return True
    return (new.windows_met_share or 0.0) > (old.windows_met_share or 0.0)


def _bound(pool: Pool) -> int:
    """Replicas that the autoscaler's upper bound lets be, spares included."""
    spare = pool.redundancy
    return (
        pool.most_replicas
        if spare is None
        else spare.total(pool.most_replicas, len(pool.node.zones))
    )


def _mean(figures: Sequence[SloFigure]) -> SloFigure:
    """One SLO over replications: the mean of the quantiles, and of the shares of windows."""
    values = [f.value_s for f in figures if f.value_s is not None]
    shares = [f.windows_met_share for f in figures if f.windows_met_share is not None]
    whole = len(values) == len(figures), len(shares) == len(figures)
    return replace(
        figures[0],
        value_s=math.fsum(values) / len(values) if whole[0] else None,
        windows_met_share=math.fsum(shares) / len(shares) if whole[1] else None,
        worst=None,
    )
