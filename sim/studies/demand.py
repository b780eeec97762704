"""Demand: a scenario with all of its traffic so many times as much; knows no clock.

The day curve, bursts, gaps, lengths and conversations stay as they are; only rates change. A trace
is played faster, since nobody knows its other users: its days become shorter.
"""

from __future__ import annotations

from sim.scenario.arrivals import (
    ClosedArrivals,
    PoissonArrivals,
    TraceArrivals,
    VaryingArrivals,
)
from sim.scenario.document import Scenario
from sim.scenario.route import Route
from sim.scenario.spec import FrozenDict


def at_demand(scenario: Scenario, multiple: float) -> Scenario:
    """*scenario* with *multiple* x its rates, closed loops with as many more users.

    A trace that does not repeat is over earlier, and so is the scenario then. Raises ValueError
    unless *multiple* is above 0.
    """
    if not multiple > 0:
        raise ValueError(f"multiple ({multiple:g}) must be above 0")
    routes = {name: _times(route, multiple) for name, route in scenario.routes.items()}
    ends = any(
        isinstance(r.arrivals, TraceArrivals) and not r.arrivals.repeat for r in routes.values()
    )
    horizon_s = scenario.horizon / multiple if ends and multiple > 1 else scenario.horizon
    return scenario.model_copy(update={"routes": FrozenDict(routes), "horizon": horizon_s})


def _times(route: Route, multiple: float) -> Route:
    arrivals = route.arrivals
    changed: dict[str, object]
    if isinstance(arrivals, PoissonArrivals):
        count = arrivals.count
        more = None if count is None else max(1, round(count * multiple))
        changed = {"rps": arrivals.rps * multiple, "count": more}
    elif isinstance(arrivals, VaryingArrivals):
        changed = {"mean_rps": arrivals.mean_rps * multiple}
    elif isinstance(arrivals, ClosedArrivals):
        changed = {"concurrency": max(1, round(arrivals.concurrency * multiple))}
    else:
        changed = {"speedup": arrivals.speedup * multiple}
    return route.model_copy(update={"arrivals": arrivals.model_copy(update=changed)})
