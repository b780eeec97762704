"""Gap removal: the real run without one of its causes, on the same random numbers; no clock."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from sim.ledger.usage import Usage
from sim.scenario.arrivals import VaryingArrivals
from sim.scenario.document import Scenario
from sim.scenario.pool import Pool
from sim.scenario.route import Route
from sim.scenario.spec import FrozenDict
from sim.scenario.startup import NO_STARTUP
from sim.studies.paired import Paired, paired_figures
from sim.studies.replications import run
from sim.studies.result import Result

Tell = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Removal:
    """What a token costs without one cause; `paired` is None where no price can be told."""

    without: str
    paired: Paired | None

    def entry(self) -> dict[str, object]:
        """As `summary.json` has it."""
        found = self.paired
        interval = None if found is None else found.interval
        return {
            "without": self.without,
            "usd_per_million": None if found is None else found.after,
            "difference": None if found is None else found.difference,
            "ci95": None if interval is None else [interval.low, interval.high],
            "shown": None if found is None else found.shown,
        }


def without_one(scenario: Scenario) -> Iterator[tuple[str, Scenario]]:
    """Each cause that *scenario* has, and the scenario without it."""
    for cause, change in _POOLS.items():
        pools = FrozenDict({name: change(pool) for name, pool in scenario.pools.items()})
        if any(pools[name] is not pool for name, pool in scenario.pools.items()):
            yield cause, scenario.model_copy(update={"pools": pools})
    for cause, alter in _ROUTES.items():
        routes = FrozenDict({name: alter(route) for name, route in scenario.routes.items()})
        if any(routes[name] is not route for name, route in scenario.routes.items()):
            yield cause, scenario.model_copy(update={"routes": routes})


def _without_failures(pool: Pool) -> Pool:
    return pool if pool.failures is None else pool.model_copy(update={"failures": None})


def _without_cold_starts(pool: Pool) -> Pool:
    if not pool.starts_replicas or pool.startup == NO_STARTUP:
        return pool
    return pool.model_copy(update={"startup": NO_STARTUP, "prepulled_image": False})


def _without_rollouts(pool: Pool) -> Pool:
    return pool if pool.rollouts is None else pool.model_copy(update={"rollouts": None})


def _without_spares(pool: Pool) -> Pool:
    if pool.redundancy is None and not pool.warm_nodes:
        return pool
    return pool.model_copy(update={"redundancy": None, "warm_nodes": 0})


def _steady(route: Route) -> Route:
    arrivals = route.arrivals
    if not isinstance(arrivals, VaryingArrivals):
        return route
    steady = {
        "workload": None,
        "day_curve": None,
        "utc_offset_hours": 0.0,
        "bursts": None,
        "on_off": None,
        "growth_percent_per_week": 0.0,
        "events": (),
    }
    return route.model_copy(update={"arrivals": arrivals.model_copy(update=steady)})


def _patient(route: Route) -> Route:
    manners = ("patience", "ttft_patience", "retries")
    if all(getattr(route, name) is None for name in manners):
        return route
    return route.model_copy(update=dict.fromkeys(manners))


_POOLS: dict[str, Callable[[Pool], Pool]] = {
    "failures": _without_failures,
    "cold starts": _without_cold_starts,
    "rollouts": _without_rollouts,
    "spares": _without_spares,
}

_ROUTES: dict[str, Callable[[Route], Route]] = {
    "peaks and bursts": _steady,
    "impatience and retries": _patient,
}


def removals(result: Result, *, jobs: int | None = 1, tell: Tell | None = None) -> list[Removal]:
    """The price of a token without each cause in turn, beside that of *result*."""
    tell = tell or (lambda what, done, of: None)
    found = []
    variants = list(without_one(result.scenario))
    for done, (cause, scenario) in enumerate(variants):
        tell("removing causes", done, len(variants))
        other = run(scenario, replications=len(result.runs), jobs=jobs)
        figures = paired_figures(result.usages, other.usages, _price_of(result), _price_of(other))
        found.append(Removal(cause, figures["usd"]))
    return found


def _price_of(result: Result) -> Callable[[Usage], dict[str, float | None]]:
    def price(usage: Usage) -> dict[str, float | None]:
        prices = result.statement_of(usage).cost.by_use
        return {"usd": prices.usd_per_million_useful_tokens}

    return price
