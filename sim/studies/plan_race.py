"""Plan race: the designs of one pool against each other, the bad ones dropped early; no clock.

A design is sized at the busiest hour first, which is quick. The whole horizon is simulated only
for those that could still win, cheapest first, a replication at a time: a design is dropped as soon
as the replications seen put an SLO out of reach, or as two others are surely cheaper.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from sim.cost.bill import Bill, bill
from sim.ledger.usage import SLO_SLACK, SloFigure
from sim.scenario.document import Scenario
from sim.simulation import Run
from sim.studies.design import Design
from sim.studies.paired import paired
from sim.studies.paired_runs import PairedRuns
from sim.studies.peak_slice import hopeless, peak_slice
from sim.studies.plan_judge import Margin, margins
from sim.studies.resize_dial import Dial, dial_of, with_pool
from sim.units import HOURS_PER_MONTH

SCREENED = 2
"""Replications of the busiest hour in which a size has to be hopeless to be dropped."""

MOST_SIZES = 40
"""Sizes that are tried of one design; beyond it is called unfit."""

GROWTH = 1.5

BETTER = 0.005
"""More replicas that bring no missed SLO nearer by this share never will."""


@dataclass(frozen=True)
class Contender:
    """A design at one size, and how far it came.

    `usd_per_month` has the whole bill of each replication of the whole horizon; a screened design
    has none, and `floor_usd_per_month`, what the pool's nodes cost at least, is all that is known.
    `size` says in words what `level` of its dial is. `verdict` says why it was dropped; empty if
    it met every SLO in all replications. `missed`: because of an SLO.
    """

    design: Design
    scenario: Scenario
    level: int
    size: str
    floor_usd_per_month: float
    usd_per_month: tuple[float, ...] = ()
    nodes_usd_per_month: float = 0.0
    margins: tuple[Margin, ...] = ()
    verdict: str = ""
    missed: bool = False

    @property
    def met(self) -> bool:
        """Whether every SLO is met with confidence in as many replications as were asked for."""
        return not self.verdict

    @property
    def mean_usd_per_month(self) -> float:
        """Mean of what it costs a month, in USD; the floor if it never ran whole."""
        usd = self.usd_per_month
        return math.fsum(usd) / len(usd) if usd else self.floor_usd_per_month

    @property
    def worst(self) -> float:
        """How near the nearest SLO is to being missed: 1 at its limit."""
        return max((m.worst for m in self.margins), default=0.0)

    @property
    def binding(self) -> Margin | None:
        """The SLO nearest to being missed."""
        return max(self.margins, key=lambda m: m.worst, default=None)


@dataclass
class Race:
    """The race for one *pool* of *scenario*, whose other pools stand as they are."""

    scenario: Scenario
    pool: str
    runs: PairedRuns
    contenders: list[Contender] = field(default_factory=list)

    def run(self, entries: Sequence[Design]) -> None:
        """Let *entries* race; all that was tried of them is then in `contenders`."""
        ordered = sorted(entries, key=lambda design: design.usd_per_replica_hour)
        screened = [c for design in ordered if (c := self._screened(design)) is not None]
        for contender in sorted(screened, key=lambda c: c.floor_usd_per_month):
            self._grow(contender)

    @property
    def finishers(self) -> list[Contender]:
        """Those that met every SLO, the cheapest first; of equally dear ones the surest."""
        met = [c for c in self.contenders if c.met]
        return sorted(met, key=lambda c: (c.mean_usd_per_month, c.worst))

    def larger(self, contender: Contender, count: int) -> list[Contender]:
        """*count* further sizes of *contender*, run whole but kept out of the race."""
        scenario = with_pool(self.scenario, self.pool, contender.design.pool)
        dial = dial_of(scenario, self.pool)
        assert dial is not None
        levels = range(contender.level + 1, min(dial.most, contender.level + count) + 1)
        apart = Race(self.scenario, self.pool, self.runs)
        return [apart._tried(self._at(contender.design, dial, scenario, n)) for n in levels]

    def _screened(self, design: Design) -> Contender | None:
        """*design* at the least size that its busiest hour allows; None, and noted, if none."""
        scenario = with_pool(self.scenario, self.pool, design.pool)
        dial = dial_of(scenario, self.pool)
        if dial is None:
            return None
        busiest = peak_slice(scenario)
        level = dial.least if busiest is None else self._least(dial, scenario, busiest)
        if level is None:
            self._drop(self._at(design, dial, scenario, dial.least), "its busiest hour is too much")
            return None
        if not _is_fixed(design):
            level = dial.start
        return self._at(design, dial, scenario, level)

    def _least(self, dial: Dial, scenario: Scenario, busiest: Scenario) -> int | None:
        """The least level at which the busiest hour is not hopeless, by galloping and halving."""

        def fails(level: int) -> bool:
            at = dial.applied(busiest, level)
            seen = (self._figures(self.runs.run(at, i)) for i in range(SCREENED))
            return all(any(hopeless(f, scenario) for _, f in figures) for figures in seen)

        low, high = dial.least - 1, dial.least
        for _ in range(MOST_SIZES):
            if not fails(high):
                break
            low, high = high, dial.clamped(max(high + 1, math.ceil(high * GROWTH)))
        else:
            return None
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (middle, high) if fails(middle) else (low, middle)
        return high

    def _at(self, design: Design, dial: Dial, scenario: Scenario, level: int) -> Contender:
        sized = dial.applied(scenario, level)
        floor = _floor_usd_per_month(sized, self.pool)
        return Contender(design, sized, level, dial.told(level), floor)

    def _grow(self, contender: Contender) -> None:
        """Run *contender* whole, and larger until it meets every SLO or cannot win any more.

        Sizes gallop, then the gap below the first that does is halved.
        """
        scenario = with_pool(self.scenario, self.pool, contender.design.pool)
        dial = dial_of(scenario, self.pool)
        assert dial is not None

        def run(level: int) -> Contender:
            ended = self._ran(self._at(contender.design, dial, scenario, level))
            self.contenders.append(ended)
            return ended

        low, level, step = contender.level - 1, contender.level, 1
        before: Contender | None = None
        while not (ended := run(level)).met:
            if not ended.missed or level >= dial.most or not _gained(before, ended):
                return
            low, level, step, before = level, dial.clamped(level + step), 2 * step, ended
        while level - low > 1:
            middle = (low + level) // 2
            low, level = (low, middle) if run(middle).met else (middle, level)

    def _ran(self, entry: Contender) -> Contender:
        """*entry* after its run, or as it is if two others are cheaper anyway."""
        if self._beaten(entry):
            return replace(entry, verdict="its nodes alone cost more than the runner-up's")
        return self._tried(entry)

    def _beaten(self, entry: Contender) -> bool:
        """Whether the nodes of two that meet every SLO cost less than those of *entry*."""
        best = self.finishers
        return len(best) > 1 and entry.floor_usd_per_month > best[1].nodes_usd_per_month * (
            1 + 1e-9
        )

    def _tried(self, entry: Contender) -> Contender:
        """*entry* after as many replications as it takes to know."""
        n, seen, bills = self.runs.replications, [], []
        slo_windows = entry.scenario.slo_windows
        for i in range(n):
            if i == 1:  # what the first did not drop needs the others, so they may run at once
                self.runs.runs(entry.scenario, range(1, n))
            run = self.runs.run(entry.scenario, i)
            seen.append(self._figures(run))
            bills.append(bill(run.usage, entry.scenario))
            so_far = replace(
                entry,
                usd_per_month=tuple(b.usd_per_month for b in bills),
                nodes_usd_per_month=self._nodes_usd_per_month(bills),
                margins=margins(seen, slo_windows),
            )
            if lost := _out_of_reach(seen, n, slo_windows):
                return replace(so_far, verdict=lost, missed=True)
            if self._is_dearer(so_far):
                return replace(so_far, verdict="dearer than the runner-up, by paired replications")
        missed = [m for m in so_far.margins if not m.met]
        return replace(so_far, verdict=_missed(missed[0]), missed=True) if missed else so_far

    def _nodes_usd_per_month(self, bills: Sequence[Bill]) -> float:
        """Mean of what the pool's nodes cost a month, in USD."""
        usd = math.fsum(b.node_usd(self.pool) * b.usd_per_month / b.total_usd for b in bills)
        return usd / len(bills)

    def _is_dearer(self, entry: Contender) -> bool:
        """Whether two that meet every SLO are cheaper, by what was seen of all of them."""
        best, seen = self.finishers, len(entry.usd_per_month)
        if len(best) < 2 or seen < 2:
            return False
        found = paired(best[1].usd_per_month[:seen], entry.usd_per_month)
        return found.shown is True and found.difference > 0

    def _drop(self, entry: Contender, why: str) -> None:
        self.contenders.append(replace(entry, verdict=why))

    def _figures(self, run: Run) -> list[tuple[str, SloFigure]]:
        return list(figures_of(self.scenario, run))


