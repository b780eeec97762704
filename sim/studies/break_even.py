"""Break-even: from what traffic on a fleet of one's own is cheaper than an API; knows no clock.

All rates are multiplied, and the fleet is the smallest that meets its SLOs at each level. What it
costs is arithmetic on the run as it stands (`break_even_fleet`), all lines, people and one-time
work included, except around the crossing, where fleets are resized by simulation. Replicas are
whole, so the cost is a saw: near the crossing the API can win again for a while. The answer is the
level from which it does so no more.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from sim.cost.bill import bill
from sim.cost.hosted import at_api
from sim.ledger.usage import Usage
from sim.scenario.document import Scenario
from sim.scenario.spec import FrozenDict
from sim.studies.break_even_fleet import (
    Carrying,
    Loads,
    Sized,
    busy_load,
    carrying,
    loads,
    sized,
    usage_at,
)
from sim.studies.demand import at_demand
from sim.studies.intervals import Interval, student_t
from sim.studies.paired_runs import PairedRuns
from sim.studies.resize import Resized, resize
from sim.studies.result import Result
from sim.units import HOURS_PER_MONTH

LEAST, MOST = 0.1, 100.0
PER_DECADE = 24
"""Levels: a geometric grid that has 1 in it."""

REQUESTS = 1_000_000
"""A level with more requests than this in a replication is left to arithmetic."""

ROUNDS = 4
"""So often at most the crossing is looked for anew after a simulation has moved it."""


@dataclass(frozen=True)
class Level:
    """One level of demand, `multiple` x today's; dollars are per month.

    `replicas` are mean paid ones by pool. `interval` is that of `difference`, what the own fleet
    costs more than the API, paired over replications; None where these cannot tell. `met`: whether
    the simulated fleet meets its SLOs; None if it was not simulated, or has none.
    """

    multiple: float
    replicas: dict[str, float]
    self_usd: float
    self_interval: Interval | None
    api_usd: float
    difference: float
    interval: Interval | None
    simulated: bool = False
    met: bool | None = None

    @property
    def is_cheaper(self) -> bool:
        """Whether the own fleet costs no more than the API."""
        return self.difference <= 0

    @property
    def undecided(self) -> bool:
        """Whether the replications leave it open which side is cheaper."""
        return self.interval is not None and 0.0 in self.interval


@dataclass(frozen=True)
class BreakEven:
    """All levels, and from which on the own fleet is cheaper at every one.

    `multiple` is None if it never is; then and where it always is, `verdict` says so (`never`,
    `always`, else `from`). It lies in `bracket`: the last level at which the API is surely cheaper,
    and the first from which the own fleet surely is; None where the range has no such level.
    `requests_per_s` and `tokens_per_day` (useful ones) are today's, `today` is the fleet as it is.
    """

    levels: tuple[Level, ...]
    verdict: str
    multiple: float | None
    bracket: tuple[float | None, float | None]
    requests_per_s: float
    tokens_per_day: float
    today: Level
    notes: tuple[str, ...] = ()


def grid(least: float = LEAST, most: float = MOST, per_decade: int = PER_DECADE) -> list[float]:
    """Multiples from *least* to *most*, so many to a factor of 10; 1 is one of them if between.

    >>> grid(0.5, 2.0, 4)
    [0.562, 1.0, 1.78]
    """
    slack = 1e-9
    low, high = (per_decade * math.log10(value) for value in (least, most))
    steps = range(math.ceil(low - slack), math.floor(high + slack) + 1)
    return [float(f"{10 ** (step / per_decade):.3g}") for step in steps]


def break_even(
    base: Result,
    *,
    runs: PairedRuns,
    multiples: Sequence[float] | None = None,
    requests: int = REQUESTS,
) -> BreakEven:
    """The level from which the fleet of *base* is cheaper than its APIs.

    *multiples*: levels in order, `grid()` unless given. *requests*: as REQUESTS. Raises ValueError
    if a route of use has no API, and what a simulation raises.
    """
    return _Search(base, runs, grid() if multiples is None else list(multiples), requests).run()


@dataclass
class _Search:
    """What is known so far of each level."""

    base: Result
    runs: PairedRuns
    multiples: list[float]
    requests: int
    simulated: dict[float, Level] = field(default_factory=dict)
    bears: dict[str, Carrying] = field(default_factory=dict)
    notes: dict[str, None] = field(default_factory=dict)

    def __post_init__(self) -> None:
        found = at_api(self.base.usage, self.base.scenario, 0.0)
        if found is None or found.missing:
            missing = list(self.base.scenario.routes) if found is None else found.missing
            raise ValueError(f"no API is named for {', '.join(missing)}")
        self.of = [self._loads(usage) for usage in self.base.usages]
        self.bears = {name: self._borne(name) for name in self.base.scenario.pools}

    def _borne(self, name: str) -> Carrying:
        """What is known of a pool at first: one that no SLO sizes keeps its utilization."""
        pool = self.base.scenario.pools[name]
        if pool.scales or self._has_slo(name):
            return Carrying()
        return Carrying(load=self._busy(name) / pool.start_replicas, sure=True)

    def _has_slo(self, name: str) -> bool:
        routes = self.base.scenario.routes.values()
        return any(name in route.pools and route.slo is not None for route in routes)

    def _loads(self, usage: Usage) -> Loads:
        return loads(usage, self.base.scenario, self.base.benchmarks)

    def run(self) -> BreakEven:
        """Simulate where it matters, and give the answer."""
        usage = self.base.usage
        self._simulate(1.0)
        for _ in range(ROUNDS):
            wanted = [m for m in self._around() if m not in self.simulated]
            if not wanted:
                break
            for multiple in wanted:
                self._simulate(multiple)
        levels = self._levels()
        first = _first_for_good(levels)
        verdict = "never" if first is None else "always" if first == 0 else "from"
        useful = usage.overall.useful
        return BreakEven(
            levels=tuple(levels),
            verdict=verdict,
            multiple=None if first is None else levels[first].multiple,
            bracket=_bracket(levels),
            requests_per_s=usage.overall.requests.arrived / usage.window_s,
            tokens_per_day=(useful.input + useful.output) / usage.window_s * 86_400.0,
            today=_level(1.0, self.base.scenario, self.base.usages, _paid(self.base)),
            notes=tuple(self.notes),
        )

    def _around(self) -> list[float]:
        """The levels on both sides of the crossing, or the largest that can be simulated if the
        crossing is beyond it."""
        levels = self._levels()
        first = _first_for_good(levels)
        if first is None or first == 0:
            return []
        sides = [levels[first - 1].multiple, levels[first].multiple]
        near = [m for m in sides if self._affordable(m)]
        if len(near) < len(sides):
            near = [max([m for m in self.multiples if self._affordable(m)], default=1.0)]
        return near

    def _affordable(self, multiple: float) -> bool:
        return self.base.usage.overall.requests.arrived * multiple <= self.requests

    def _simulate(self, multiple: float) -> None:
        """Resize the fleet at a level by simulation, and learn from it what replicas can carry."""
        begun = self._begun(multiple)
        found = resize(begun, runs=self.runs, like=self.base)
        for note in filter(None, found.note.split("; ")):
            self.notes[note] = None
        level = _level(multiple, found.scenario, found.result.usages, _paid(found.result))
        met = found.met
        self.simulated[multiple] = Level(**{**vars(level), "simulated": True, "met": met})
        if met is False:
            self.notes[f"no fleet was found that meets every SLO at {multiple:g} x the traffic"] = (
                None
            )
        self._learn(multiple, found)

    def _learn(self, multiple: float, found: Resized) -> None:
        at = [{p: load * multiple for p, load in of.items()} for of in self.of]
        larger = multiple >= max(self.simulated)
        for name, pool in found.scenario.pools.items():
            if not (pool.scales or self._has_slo(name)):
                continue
            shown = carrying(found.scenario, name, found.result.usages, at)
            if shown.sure and (larger or not self.bears[name].sure):
                self.bears[name] = shown
            elif not self.bears[name].sure:
                best = max(shown.load, self.bears[name].load)
                self.bears[name] = Carrying(load=best, replicas=shown.replicas)

    def _begun(self, multiple: float) -> Scenario:
        """The scenario at a level, its fixed pools sized as arithmetic has it."""
        scenario = at_demand(self.base.scenario, multiple)
        pools = dict(scenario.pools)
        for name, size in self._sizes(multiple, self.of[0]).items():
            if self._has_slo(name) and not pools[name].scales:
                replicas = {"replicas": round(size.mean)}
                pools[name] = pools[name].model_copy(update=replicas)
        return scenario.model_copy(update={"pools": FrozenDict(pools)})

    def _sizes(self, multiple: float, of: Loads) -> dict[str, Sized]:
        scenario = self.base.scenario
        return {
            name: sized(scenario, name, of[name], self._busy(name), multiple, self.bears[name])
            for name in scenario.pools
        }

    def _busy(self, name: str) -> float:
        """Load of the busy windows, the mean over replications: one fleet is for all of them."""
        windows = self.base.scenario.slo_windows
        return math.fsum(busy_load(of[name], windows) for of in self.of) / len(self.of)

    def _levels(self) -> list[Level]:
        return [self.simulated.get(m) or self._arithmetic(m) for m in self.multiples]

    def _arithmetic(self, multiple: float) -> Level:
        scenario = self.base.scenario
        sizes = [self._sizes(multiple, of) for of in self.of]
        usages = [
            usage_at(usage, scenario, multiple, pools)
            for usage, pools in zip(self.base.usages, sizes, strict=True)
        ]
        replicas = {
            name: math.fsum(pools[name].mean for pools in sizes) / len(sizes)
            for name in scenario.pools
        }
        return _level(multiple, scenario, usages, replicas)


def _paid(result: Result) -> dict[str, float]:
    usage = result.usage
    return {name: pool.paid_s / usage.window_s for name, pool in usage.pools.items()}


def _level(
    multiple: float, scenario: Scenario, usages: Sequence[Usage], replicas: Mapping[str, float]
) -> Level:
    """A level's two bills per month, replication by replication."""
    own, api = [], []
    for usage in usages:
        months = usage.window_s / 3600.0 / HOURS_PER_MONTH
        billed = bill(usage, scenario)
        found = at_api(usage, scenario, billed.remaining_usd)
        assert found is not None
        own.append(billed.total_usd / months)
        api.append(found.usd / months)
    n = len(usages)
    differences = [a - b for a, b in zip(own, api, strict=True)]
    return Level(
        multiple=multiple,
        replicas=dict(replicas),
        self_usd=math.fsum(own) / n,
        self_interval=student_t(own),
        api_usd=math.fsum(api) / n,
        difference=math.fsum(differences) / n,
        interval=student_t(differences),
    )


def _first_for_good(levels: Sequence[Level]) -> int | None:
    """Place of the first level from which the own fleet is cheaper at every one."""
    first = len(levels)
    while first and levels[first - 1].is_cheaper:
        first -= 1
    return first if first < len(levels) else None


def _bracket(levels: Sequence[Level]) -> tuple[float | None, float | None]:
    """The last level at which the API is surely cheaper, and the first from which it surely is
    not; between them it is open, or to and fro."""
    dear = [lv.multiple for lv in levels if not lv.undecided and not lv.is_cheaper]
    last = len(levels)
    while last and levels[last - 1].is_cheaper and not levels[last - 1].undecided:
        last -= 1
    return (dear[-1] if dear else None), (levels[last].multiple if last < len(levels) else None)
