"""Statement: everything that money has to say about a window; a pure function, knows no clock.

It works on one replication or on the mean of several alike, so that intervals of ratios can be
had from leave-one-out means.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

from sim.cost.allocation import Allocation, SharesOf, allocate, peak_shares, use_shares
from sim.cost.benchmark import Benchmark
from sim.cost.bill import Bill, bill
from sim.cost.estimate import Naive, Weighed, fleet_naive, pool_naive
from sim.cost.pricing import (
    Components,
    KindMoney,
    Prices,
    Served,
    components,
    hosted_money,
    kind_money,
    kind_tokens,
    prices,
    total,
)
from sim.cost.purchase import unused_gpu_s
from sim.cost.reference import NO_RATES, ReferenceRates, ReferenceSeconds, reference_seconds
from sim.cost.spent import Spent, spent
from sim.cost.utilization import (
    GpuHours,
    Load,
    Utilization,
    pool_gpu_hours,
    pool_load,
    share,
    total_load,
)
from sim.ledger.usage import RouteOnPool, RouteUsage, Usage
from sim.scenario.document import Scenario


@dataclass(frozen=True)
class Cost:
    """Prices of a fleet or of a route, by use and by peak; components divide the money by use,
    but for that of a hosted API."""

    by_use: Prices
    by_peak: Prices
    components_usd: Components


@dataclass(frozen=True)
class Gap:
    """The naive and the real $ per 1M tokens, and how many times the one is the other."""

    naive: float | None
    real: float | None
    factor: float | None


@dataclass(frozen=True)
class RouteStatement:
    """What one route pays: `by_use_usd` is what its `cost` divides, `hosted_usd` is in both.

    `by_pool_usd` divides the rest of `by_use_usd` among the pools that it may use, and
    `by_pool_components_usd` those parts by what they were for.
    """

    cost: Cost
    by_use_usd: float
    by_peak_usd: float
    hosted_usd: float
    by_pool_usd: dict[str, float]
    by_pool_components_usd: dict[str, Components]


@dataclass(frozen=True)
class PoolStatement:
    """One pool's capacity and its dollars: its nodes, and the bill's lines that name it.

    Mean replicas that were paid, and that were ready: serving, or with a request still inside.
    """

    paid_replicas: float
    ready_replicas: float
    utilization: Utilization
    gpu_hours: GpuHours
    naive: Naive
    usd: float


@dataclass(frozen=True)
class Statement:
    """The whole account of a window."""

    bill: Bill
    cost: Cost
    naive: Naive
    gap: Gap
    utilization: Utilization
    gpu_hours: GpuHours
    routes: dict[str, RouteStatement]
    pools: dict[str, PoolStatement]
    spent: Spent


def goodput_tokens(route: RouteUsage, has_slo: bool) -> float:
    """Useful tokens inside the SLO; all useful ones where there is none to miss."""
    counts = route.goodput if has_slo else route.useful
    return counts.input + counts.output


def statement(usage: Usage, scenario: Scenario, benchmarks: Mapping[str, Benchmark]) -> Statement:
    """The account of *usage*; pools that *benchmarks* lacks are taken as unused."""
    rates = {p: benchmarks[p].rates if p in benchmarks else NO_RATES for p in scenario.pools}
    billed = bill(usage, scenario)
    loads = _loads(usage, scenario, benchmarks, rates)
    fleet = total_load(loads.values())
    naive = _naive(usage, scenario, benchmarks)
    routes = _Routes(usage, scenario, rates, billed)
    cost = routes.fleet_cost()
    real = cost.by_use.usd_per_million_useful_tokens
    return Statement(
        bill=billed,
        cost=cost,
        naive=naive,
        gap=Gap(naive.usd_per_million_tokens, real, _factor(real, naive.usd_per_million_tokens)),
        utilization=fleet.utilization(),
        gpu_hours=fleet.gpu_hours,
        routes={name: routes.statement(name) for name in scenario.routes},
        pools={
            name: PoolStatement(
                paid_replicas=usage.pools[name].paid_s / usage.window_s,
                ready_replicas=usage.pools[name].ready_s / usage.window_s,
                utilization=loads[name].utilization(),
                gpu_hours=loads[name].gpu_hours,
                naive=pool_naive(benchmarks.get(name), pool.usd_per_replica_hour),
                usd=billed.pool_usd(name),
            )
            for name, pool in scenario.pools.items()
        },
        spent=spent(usage, scenario, billed, {p: o.gpu_hours for p, o in loads.items()}, rates),
    )


def _factor(real: float | None, naive: float | None) -> float | None:
    return None if real is None or naive is None else share(real, naive)


def _routes_on(pool: str, usage: Usage, scenario: Scenario) -> dict[str, RouteOnPool]:
    """What *pool* did for each route that may use it."""
    return {
        name: usage.routes[name].by_pool[pool]
        for name, route in scenario.routes.items()
        if pool in route.pools
    }


def _loads(
    usage: Usage,
    scenario: Scenario,
    benchmarks: Mapping[str, Benchmark],
    rates: Mapping[str, ReferenceRates],
) -> dict[str, Load]:
    loads = {}
    for name, pool in scenario.pools.items():
        used = usage.pools[name]
        routes = _routes_on(name, usage, scenario)
        width, unused_s = pool.tensor_parallel, unused_gpu_s(used, pool.node, usage.window_s)
        hours = pool_gpu_hours(used, routes.values(), rates[name], width, unused_s)
        loads[name] = pool_load(used, routes, benchmarks.get(name), hours, unused_s / width)
    return loads


def _naive(usage: Usage, scenario: Scenario, benchmarks: Mapping[str, Benchmark]) -> Naive:
    """Weighted by the useful tokens that the fleet served, or by offered ones if there are none."""
    some = any(r.served.input + r.served.output > 0 for r in usage.routes.values())
    weighed = []
    for name, benchmark in benchmarks.items():
        routes = _routes_on(name, usage, scenario).values()
        counts = [r.served if some else r.offered for r in routes]
        weighed.append(
            Weighed(
                name,
                benchmark,
                scenario.pools[name].usd_per_replica_hour,
                math.fsum(c.input for c in counts),
                math.fsum(c.output for c in counts),
            )
        )
    return fleet_naive(weighed)


class _Routes:
    """The routes' money, both ways, and what it was for."""

    def __init__(
        self,
        usage: Usage,
        scenario: Scenario,
        rates: Mapping[str, ReferenceRates],
        billed: Bill,
    ) -> None:
        self.usage = usage
        self.scenario = scenario
        self.billed = billed
        self.seconds = {r: self._seconds(r, rates) for r in scenario.routes}
        self.served = {r: self._served(r) for r in scenario.routes}
        self.hosted_usd = {r: math.fsum(billed.hosted_usd(r).values()) for r in scenario.routes}

        def divided(by: SharesOf) -> Allocation:
            return allocate(billed, usage, scenario, rates, by)

        self.by_use = divided(use_shares)
        self.by_peak = divided(peak_shares)

    def _seconds(
        self, route: str, rates: Mapping[str, ReferenceRates]
    ) -> dict[str, ReferenceSeconds]:
        """Reference seconds of a route on each pool, at that pool's rates."""
        found = {}
        for pool, part in self.usage.routes[route].by_pool.items():
            useful = reference_seconds(part.ended_useful, rates[pool])
            found[pool] = useful + reference_seconds(part.ended_waste, rates[pool])
        return found

    def _served(self, route: str) -> Served:
        used = self.usage.routes[route]
        goodput = goodput_tokens(used, self.scenario.routes[route].slo is not None)
        useful = used.useful
        return Served(kind_tokens(useful), used.requests.completed, goodput, useful.reasoning)

    def _parts(self, by: Allocation, route: str) -> tuple[KindMoney, Served]:
        """Money by kind of token, the API's own by its prices, and what it bought."""
        served = self.served[route]
        own = [
            kind_money(usd, self.seconds[route][pool], served.tokens)
            for pool, usd in by.by_pool[route].items()
        ]
        return total([*own, self._at_api(by, route)], KindMoney), served

    def _at_api(self, by: Allocation, route: str) -> KindMoney:
        """What a hosted API took; of a route without a pool other lines too, in proportion."""
        hosted_usd, tokens = self.billed.hosted_usd(route), self.served[route].tokens
        if by.by_pool[route] or not self.hosted_usd[route]:
            rest_usd = 0.0 if by.by_pool[route] else by.by_route[route]
            money = hosted_money(hosted_usd, tokens)
            return replace(money, unpriced_usd=money.unpriced_usd + rest_usd)
        factor = by.by_route[route] / self.hosted_usd[route]
        return hosted_money({kind: usd * factor for kind, usd in hosted_usd.items()}, tokens)

    def _user_parts(self, by: Allocation, route: str) -> tuple[KindMoney, Served]:
        """The same without the requests of a route that is of use to nobody."""
        money, served = self._parts(by, route)
        if self.scenario.routes[route].useful:
            return money, served
        return money, replace(served, completed_requests=0.0)

    def _components(self, route: str) -> dict[str, Components]:
        """A route's dollars by use on each pool, by what they were for."""
        return {
            pool: components(usd, self.seconds[route][pool])
            for pool, usd in self.by_use.by_pool[route].items()
        }

    def statement(self, route: str) -> RouteStatement:
        """One route's part."""
        usd, peak_usd = self.by_use.by_route[route], self.by_peak.by_route[route]
        by_pool = self._components(route)
        return RouteStatement(
            cost=Cost(
                by_use=prices(usd, [self._parts(self.by_use, route)], 0.0),
                by_peak=prices(peak_usd, [self._parts(self.by_peak, route)], 0.0),
                components_usd=total(list(by_pool.values()), Components),
            ),
            by_use_usd=usd,
            by_peak_usd=peak_usd,
            hosted_usd=self.hosted_usd[route],
            by_pool_usd=self.by_use.by_pool[route],
            by_pool_components_usd=by_pool,
        )

    def fleet_cost(self) -> Cost:
        """All routes and what is nobody's."""
        routes = list(self.scenario.routes)

        def priced(by: Allocation) -> Prices:
            parts = (self._user_parts(by, r) for r in routes)
            return prices(self.billed.total_usd, parts, by.unallocated_usd)

        return Cost(
            by_use=priced(self.by_use),
            by_peak=priced(self.by_peak),
            components_usd=total(
                [part for r in routes for part in self._components(r).values()], Components
            ),
        )
