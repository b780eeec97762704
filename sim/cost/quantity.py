"""Quantity: how much of each driver a window had, of a route, of a pool, or in all; no clock."""

from __future__ import annotations

import math
from collections.abc import Callable

from sim.ledger.usage import PoolUsage, RouteOnPool, RouteUsage, Usage
from sim.scenario.bill import BillLine
from sim.scenario.document import Scenario
from sim.units import HOURS_PER_MONTH

SENT_WASTE = ("timed_out", "failed", "cancelled", "retried")
"""Waste whose output had been streamed to someone: it is egress all the same. What is recomputed
after a preemption is not sent again, answers that were not good enough are kept back, and health
checks do not leave the house."""

GB = 1e9

Part = RouteUsage | RouteOnPool
"""What a route did in all, or on one of its pools."""


def gpu_hours(pool: PoolUsage, tensor_parallel: int) -> float:
    """Paid GPU-hours of a pool's nodes: its replicas' GPUs and those without a replica."""
    return (pool.paid_s * tensor_parallel + pool.unplaced_gpu_s) / 3600.0


def useful_tokens(part: Part) -> float:
    """Input (cached and template included) and output tokens that reached a waiting user."""
    return part.useful.input + part.useful.output


def _asked(part: Part) -> float:
    """Attempts; on one of several pools the requests that were sent there."""
    return part.offered.requests if isinstance(part, RouteOnPool) else part.requests.attempts


def _sent_tokens(part: Part) -> float:
    wasted = math.fsum(part.wasted_output.get(cause, 0.0) for cause in SENT_WASTE)
    return part.useful.output + wasted


def _egress_gb(part: Part, spec: BillLine) -> float:
    sent_bytes = _sent_tokens(part) * spec.token_bytes
    return (sent_bytes + part.completed * spec.request_bytes) / GB


def _log_gb(part: Part, spec: BillLine) -> float:
    tokens = part.offered.input + _sent_tokens(part)
    return (_asked(part) * spec.request_bytes + tokens * spec.token_bytes) / GB


def _crossing_gb(part: Part, spec: BillLine) -> float:
    """What would cross if every request did."""
    return _log_gb(part, spec)


ROUTE_DRIVERS: dict[str, Callable[[Part, BillLine], float]] = {
    "requests": lambda part, _: part.completed,
    "million_tokens": lambda part, _: useful_tokens(part) / 1e6,
    "egress_gb": _egress_gb,
    "log_gb": _log_gb,
    "cross_zone_gb": _crossing_gb,
}
"""Drivers that each route has its own quantity of: completed requests, useful tokens, output tokens
sent, what is logged, prompts and answers between zones."""

POOL_DRIVERS = ("node_hours", "gpu_hours", "replica_hours")
"""Drivers that each pool has its own quantity of."""


def routes_of(spec: BillLine, scenario: Scenario) -> list[str]:
    """Routes that a line is about: its own, those of its pool, or all."""
    if spec.route is not None:
        return [spec.route]
    return [n for n, r in scenario.routes.items() if spec.pool is None or spec.pool in r.pools]


def pools_of(spec: BillLine, scenario: Scenario) -> list[str]:
    """Pools that a line is about: its own, those of its route, or all."""
    if spec.pool is not None:
        return [spec.pool]
    if spec.route is not None:
        return list(scenario.routes[spec.route].pools)
    return list(scenario.pools)


def route_quantity(spec: BillLine, route: str, usage: Usage, scenario: Scenario) -> float:
    """Quantity of one of ROUTE_DRIVERS that *route* had, on the line's pool if it has one."""
    amount, used = ROUTE_DRIVERS[spec.driver], usage.routes[route]
    pools = scenario.routes[route].pools
    wanted = pools if spec.pool is None else (spec.pool,)
    if spec.driver == "cross_zone_gb":
        return math.fsum(
            amount(used.by_pool[p], spec) * crossing_share(spec, len(scenario.pools[p].node.zones))
            for p in wanted
        )
    if wanted == pools:
        return amount(used, spec)
    return math.fsum(amount(used.by_pool[p], spec) for p in wanted)


def crossing_share(spec: BillLine, zones: int) -> float:
    """Part of the requests that cross zones: as told, else that of a replica chosen at random."""
    return (zones - 1) / zones if spec.crossing is None else spec.crossing


def pool_quantity(spec: BillLine, pool: str, usage: Usage, scenario: Scenario) -> float:
    """Quantity of one of POOL_DRIVERS that *pool* had: of nodes that were there, so that a
    commitment that was not used counts as none."""
    used = usage.pools[pool]
    if spec.driver == "node_hours":
        hours = (used.node_s + used.spot_node_s) / 3600.0
    elif spec.driver == "replica_hours":
        hours = used.paid_s / 3600.0
    else:
        hours = gpu_hours(used, scenario.pools[pool].tensor_parallel)
    return hours * spec.times


def quantity(spec: BillLine, usage: Usage, scenario: Scenario) -> float:
    """Quantity of any driver but `bill_usd`, which is known when all other lines are."""
    months = usage.window_s / 3600.0 / HOURS_PER_MONTH
    if spec.driver == "hours":
        return months * HOURS_PER_MONTH * spec.times
    if spec.driver == "months":
        return months * spec.times
    if spec.driver == "stored_gb_months":
        return _stored_gb_months(spec, usage, scenario)
    if spec.driver in ROUTE_DRIVERS:
        routes = routes_of(spec, scenario)
        return math.fsum(route_quantity(spec, r, usage, scenario) for r in routes)
    return math.fsum(pool_quantity(spec, p, usage, scenario) for p in pools_of(spec, scenario))


def _stored_gb_months(spec: BillLine, usage: Usage, scenario: Scenario) -> float:
    """What is always kept, the disks of nodes while they are paid, and logs from the day that they
    are written to the end of their retention."""
    months = usage.window_s / 3600.0 / HOURS_PER_MONTH
    pools = [usage.pools[p] for p in pools_of(spec, scenario)]
    node_hours = math.fsum(p.node_s + p.spot_node_s for p in pools) / 3600.0
    disks = (spec.gb_per_node or 0.0) * node_hours / HOURS_PER_MONTH
    kept_months = (spec.retention or 0.0) / 3600.0 / HOURS_PER_MONTH
    routes = [usage.routes[r] for r in routes_of(spec, scenario)] if kept_months else []
    logs = math.fsum(_log_gb(route, spec) for route in routes) * kept_months
    return (spec.gb or 0.0) * months + disks + logs
