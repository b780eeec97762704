"""Bill: what a window costs, line by line: driver, quantity, price; knows no clock."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from sim.ledger.usage import PoolUsage, RouteUsage, Usage
from sim.scenario.bill import BillLine
from sim.scenario.document import Scenario
from sim.units import HOURS_PER_MONTH

NODE_LINE, SPOT_LINE = "nodes", "spot nodes"
"""Names of the lines of each pool's nodes."""

SENT_WASTE = ("timed_out", "failed", "cancelled", "retried")
"""Waste whose output had been streamed to someone: it is egress all the same. What is recomputed
after a preemption is not sent again, and health checks do not leave the house."""


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
class HostedPart:
    """What a line of a hosted API is for: tokens of one kind, as `KindTokens` has them."""

    route: str
    kind: str


Spec = BillLine | HostedPart | None
"""What a line stands for: a line of the scenario's own, hosted tokens, or (None) a pool's nodes."""


@dataclass(frozen=True)
class Bill:
    """All lines of a window; `specs[i]` is what `lines[i]` stands for."""

    window_s: float
    lines: tuple[Line, ...]
    specs: tuple[Spec, ...]

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
        """Dollars of one pool's nodes, spot or not, GPUs without a replica included."""
        return math.fsum(
            line.usd
            for line, spec in zip(self.lines, self.specs, strict=True)
            if spec is None and line.pool == pool
        )

    def hosted_usd(self, route: str) -> dict[str, float]:
        """Dollars that a hosted API took for *route*, by kind of token; empty if it took none."""
        return {
            spec.kind: line.usd
            for line, spec in zip(self.lines, self.specs, strict=True)
            if isinstance(spec, HostedPart) and spec.route == route
        }

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
        return (usage.pools[pool].node_s + usage.pools[pool].spot_node_s) / 3600.0
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
    """The bill of *usage*: every pool's paid node-hours, what a hosted API answered, then the
    scenario's own lines in order."""
    nodes = [line for pool in scenario.pools for line in _node_lines(pool, usage, scenario)]
    hosted = [part for route in scenario.routes for part in _hosted_lines(route, usage, scenario)]
    own = [
        Line(s.line, s.kind, s.pool, s.driver, _quantity(s, usage, scenario), s.usd)
        for s in scenario.bill
    ]
    lines = (*nodes, *(line for line, _ in hosted), *own)
    specs = (*(None for _ in nodes), *(part for _, part in hosted), *scenario.bill)
    return Bill(usage.window_s, lines, specs)


def _node_lines(name: str, usage: Usage, scenario: Scenario) -> list[Line]:
    node, used = scenario.pools[name].node, usage.pools[name]
    hours = used.node_s / 3600.0
    lines = [Line(NODE_LINE, "node", name, "node_hours", hours, node.usd_per_node_hour)]
    if node.spot is not None:
        spot_hours, price = used.spot_node_s / 3600.0, node.usd_per_spot_node_hour
        lines.append(Line(SPOT_LINE, "node", name, "node_hours", spot_hours, price))
    return lines


def _hosted_lines(name: str, usage: Usage, scenario: Scenario) -> list[tuple[Line, HostedPart]]:
    """A line for each kind of token that the hosted API was asked for, at the API's own price."""
    api, counts = scenario.routes[name].overflow, usage.routes[name].hosted
    if api is None:
        return []
    kinds = (
        ("input", counts.input - counts.cached_input, api.usd_per_million_input),
        ("cached_input", counts.cached_input, api.cached_input_usd),
        ("output", counts.output, api.usd_per_million_output),
    )
    return [
        (
            Line(
                f"hosted {kind.replace('_', ' ')} ({name})", "hosted", None,
                "million_tokens", tokens / 1e6, usd,
            ),
            HostedPart(name, kind),
        )
        for kind, tokens, usd in kinds
        if tokens
    ]  # fmt: skip
