"""Plan: the cheapest fleet that meets every SLO, with the evidence for it; knows no clock.

Pools that routes connect are planned one after the other, the dearest first, while the others
stand; pools that no route connects have nothing to do with each other.
"""

from __future__ import annotations

from dataclasses import dataclass

from sim.scenario.document import Scenario
from sim.studies.design import Choices, Left, designs
from sim.studies.executors import Progress
from sim.studies.headroom import Headroom, headroom
from sim.studies.paired import Paired, paired
from sim.studies.paired_runs import PairedRuns
from sim.studies.parts import groups, restricted
from sim.studies.plan_race import Contender, Race
from sim.studies.replications import DEFAULT_REPLICATIONS
from sim.studies.resize import resize
from sim.studies.resize_dial import with_pool
from sim.studies.result import Result

BEYOND = 2
"""Sizes beyond the chosen one that the frontier shows."""


@dataclass(frozen=True)
class PoolPlan:
    """What was found for one pool.

    `tried` has every contender, dropped ones too; `choice` and `runner_up` met every SLO. `ahead`
    is what the runner-up costs more a month, by paired replications. `beyond` are larger sizes of
    the choice, for the frontier of dollars against latency. `note` says why there is no choice.
    """

    pool: str
    choice: Contender | None
    runner_up: Contender | None
    ahead: Paired | None
    tried: tuple[Contender, ...]
    beyond: tuple[Contender, ...] = ()
    left: tuple[Left, ...] = ()
    note: str = ""


@dataclass(frozen=True)
class Plan:
    """The fleet that was found, and what it is worth.

    `exhaustive` is how many replications of the whole horizon a sweep over every design and every
    size up to its first that meets all SLOs would have taken, `simulated` how many were.
    """

    scenario: Scenario
    result: Result
    before: Result
    pools: tuple[PoolPlan, ...]
    headroom: Headroom
    simulated: int
    exhaustive: int

    @property
    def found(self) -> bool:
        """Whether every pool with SLOs has a design that meets them."""
        return all(pool.choice is not None or not pool.tried for pool in self.pools)


def plan(
    scenario: Scenario,
    choices: Choices | None = None,
    *,
    replications: int = DEFAULT_REPLICATIONS,
    jobs: int = 1,
    progress: Progress | None = None,
    runs: PairedRuns | None = None,
) -> Plan:
    """Search the cheapest fleet of *scenario* among *choices* that meets every SLO with confidence.

    Raises what a simulation raises.
    """
    choices = choices or Choices()
    runs = PairedRuns(replications, jobs, progress) if runs is None else runs
    before = runs.result(scenario)
    found: list[PoolPlan] = []
    best = scenario
    for number, group in enumerate(groups(scenario)):
        part = restricted(best, group, first=number == 0)
        if len(group) > 1:  # else the others might be what is too small
            part = resize(part, runs=runs).scenario
        for name in sorted(group, key=lambda n: -part.pools[n].usd_per_replica_hour):
            planned = _pool_plan(part, name, choices, runs)
            found.append(planned)
            if planned.choice is not None:
                part = with_pool(part, name, planned.choice.scenario.pools[name])
            best = with_pool(best, name, part.pools[name])
    room = headroom(best, runs)
    return Plan(
        scenario=best,
        result=runs.result(best),
        before=before,
        pools=tuple(found),
        headroom=room,
        simulated=sum(len(c.usd_per_month) for pool in found for c in pool.tried),
        exhaustive=sum(_exhaustive(c, runs.replications) for p in found for c in _last_of(p.tried)),
    )


def _pool_plan(part: Scenario, name: str, choices: Choices, runs: PairedRuns) -> PoolPlan:
    routes = [route for route in part.routes.values() if name in route.pools]
    if not any(route.slo for route in routes):
        note = "none of its routes has an SLO, so there is nothing to plan by; it stays as it is"
        return PoolPlan(name, None, None, None, (), note=note)
    entries, left = designs(part.pools[name], choices)
    race = Race(part, name, runs)
    race.run(entries)
    finishers = race.finishers
    if not finishers:
        note = "no design was found that meets every SLO; it stays as it is"
        return PoolPlan(name, None, None, None, tuple(race.contenders), left=tuple(left), note=note)
    choice = finishers[0]
    second = finishers[1] if len(finishers) > 1 else None
    ahead = None if second is None else paired(choice.usd_per_month, second.usd_per_month)
    beyond = race.larger(choice, BEYOND)
    return PoolPlan(name, choice, second, ahead, tuple(race.contenders), tuple(beyond), tuple(left))


def _last_of(tried: tuple[Contender, ...]) -> list[Contender]:
    """The last size that was tried of each design."""
    return list({contender.design.label: contender for contender in tried}.values())


def _exhaustive(contender: Contender, replications: int) -> int:
    """Replications that a sweep up to the size of *contender* takes."""
    return replications * max(1, contender.level)
