"""Allocation: which route pays how much of the bill, by use or by peak; knows no clock."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from sim.cost.bill import Bill, HostedPart
from sim.cost.line import Line
from sim.cost.peak import interval_lengths_s, peak_seconds
from sim.cost.quantity import (
    POOL_DRIVERS,
    ROUTE_DRIVERS,
    gpu_hours,
    pool_quantity,
    pools_of,
    route_quantity,
    routes_of,
    useful_tokens,
)
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
    """Dollars by route and what no route answers for; together the bill.

    `by_pool` divides a route's dollars, but for those of a hosted API, among its pools: what names
    a pool is of that pool, the rest goes by the dollars of nodes.
    """

    by_route: dict[str, float]
    by_pool: dict[str, dict[str, float]]
    unallocated_usd: float


def shares(weights: Mapping[str, float]) -> Shares:
    """Weights as parts of 1; empty if they sum to nothing.

    >>> shares({"a": 3.0, "b": 1.0}), shares({"a": 0.0})
    ({'a': 0.75, 'b': 0.25}, {})
    """
    total = math.fsum(weights.values())
    return {k: w / total for k, w in weights.items()} if total > 0 else {}


def _routes_in(scenario: Scenario, pool: str) -> list[str]:
    return [name for name, route in scenario.routes.items() if pool in route.pools]


def use_shares(usage: Usage, scenario: Scenario, pool: str, rates: ReferenceRates) -> Shares:
    """By use: in proportion to the reference seconds of all attempts that ended, waste included."""
    weights = {}
    for name in _routes_in(scenario, pool):
        part = usage.routes[name].by_pool[pool]
        useful = reference_seconds(part.ended_useful, rates)
        waste = reference_seconds(part.ended_waste, rates)
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
    parts = [usage.routes[name].by_pool[pool] for name in names]
    columns = [seconds_by_row(part.ended_by_interval, rates) for part in parts]
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
    the route that they name, else as their `split` says, else by their driver where each route or
    pool has its own quantity of it, else by node dollars.
    """
    of_nodes = _Nodes(bill, usage, scenario, rates, shares_of)
    books = _Books(scenario)
    for line, spec in zip(bill.lines, bill.specs, strict=True):
        if spec is None:
            books.charge(line.usd, of_nodes.by_pool[line.pool or ""], line.pool)
        elif isinstance(spec, HostedPart):
            books.charge(line.usd, {spec.route: 1.0}, _API)
        else:
            for usd, among, pool in _divide(line, spec, usage, scenario, of_nodes):
                books.charge(usd, among, pool)
    return books.closed(of_nodes)


class _Nodes:
    """The dollars of nodes, which divide what has no better measure.

    `by_pool` has the shares of routes in each pool, `fleet` those in all pools together.
    """

    def __init__(
        self,
        bill: Bill,
        usage: Usage,
        scenario: Scenario,
        rates: Mapping[str, ReferenceRates],
        shares_of: SharesOf,
    ) -> None:
        pools = scenario.pools
        self.by_pool = {p: shares_of(usage, scenario, p, rates[p]) for p in pools}
        self.usd = {p: bill.node_usd(p) for p in pools}
        if not any(self.usd[p] for p, of in self.by_pool.items() if of):
            # Nodes that cost nothing: paid GPU-hours in their place.
            self.usd = {p: gpu_hours(usage.pools[p], pools[p].tensor_parallel) for p in pools}
        weights = {r: math.fsum(self.of(r, route.pools)) for r, route in scenario.routes.items()}
        self.fleet = shares(weights)

    def of(self, route: str, pools: Sequence[str]) -> list[float]:
        """Dollars of the nodes of *pools* that *route* pays, for each."""
        return [self.usd[p] * self.by_pool[p].get(route, 0.0) for p in pools]


_API = "hosted"
"""Stands for the pool of what a hosted API took; no pool may be called so."""


class _Books:
    """Charges by route, and by pool as far as they name one."""

    def __init__(self, scenario: Scenario) -> None:
        self.scenario = scenario
        self.parts: dict[str, list[float]] = {route: [] for route in scenario.routes}
        self.named: dict[str, dict[str, list[float]]] = {
            name: {pool: [] for pool in (*route.pools, _API)}
            for name, route in scenario.routes.items()
        }
        self.unallocated: list[float] = []

    def charge(self, usd: float, among: Shares, pool: str | None) -> None:
        """Divide *usd*, which is of *pool* or of none, *among* routes."""
        if not among:
            self.unallocated.append(usd)
        for route, share in among.items():
            part = usd * share
            self.parts[route].append(part)
            if pool in self.named[route]:
                self.named[route][pool].append(part)

    def closed(self, nodes: _Nodes) -> Allocation:
        """Return all that was charged."""
        by_route = {route: math.fsum(parts) for route, parts in self.parts.items()}
        return Allocation(
            by_route,
            {route: self._by_pool(route, usd, nodes) for route, usd in by_route.items()},
            math.fsum(self.unallocated),
        )

    def _by_pool(self, route: str, usd: float, nodes: _Nodes) -> dict[str, float]:
        """Divide a route's *usd*; its last pool has the rest, so that no cent is lost."""
        pools, named = self.scenario.routes[route].pools, self.named[route]
        if not pools:
            return {}
        own_usd = usd - math.fsum(named[_API])
        usd_of = {pool: math.fsum(named[pool]) for pool in pools}
        rest_usd = own_usd - math.fsum(usd_of.values())
        weights = shares(dict(zip(pools, nodes.of(route, pools), strict=True)))
        even = 1.0 / len(pools)
        first = {p: usd_of[p] + rest_usd * weights.get(p, even) for p in pools[:-1]}
        return {**first, pools[-1]: own_usd - math.fsum(first.values())}


def _divide(
    line: Line, spec: BillLine, usage: Usage, scenario: Scenario, nodes: _Nodes
) -> list[tuple[float, Shares, str | None]]:
    """A line that is not a pool's nodes, as parts with the routes that share each, and its pool."""
    if spec.route is not None:
        return [(line.usd, {spec.route: 1.0}, spec.pool)]
    if spec.split is not None:
        return [(line.usd, _told(spec, usage, scenario, nodes), spec.pool)]
    if spec.driver in ROUTE_DRIVERS:
        routes = routes_of(spec, scenario)
        quantities = {r: route_quantity(spec, r, usage, scenario) for r in routes}
        return [(line.usd, shares(quantities), spec.pool)]
    if spec.driver in POOL_DRIVERS:
        return [
            (pool_quantity(spec, p, usage, scenario) * line.unit_usd, nodes.by_pool[p], p)
            for p in pools_of(spec, scenario)
        ]
    return [(line.usd, _by_nodes(spec, nodes), spec.pool)]


def _by_nodes(spec: BillLine, nodes: _Nodes) -> Shares:
    return nodes.by_pool[spec.pool] if spec.pool is not None else nodes.fleet


def _told(spec: BillLine, usage: Usage, scenario: Scenario, nodes: _Nodes) -> Shares:
    """Shares as the line itself says."""
    if spec.split == "nodes":
        return _by_nodes(spec, nodes)
    if isinstance(spec.split, Mapping):
        return shares(spec.split)
    mine = {
        r: usage.routes[r] if spec.pool is None else usage.routes[r].by_pool[spec.pool]
        for r in routes_of(spec, scenario)
    }
    if spec.split == "requests":
        return shares({r: part.completed for r, part in mine.items()})
    if spec.split == "tokens":
        return shares({r: useful_tokens(part) for r, part in mine.items()})
    return shares(dict.fromkeys(mine, 1.0))
