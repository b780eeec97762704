"""Purchase: which nodes are owned, reserved, on demand or spot, and what each hour of them costs.

Knows no clock. Owned nodes are used first, then reserved ones; what is needed beyond is on demand.
Both are paid whether used or not: the unused rest, R x window - integral of min(n, R), has lines
of its own.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

from sim.cost.line import Line
from sim.ledger.usage import PoolUsage
from sim.scenario.bill import YOURS
from sim.scenario.node import Node
from sim.scenario.node_price import NodePrice
from sim.scenario.owned import Owned
from sim.scenario.reserved import Reserved

NODE_LINE, SPOT_LINE = "nodes", "spot nodes"
"""Names of the lines of each pool's nodes that are on demand, or spot."""

RESERVED_LINE, UNUSED_RESERVED_LINE = "reserved nodes", "unused reserved nodes"
UNUSED_OWNED_LINE = "unused owned nodes"

FULL_COST = "the full cost of an owned node"
"""Source of a list price that nobody said, where nodes are owned."""


@dataclass(frozen=True)
class Held:
    """Node-seconds of the window by how they were bought; spot ones are `PoolUsage.spot_node_s`."""

    owned_used_s: float = 0.0
    owned_unused_s: float = 0.0
    reserved_used_s: float = 0.0
    reserved_unused_s: float = 0.0
    on_demand_s: float = 0.0

    @property
    def unused_s(self) -> float:
        """Node-seconds that were committed to, but not used."""
        return self.owned_unused_s + self.reserved_unused_s


def held(pool: PoolUsage, node: Node, window_s: float) -> Held:
    """Divide a pool's node-seconds by how *node* is bought; the parts used sum to `node_s`.

    >>> import numpy as np
    >>> pool = PoolUsage(node_s=16.0, nodes_at_least_s=np.array([10.0, 4.0, 2.0]))
    >>> held(pool, Node(usd_per_hour=1, reserved={"nodes": 2, "discount": 0.4}), 10.0)
    Held(owned_used_s=0.0, owned_unused_s=0.0, reserved_used_s=14.0, reserved_unused_s=6.0, \
on_demand_s=2.0)
    """
    owned, reserved = (some.nodes if some else 0 for some in (node.owned, node.reserved))
    owned_s = math.fsum(pool.nodes_at_least_s[:owned])
    reserved_s = math.fsum(pool.nodes_at_least_s[owned : owned + reserved])
    return Held(
        owned_used_s=owned_s,
        owned_unused_s=max(0.0, owned * window_s - owned_s),
        reserved_used_s=reserved_s,
        reserved_unused_s=max(0.0, reserved * window_s - reserved_s),
        on_demand_s=max(0.0, pool.node_s - owned_s - reserved_s),
    )


def unused_gpu_s(pool: PoolUsage, node: Node, window_s: float) -> float:
    """GPU-seconds of nodes that were committed to, but not used."""
    return held(pool, node, window_s).unused_s * node.gpus


def node_lines(name: str, pool: PoolUsage, node: Node, window_s: float) -> Iterator[Line]:
    """The lines of pool *name*'s nodes, used or only committed to."""
    parts = held(pool, node, window_s)
    if node.owned is not None:
        yield from _owned_lines(name, node.owned, parts)
    if node.reserved is not None:
        yield from _reserved_lines(name, node, node.reserved, parts)
    list_price = _source(node) if node.has_price else (FULL_COST, None)
    yield _hours(NODE_LINE, "node", name, parts.on_demand_s, node.usd_per_node_hour, list_price)
    if node.spot is not None:
        price = node.usd_per_spot_node_hour
        yield _hours(SPOT_LINE, "node", name, pool.spot_node_s, price, _source(node.spot))


def _owned_lines(name: str, owned: Owned, parts: Held) -> Iterator[Line]:
    """A line for each part of what a used node costs, and one for those that are not used."""
    for part, usd in owned.parts_usd_per_hour().items():
        yield _hours(f"owned nodes: {part}", "node", name, parts.owned_used_s, usd)
    unused_usd = owned.usd_per_node_hour(used=False)
    yield _hours(UNUSED_OWNED_LINE, "commitment", name, parts.owned_unused_s, unused_usd)


def _reserved_lines(name: str, node: Node, reserved: Reserved, parts: Held) -> Iterator[Line]:
    price, told = node.usd_per_reserved_node_hour, _source(reserved)
    if reserved.discount is not None:
        told = f"{100.0 * reserved.discount:.4g} % off the list price", None
    yield _hours(RESERVED_LINE, "node", name, parts.reserved_used_s, price, told)
    unused_s = parts.reserved_unused_s
    yield _hours(UNUSED_RESERVED_LINE, "commitment", name, unused_s, price, told)


def _hours(
    line: str,
    kind: str,
    pool: str,
    node_s: float,
    usd: float,
    told: tuple[str, str | None] = (YOURS, None),
) -> Line:
    return Line(line, kind, pool, "node_hours", node_s / 3600.0, usd, *told)


def _source(priced: NodePrice) -> tuple[str, str | None]:
    row = priced.price_row
    if row is None:
        return YOURS, None
    return f"{row.source} (via {row.via}), {row.as_of.isoformat()}", row.key