def figures_of(scenario: Scenario, run: Run) -> Iterator[tuple[str, SloFigure]]:
    """(route, figure) of every SLO of *scenario*, in its order."""
    for name in scenario.routes:
        for figure in run.usage.routes[name].slo:
            yield name, figure


def _is_fixed(design: Design) -> bool:
    return not design.pool.scales


def _floor_usd_per_month(scenario: Scenario, name: str) -> float:
    """Least that the pool's nodes cost a month, in USD, at its fewest replicas."""
    pool = scenario.pools[name]
    replicas = pool.least_replicas if pool.scales else pool.start_replicas
    nodes, node = -(-replicas // pool.replicas_per_node), pool.node
    if node.reserved is not None or node.owned is not None:
        return 0.0  # paid whether it is used or not
    usd = node.usd_per_node_hour if node.spot is None else node.usd_per_spot_node_hour
    return nodes * min(usd, node.usd_per_node_hour) * HOURS_PER_MONTH


def _out_of_reach(
    seen: Sequence[Sequence[tuple[str, SloFigure]]], n: int, slo_windows: float
) -> str:
    """Which SLO no replications to come can save, in words; empty if there is none."""
    for column in zip(*seen, strict=True):
        if _is_lost([figure for _, figure in column], n, slo_windows):
            route, figure = column[0]
            return f"{_named(route, figure)} is out of reach after {len(seen)} of {n}"
    return ""


def _named(route: str, slo: SloFigure | Margin) -> str:
    """An SLO in words, say "chat TTFT p95"."""
    return f"{route} {slo.metric.removesuffix('_s').upper()} p{100 * slo.quantile:.0f}"


def _gained(before: Contender | None, after: Contender) -> bool:
    """Whether more replicas brought a missed SLO nearer to being met."""
    if before is None:
        return True
    return any(
        new.load < old.load * (1 - BETTER) or new.windows_lost < old.windows_lost * (1 - BETTER)
        for old, new in zip(before.margins, after.margins, strict=True)
        if not old.met
    )


def _is_lost(figures: Sequence[SloFigure], n: int, slo_windows: float) -> bool:
    """Whether no replications to come could make up for these: their means are missed anyway."""
    values = [f.value_s for f in figures if f.value_s is not None]
    if math.fsum(values) / n > figures[0].target_s * (1 + SLO_SLACK):
        return True
    lost = [1.0 - f.windows_met_share for f in figures if f.windows_met_share is not None]
    return math.fsum(lost) / n > (1.0 - slo_windows) * (1 + SLO_SLACK)


def _missed(margin: Margin) -> str:
    what = _named(margin.route, margin)
    if margin.load > 1.0 + SLO_SLACK and margin.limit_s is not None:
        return f"{what} may be {margin.limit_s:.3g} s, above {margin.target_s:.3g} s"
    return f"{what} misses too many 5-minute windows"
