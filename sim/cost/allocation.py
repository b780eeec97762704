"""Allocation: which route pays how much of the bill, by use or by peak; knows no clock."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from sim.cost.bill import (
    ROUTE_DRIVERS,
    Bill,
    HostedPart,
    Line,
    gpu_hours,
    pool_quantity,
    pools_of,
    routes_of,
)
from sim.cost.peak import interval_lengths_s, peak_seconds
from sim.cost.reference import ReferenceRates, reference_seconds, seconds_by_row
from sim.ledger.usage import INTERVAL_S, Usage
from sim.scenario.bill import BillLine
from sim.scenario.document import Scenario

Shares = dict[str, float]
"""Parts of 1 by route; empty where nobody can be charged."""

SharesOf = Callable[[Usage, Scenario, str, ReferenceRates], Shares]
"""A way to divide one pool's nodes among its routes."""


@dataclass(frozen=True)
class Allocation:
    """Dollars by route and what no route answers for; together the bill."""

    by_route: dict[str, float]
    unallocated_usd: float


def shares(weights: Mapping[str, float]) -> Shares:
    """Weights as parts of 1; empty if they sum to nothing.

    >>> shares({"a": 3.0, "b": 1.0}), shares({"a": 0.0})
    ({'a': 0.75, 'b': 0.25}, {})
    """
    total = math.fsum(weights.values())
    return {k: w / total for k, w in weights.items()} if total > 0 else {}


def _routes_in(scenario: Scenario, pool: str) -> list[str]:
    return [name for name, route in scenario.routes.items() if route.pool == pool]


def use_shares(usage: Usage, scenario: Scenario, pool: str, rates: ReferenceRates) -> Shares:
    """By use: in proportion to the reference seconds of all attempts that ended, waste included."""
    weights = {}
    for name in _routes_in(scenario, pool):
        route = usage.routes[name]
        useful = reference_seconds(route.ended_useful, rates)
        waste = reference_seconds(route.ended_waste, rates)
        weights[name] = useful.total_s + waste.total_s
    return shares(weights)


def peak_shares(usage: Usage, scenario: Scenario, pool: str, rates: ReferenceRates) -> Shares:
    """By peak: reference seconds at cost, unused capacity by layers (see `peak`).

    By use where the intervals show no ended attempt, or no paid time.
    """
    by_use = use_shares(usage, scenario, pool, rates)
    names = list(by_use)
    paid = usage.pools[pool].paid_by_interval
    lengths_s = interval_lengths_s(usage.window_s, len(paid), INTERVAL_S)
    if not names or not len(paid) or not lengths_s.all():
        return by_use
    columns = [seconds_by_row(usage.routes[n].ended_by_interval, rates) for n in names]
    used = np.stack(columns, axis=1) / lengths_s[:, None]
    if not used.any():
        return by_use
    seconds = peak_seconds(paid, used, lengths_s)
    return shares(dict(zip(names, seconds.tolist(), strict=True))) or by_use


def allocate(
    bill: Bill,
    usage: Usage,
    scenario: Scenario,
    rates: Mapping[str, ReferenceRates],
    shares_of: SharesOf,
) -> Allocation:
    """Divide every line of *bill* among the routes.

    Nodes by *shares_of* their pool, hosted tokens to the route that they are of. Other lines: to
    the route that they name, else by their driver where each route or pool has its own quantity of
    it, else by node dollars.
    """
    by_pool = {p: shares_of(usage, scenario, p, rates[p]) for p in scenario.pools}
    fleet = shares(_node_weights(bill, by_pool, usage, scenario))
    parts: dict[str, list[float]] = {route: [] for route in scenario.routes}
    unallocated: list[float] = []

    def charge(usd: float, among: Shares) -> None:
        if not among:
            unallocated.append(usd)
        for route, share in among.items():
            parts[route].append(usd * share)

    for line, spec in zip(bill.lines, bill.specs, strict=True):
        if spec is None:
            charge(line.usd, by_pool[line.pool or ""])
        elif isinstance(spec, HostedPart):
            charge(line.usd, {spec.route: 1.0})
        else:
            for usd, among in _divide(line, spec, usage, scenario, by_pool, fleet):
                charge(usd, among)
    return Allocation({r: math.fsum(p) for r, p in parts.items()}, math.fsum(unallocated))


def _node_weights(
    bill: Bill, by_pool: Mapping[str, Shares], usage: Usage, scenario: Scenario
) -> dict[str, float]:
    """Node dollars by route; paid GPU-hours by route where the nodes cost nothing."""
    weights = {p: bill.node_usd(p) for p in by_pool}
    if not any(weights[p] for p, of in by_pool.items() if of):
        weights = {p: gpu_hours(usage.pools[p], scenario.pools[p].tensor_parallel) for p in weights}
    return {r: weights[p] * share for p, of in by_pool.items() for r, share in of.items()}


def _divide(
    line: Line,
    spec: BillLine,
    usage: Usage,
    scenario: Scenario,
    by_pool: Mapping[str, Shares],
    fleet: Shares,
) -> list[tuple[float, Shares]]:
    """A line that is not a pool's nodes, as parts with the routes that share each."""
    if spec.route is not None:
        return [(line.usd, {spec.route: 1.0})]
    if spec.driver in ROUTE_DRIVERS:
        of_route = ROUTE_DRIVERS[spec.driver]
        quantities = {r: of_route(usage.routes[r], spec) for r in routes_of(spec, scenario)}
        return [(line.usd, shares(quantities))]
    if spec.driver in ("node_hours", "gpu_hours"):
        return [
            (pool_quantity(spec, p, usage, scenario) * line.unit_usd, by_pool[p])
            for p in pools_of(spec, scenario)
        ]
    return [(line.usd, by_pool[spec.pool] if spec.pool is not None else fleet)]
