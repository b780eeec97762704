"""Bill: what a window costs, line by line: driver, quantity, price; knows no clock."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from sim.ledger.usage import PoolUsage, RouteUsage, Usage
from sim.scenario.bill import BillLine
from sim.scenario.document import Scenario
from sim.units import HOURS_PER_MONTH

NODE_LINE = "nodes"
"""Name of the line of each pool's nodes."""

SENT_WASTE = ("timed_out", "failed", "cancelled", "retried")
"""Waste whose output had been streamed to someone: it is egress all the same. What is recomputed
after a preemption is not sent again."""


@dataclass(frozen=True)
class Line:
    """One line of the bill: `usd` = `quantity` of `driver` x `unit_usd`."""

    line: str
    kind: str
    pool: str | None
    driver: str
    quantity: float
    unit_usd: float

    @property
    def usd(self) -> float:
        """Dollars of this line in the window."""
        return self.quantity * self.unit_usd


@dataclass(frozen=True)
class Bill:
    """All lines of a window; `spec` of `lines[i]` is `specs[i]`, None for a pool's nodes."""

    window_s: float
    lines: tuple[Line, ...]
    specs: tuple[BillLine | None, ...]

    @property
    def total_usd(self) -> float:
        """Sum of all lines."""
        return math.fsum(line.usd for line in self.lines)

    @property
    def usd_per_hour(self) -> float:
        """The total per hour of the window."""
        return self.total_usd / (self.window_s / 3600.0)

    @property
    def usd_per_month(self) -> float:
        """The total scaled to a month of 730 hours."""
        return self.usd_per_hour * HOURS_PER_MONTH

    def node_usd(self, pool: str) -> float:
        """Dollars of one pool's nodes, GPUs without a replica included."""
        return math.fsum(
            line.usd
            for line, spec in zip(self.lines, self.specs, strict=True)
            if spec is None and line.pool == pool
        )

    def pool_usd(self, pool: str) -> float:
        """Dollars of all lines that name *pool*."""
        return math.fsum(line.usd for line in self.lines if line.pool == pool)


def gpu_hours(pool: PoolUsage, tensor_parallel: int) -> float:
    """Paid GPU-hours of a pool: its replicas' GPUs and those without a replica."""
    return (pool.paid_s * tensor_parallel + pool.unplaced_gpu_s) / 3600.0


def useful_tokens(route: RouteUsage) -> float:
    """Input (cached and template included) and output tokens that reached a waiting user."""
    return route.useful.input + route.useful.output


def _egress_gb(route: RouteUsage, spec: BillLine) -> float:
    wasted = math.fsum(route.wasted_output.get(cause, 0.0) for cause in SENT_WASTE)
    return (route.useful.output + wasted) * spec.bytes_per_token / 1e9


ROUTE_DRIVERS: dict[str, Callable[[RouteUsage, BillLine], float]] = {
    "requests": lambda route, _: route.requests.completed,
    "million_tokens": lambda route, _: useful_tokens(route) / 1e6,
    "egress_gb": _egress_gb,
}
"""Drivers that each route has its own quantity of: completed requests, useful tokens,
output tokens sent."""


def routes_of(spec: BillLine, scenario: Scenario) -> list[str]:
    """Routes that a line is about: its own, those of its pool, or all."""
    if spec.route is not None:
        return [spec.route]
    return [n for n, route in scenario.routes.items() if spec.pool in (None, route.pool)]


def pools_of(spec: BillLine, scenario: Scenario) -> list[str]:
    """Pools that a line is about: its own, that of its route, or all."""
    if spec.pool is not None:
        return [spec.pool]
    if spec.route is not None:
        return [scenario.routes[spec.route].pool]
    return list(scenario.pools)


def pool_quantity(spec: BillLine, pool: str, usage: Usage, scenario: Scenario) -> float:
    """Quantity of a driver that each pool has its own of: node-hours or GPU-hours."""
    if spec.driver == "node_hours":
        return usage.pools[pool].node_s / 3600.0
    return gpu_hours(usage.pools[pool], scenario.pools[pool].tensor_parallel)


def _quantity(spec: BillLine, usage: Usage, scenario: Scenario) -> float:
    hours = usage.window_s / 3600.0
    if spec.driver == "hours":
        return hours
    if spec.driver == "months":
        return hours / HOURS_PER_MONTH
    if spec.driver in ROUTE_DRIVERS:
        of_route = ROUTE_DRIVERS[spec.driver]
        return math.fsum(of_route(usage.routes[r], spec) for r in routes_of(spec, scenario))
    return math.fsum(pool_quantity(spec, p, usage, scenario) for p in pools_of(spec, scenario))


def bill(usage: Usage, scenario: Scenario) -> Bill:
    """The bill of *usage*: every pool's paid node-hours, then the scenario's own lines in order."""
    lines: list[Line] = []
    for name, pool in scenario.pools.items():
        hours = usage.pools[name].node_s / 3600.0
        price = pool.node.usd_per_node_hour
        lines.append(Line(NODE_LINE, "node", name, "node_hours", hours, price))
    for spec in scenario.bill:
        quantity = _quantity(spec, usage, scenario)
        lines.append(Line(spec.line, spec.kind, spec.pool, spec.driver, quantity, spec.usd))
    specs = (*(None for _ in scenario.pools), *scenario.bill)
    return Bill(usage.window_s, tuple(lines), specs)
