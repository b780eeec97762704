"""Bill: what a window costs, line by line: driver, quantity, price; knows no clock."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field

from sim.cost.hosted import Charge, answered_by_api, remaining_usd
from sim.cost.line import Line
from sim.cost.purchase import node_lines
from sim.cost.quantity import quantity
from sim.ledger.usage import Usage
from sim.scenario.bill import SUPPORTED, BillLine
from sim.scenario.document import Scenario
from sim.units import HOURS_PER_MONTH


@dataclass(frozen=True)
class HostedPart:
    """What a line of a hosted API is for: tokens of one kind, as `KindTokens` has them."""

    route: str
    kind: str


Spec = BillLine | HostedPart | None
"""What a line stands for: a line of the scenario's own, hosted tokens, or (None) a pool's nodes."""


@dataclass(frozen=True)
class Bill:
    """All lines of a window; `specs[i]` is what `lines[i]` stands for.

    `list_usd` is what each pool's nodes, spot ones too, would have cost at the list price.
    """

    window_s: float
    lines: tuple[Line, ...]
    specs: tuple[Spec, ...]
    list_usd: dict[str, float] = field(default_factory=dict)

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
        """Dollars of one pool's nodes however they were bought, GPUs without a replica and
        commitments that were not used included."""
        return math.fsum(line.usd for line in self._nodes(pool))

    def unused_usd(self, pool: str) -> float:
        """The part of them that was committed to, but not used."""
        return math.fsum(line.usd for line in self._nodes(pool) if line.kind == "commitment")

    def list_node_usd(self, pool: str) -> float:
        """What one pool's paid node-hours, spot ones too, would have cost at the list price."""
        return self.list_usd[pool]

    def _nodes(self, pool: str) -> Iterator[Line]:
        for line, spec in zip(self.lines, self.specs, strict=True):
            if spec is None and line.pool == pool:
                yield line

    def kind_usd(self, kind: str) -> float:
        """Dollars of all lines of one kind."""
        return math.fsum(line.usd for line in self.lines if line.kind == kind)

    def hosted_usd(self, route: str) -> dict[str, float]:
        """Dollars that a hosted API took for *route*, by kind of token; empty if it took none."""
        usd: dict[str, list[float]] = {}
        for line, spec in zip(self.lines, self.specs, strict=True):
            if isinstance(spec, HostedPart) and spec.route == route:
                usd.setdefault(spec.kind, []).append(line.usd)
        return {kind: math.fsum(parts) for kind, parts in usd.items()}

    @property
    def remaining_usd(self) -> float:
        """Dollars that would be paid all the same if a hosted API answered everything."""
        return remaining_usd([(li.usd, sp) for li, sp in zip(self.lines, self.specs, strict=True)])

    def pool_usd(self, pool: str) -> float:
        """Dollars of all lines that name *pool*."""
        return math.fsum(line.usd for line in self.lines if line.pool == pool)


def bill(usage: Usage, scenario: Scenario) -> Bill:
    """The bill of *usage*: every pool's nodes, what a hosted API answered, then the scenario's own
    lines in order."""
    nodes = [
        line
        for name, pool in scenario.pools.items()
        for line in node_lines(name, usage.pools[name], pool.node, usage.window_s)
    ]
    hosted = [part for route in scenario.routes for part in _hosted_lines(route, usage, scenario)]
    others = (*nodes, *(line for line, _ in hosted))
    return Bill(
        usage.window_s,
        (*others, *_own_lines(others, usage, scenario)),
        (*(None for _ in nodes), *(part for _, part in hosted), *scenario.bill),
        {name: _list_usd(name, usage, scenario) for name in scenario.pools},
    )


def _list_usd(name: str, usage: Usage, scenario: Scenario) -> float:
    used = usage.pools[name]
    hours = (used.node_s + used.spot_node_s) / 3600.0
    return hours * scenario.pools[name].node.usd_per_node_hour


def _own_lines(others: tuple[Line, ...], usage: Usage, scenario: Scenario) -> list[Line]:
    """The scenario's own lines; a percentage is of all lines that are none."""
    plain = {
        spec.line: _line(spec, quantity(spec, usage, scenario))
        for spec in scenario.bill
        if spec.driver != "bill_usd"
    }
    known = (*others, *plain.values())
    return [
        plain[spec.line] if spec.line in plain else _line(spec, _dollars(spec, known))
        for spec in scenario.bill
    ]


def _dollars(spec: BillLine, lines: tuple[Line, ...]) -> float:
    kinds = SUPPORTED if spec.of is None else spec.of
    return math.fsum(
        line.usd for line in lines if line.kind in kinds and spec.pool in (None, line.pool)
    )


def _line(spec: BillLine, amount: float) -> Line:
    return Line(
        spec.line, spec.kind, spec.pool, spec.driver, amount, spec.unit_usd,
        spec.told_source, spec.price,
    )  # fmt: skip


def _hosted_lines(name: str, usage: Usage, scenario: Scenario) -> list[tuple[Line, HostedPart]]:
    """A line for each kind of token that a hosted API was asked for, at the API's own price."""
    return [
        (
            Line(
                _hosted_name(name, charge), "hosted", None,
                "million_tokens", charge.tokens / 1e6, charge.usd_per_million,
            ),
            HostedPart(name, _kind(charge, has_pools=bool(scenario.routes[name].pools))),
        )
        for charge in answered_by_api(usage.routes[name].by_tier, scenario, name)
    ]  # fmt: skip


def _kind(charge: Charge, *, has_pools: bool) -> str:
    """The kind of useful token that a charge is for; only a pool's own cache tells cached input."""
    return charge.kind if charge.kind == "output" or has_pools else "input"


def _hosted_name(route: str, charge: Charge) -> str:
    above = f" above {charge.above_tokens:,} tokens" if charge.above_tokens else ""
    return f"hosted {charge.kind.replace('_', ' ')}{above} ({route})"
