"""Keep or send: what each route would save if an API answered it; knows no clock.

What is saved is what is avoided: the bill of the fleet that all routes need less that of the fleet
the others need, both the smallest that meet their SLOs on the same random numbers. A route's
allocated cost is no answer: most of it would be paid by the others. Savings of several routes do
not add up, since the fleet that they share shrinks by whole replicas: those that share pools are
judged once more together.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from sim.cost.bill import bill
from sim.cost.hosted import at_api
from sim.ledger.usage import Usage
from sim.scenario.bill import BillLine
from sim.scenario.document import Scenario
from sim.scenario.spec import FrozenDict
from sim.studies.intervals import Interval, student_t
from sim.studies.paired_runs import PairedRuns
from sim.studies.parts import groups
from sim.studies.resize import Resized, resize
from sim.studies.result import Result
from sim.units import HOURS_PER_MONTH

KEEP, SEND, UNDECIDED = "keep", "send", "undecided"


@dataclass(frozen=True)
class RouteChoice:
    """One route, or several that would go together; dollars are per month.

    `saved_usd` = avoided - API, and `interval` is its own, paired over replications. `replicas` are
    mean paid ones by pool, with the routes and without them (0 of a pool that nobody else uses).
    """

    routes: tuple[str, ...]
    avoided_usd: float
    avoided_interval: Interval | None
    api_usd: float
    saved_usd: float
    interval: Interval | None
    replicas: dict[str, tuple[float, float]]

    @property
    def advice(self) -> str:
        """send if the replications show a saving, keep if they show a loss, else undecided."""
        if self.interval is not None and 0.0 in self.interval:
            return UNDECIDED
        return SEND if self.saved_usd > 0 else KEEP


@dataclass(frozen=True)
class Choices:
    """All that could go; `whole` is the resized fleet that they are compared with."""

    whole: Resized
    choices: tuple[RouteChoice, ...]
    notes: tuple[str, ...]


def keep_or_send(base: Result, *, runs: PairedRuns) -> Choices:
    """What sending each route of *base* alone would save, in the file's order, and then all those
    together that share pools.

    Routes without an API, without a pool, or of use to nobody are passed over. Raises what a
    simulation raises.
    """
    whole = resize(base.scenario, runs=runs, like=base)
    notes = dict.fromkeys(filter(None, whole.note.split("; ")))
    choices = []
    for routes in _candidates(base.scenario):
        rest = without(whole.scenario, routes)
        resized = None if rest is None else resize(rest, runs=runs, like=whole.result)
        if resized is not None:
            notes.update(dict.fromkeys(filter(None, resized.note.split("; "))))
        choices.append(_choice(routes, whole, resized))
    return Choices(whole, tuple(choices), tuple(notes))


def _candidates(scenario: Scenario) -> list[tuple[str, ...]]:
    can_go = {
        name: frozenset(route.pools)
        for name, route in scenario.routes.items()
        if route.pools and route.useful and scenario.hosted_of(name)
    }
    together = [tuple(n for n, pools in can_go.items() if pools & g) for g in groups(scenario)]
    return [*((name,) for name in can_go), *(names for names in together if len(names) > 1)]


def without(scenario: Scenario, routes: Sequence[str]) -> Scenario | None:
    """*scenario* without *routes*, the pools that nobody else uses and the lines of either.

    None if no other route has a pool: then there is no fleet any more.
    """
    others = {name: spec for name, spec in scenario.routes.items() if name not in routes}
    used = {pool for spec in others.values() for pool in spec.pools}
    gone = {pool for name in routes for pool in scenario.routes[name].pools} - used
    pools = {name: pool for name, pool in scenario.pools.items() if name not in gone}
    if not used:
        return None
    lines = tuple(line for line in scenario.bill if not _goes(line, routes, gone))
    return scenario.model_copy(
        update={"routes": FrozenDict(others), "pools": FrozenDict(pools), "bill": lines}
    )


def _goes(line: BillLine, routes: Sequence[str], pools: set[str]) -> bool:
    return line.route in routes or line.pool in pools


def _choice(routes: tuple[str, ...], whole: Resized, rest: Resized | None) -> RouteChoice:
    before = whole.result.usages
    after: Sequence[Usage | None] = [None] * len(before) if rest is None else rest.result.usages
    avoided, api = [], []
    for had, has in zip(before, after, strict=True):
        months = had.window_s / 3600.0 / HOURS_PER_MONTH
        avoided.append(_avoided_usd(whole.scenario, had, rest, has) / months)
        found = at_api(had, whole.scenario, 0.0)
        assert found is not None
        api.append(math.fsum(found.routes[name].usd for name in routes) / months)
    saved = [a - b for a, b in zip(avoided, api, strict=True)]
    n = len(before)
    return RouteChoice(
        routes=routes,
        avoided_usd=math.fsum(avoided) / n,
        avoided_interval=student_t(avoided),
        api_usd=math.fsum(api) / n,
        saved_usd=math.fsum(saved) / n,
        interval=student_t(saved),
        replicas=_replicas(routes, whole, rest),
    )


def _avoided_usd(scenario: Scenario, had: Usage, rest: Resized | None, has: Usage | None) -> float:
    """What one replication's bill has more with the routes, but for what remains of its lines."""
    billed = bill(had, scenario)
    if rest is None or has is None:
        return billed.total_usd - billed.remaining_usd
    kept = {line.line for line in rest.scenario.bill}
    remains = math.fsum(
        line.usd * spec.remains
        for line, spec in zip(billed.lines, billed.specs, strict=True)
        if isinstance(spec, BillLine) and spec.line not in kept
    )
    return billed.total_usd - bill(has, rest.scenario).total_usd - remains


def _replicas(
    routes: Sequence[str], whole: Resized, rest: Resized | None
) -> dict[str, tuple[float, float]]:
    with_it, without_it = whole.result.usage, None if rest is None else rest.result.usage
    found = {}
    for pool in dict.fromkeys(p for name in routes for p in whole.scenario.routes[name].pools):
        after = None if without_it is None else without_it.pools.get(pool)
        found[pool] = (
            with_it.pools[pool].paid_s / with_it.window_s,
            0.0 if after is None or without_it is None else after.paid_s / without_it.window_s,
        )
    return found
