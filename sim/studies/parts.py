"""Parts: the pools of a fleet that no route connects, simulated apart and put together again.

A change to one pool then costs a simulation of that pool alone. All that is drawn is keyed by
route and pool, so the parts do what the whole would do. Knows no clock.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import fields
from typing import Any

import numpy as np

from sim.ledger.usage import Figures, RouteUsage, Usage
from sim.scenario.document import Scenario
from sim.scenario.pool import Pool
from sim.scenario.spec import FrozenDict
from sim.simulation import Run


def groups(scenario: Scenario) -> list[frozenset[str]]:
    """The pools that routes connect, in the order of their first pool in the file.

    A pool without routes, and a route without a pool, go with the first group.
    """
    found: list[set[str]] = []
    for route in scenario.routes.values():
        together = set(route.pools)
        if not together:
            continue
        for other in [g for g in found if g & together]:
            together |= other
            found.remove(other)
        found.append(together)
    if not found:
        return [frozenset(scenario.pools)]
    order = {name: number for number, name in enumerate(scenario.pools)}
    found.sort(key=lambda group: min(order[name] for name in group))
    found[0] |= scenario.pools.keys() - set().union(*found)
    return [frozenset(group) for group in found]


def restricted(scenario: Scenario, pools: frozenset[str], *, first: bool) -> Scenario:
    """*scenario* with *pools* alone and the routes that use them.

    The *first* part takes the routes that use no pool.
    """
    routes = {
        name: route
        for name, route in scenario.routes.items()
        if pools.intersection(route.pools) or (first and not route.pools)
    }
    kept = {name: pool for name, pool in scenario.pools.items() if name in pools}
    return scenario.model_copy(update={"routes": FrozenDict(routes), "pools": FrozenDict(kept)})


def bare(scenario: Scenario) -> Scenario:
    """As little of *scenario* as a simulation needs: scenarios that run alike are equal then.

    It has neither name nor prices, nor anything else that is only judged or paid afterwards.
    """
    pools = {name: _at_any_price(pool) for name, pool in scenario.pools.items()}
    anonymous = {"name": "bare", "bill": (), "slo_windows": 1.0, "pools": FrozenDict(pools)}
    return scenario.model_copy(update=anonymous)


def _at_any_price(pool: Pool) -> Pool:
    free = {"price": None, "usd_per_gpu_hour": None, "usd_per_hour": 1.0}
    return pool.model_copy(update={"node": pool.node.model_copy(update=free)})


def parts(scenario: Scenario) -> list[Scenario]:
    """The parts of *scenario*, bare; one of them if routes connect all of its pools."""
    found = enumerate(groups(scenario))
    return [bare(restricted(scenario, group, first=i == 0)) for i, group in found]


def joined(scenario: Scenario, runs: Sequence[Run]) -> Run:
    """The run of the whole *scenario* from those of its parts.

    Latencies over all routes together are None if they come from several parts, since they
    cannot be had from those of the parts; each route's own are whole.
    """
    if len(runs) == 1:
        return runs[0]
    usages = [run.usage for run in runs]
    routes = {name: u for usage in usages for name, u in usage.routes.items()}
    pools = {name: u for usage in usages for name, u in usage.pools.items()}
    return Run(
        usage=Usage(
            window_s=usages[0].window_s,
            routes={name: routes[name] for name in scenario.routes},
            pools={name: pools[name] for name in scenario.pools},
            overall=_total([usage.overall for usage in usages]),
        ),
        refused={name: reasons for run in runs for name, reasons in run.refused.items()},
        trace_reports={name: r for run in runs for name, r in run.trace_reports.items()},
        events=tuple(sorted((e for run in runs for e in run.events), key=lambda e: e.at_s)),
        leases=tuple(lease for run in runs for lease in run.leases),
    )


def _total(overalls: Sequence[RouteUsage]) -> RouteUsage:
    total: RouteUsage = _sum(list(overalls))
    return total


def _sum(values: list[Any]) -> Any:
    """Sum dataclasses field by field: numbers, arrays, dicts, tuples and nested dataclasses."""
    first = values[0]
    if isinstance(first, Figures):
        return _figures(values)
    if isinstance(first, int | float):
        return math.fsum(values)
    if isinstance(first, np.ndarray):
        return np.sum(np.stack(values), axis=0)
    if isinstance(first, dict):
        keys = dict.fromkeys(key for value in values for key in value)
        return {key: _sum([value[key] for value in values if key in value]) for key in keys}
    if isinstance(first, tuple):
        return tuple(item for value in values for item in value)
    return type(first)(
        **{f.name: _sum([getattr(v, f.name) for v in values]) for f in fields(first)}
    )


def _figures(several: Sequence[Figures]) -> Figures:
    """The figures of those who have samples, if that is one; the mean can be had of several."""
    some = [figures for figures in several if figures.n]
    if len(some) == 1:
        return some[0]
    n = math.fsum(figures.n for figures in some)
    known = [f.mean * f.n for f in some if f.mean is not None]
    return Figures(mean=math.fsum(known) / n if n else None, n=n)
