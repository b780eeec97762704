"""SLO price: what a scenario costs a month at several SLOs, each met by a fleet just large enough.

Knows no clock.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sim.scenario.document import Scenario
from sim.scenario.route import Route
from sim.scenario.spec import FrozenDict
from sim.studies.compare import MONEY, Comparison, compared, comparison_tree, figures, sizes
from sim.studies.executors import Progress, run_all
from sim.studies.paired_runs import PairedRuns
from sim.studies.resize import Resized, resize


@dataclass(frozen=True)
class SloPrice:
    """The resized fleet at `times` x the SLOs, and its money against that at 1 x."""

    times: float
    resized: Resized
    against: Comparison


def scaled_slos(scenario: Scenario, times: float) -> Scenario:
    """*scenario* with every target of every SLO *times* as long; raises ValueError without any.

    Autoscalers whose target comes from an SLO follow it.
    """
    if all(route.slo is None for route in scenario.routes.values()):
        raise ValueError("no route has an slo")
    routes = {name: _scaled(route, times) for name, route in scenario.routes.items()}
    return scenario.model_copy(update={"routes": FrozenDict(routes)})


def _scaled(route: Route, times: float) -> Route:
    if route.slo is None:
        return route
    longer = {
        f"{metric}_p{round(100 * quantile)}": target_s * times
        for metric, quantile, target_s in route.slo.targets()
    }
    return route.model_copy(update={"slo": route.slo.model_copy(update=longer)})


def slo_prices(
    scenario: Scenario,
    times: Sequence[float],
    *,
    replications: int,
    jobs: int = 1,
    progress: Progress | None = None,
) -> tuple[SloPrice, ...]:
    """The price at each of *times* the SLOs, and at 1 x; the strictest first.

    Raises what a simulation raises, ValueError without an SLO.
    """
    wanted = sorted({*times, 1.0})
    tasks = [(scaled_slos(scenario, t), replications) for t in wanted]
    found = [o.unwrap() for o in run_all(_resized, tasks, jobs, progress)]
    base = found[wanted.index(1.0)].result
    return tuple(
        SloPrice(t, resized, compared(base, resized.result, MONEY, together=False))
        for t, resized in zip(wanted, found, strict=True)
    )


def _resized(task: tuple[Scenario, int]) -> Resized:
    scenario, replications = task
    return resize(scenario, runs=PairedRuns(replications))


def document(prices: Sequence[SloPrice]) -> dict[str, Any]:
    """*prices* as plain values, for JSON."""
    first = prices[0].resized.result
    return {
        "scenario": first.scenario.name,
        "seed": first.scenario.seed,
        "replications": len(first.runs),
        "targets": [
            {
                "times": price.times,
                "targets": targets(price.resized.scenario),
                "met": price.resized.met,
                "replicas": sizes(price.resized),
                "figures": dict(figures(price.resized.result, price.resized.result.usage)),
                "against": comparison_tree(price.against),
                "note": price.resized.note,
            }
            for price in prices
        ],
    }


def targets(scenario: Scenario) -> dict[str, float]:
    """Every target in seconds, by route, metric and quantile."""
    return {
        f"{name}.{metric}_p{round(100 * quantile)}": target_s
        for name, route in scenario.routes.items()
        if route.slo is not None
        for metric, quantile, target_s in route.slo.targets()
    }
