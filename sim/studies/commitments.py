"""Commitments: what a run says of how many nodes to reserve, pool by pool; knows no clock."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass

import numpy as np

from sim.cost.commitment import Advice, advice, usd_per_hour
from sim.ledger.usage import PoolUsage
from sim.scenario.node import Node
from sim.studies.result import Result
from sim.studies.summary import Tree


@dataclass(frozen=True)
class PoolAdvice:
    """The advice for one pool over all replications, and for each alone.

    `reserved_nodes` are those of the file, `usd_per_hour_as_is` what an hour costs with them.
    """

    pool: str
    advice: Advice
    nodes_by_replication: tuple[int, ...]
    reserved_nodes: int
    usd_per_hour_as_is: float


def commitments(result: Result, discount: float | None = None) -> tuple[PoolAdvice, ...]:
    """Advice for every pool of *result* at *discount* off its list price, else at the price of its
    own `reserved` nodes; pools without either are left out."""
    return tuple(_advised(result, discount))


def _advised(result: Result, discount: float | None) -> Iterator[PoolAdvice]:
    for name, pool in result.scenario.pools.items():
        price = reserved_usd_per_hour(pool.node, discount)
        if price is None:
            continue
        own = pool.node.reserved.nodes if pool.node.reserved is not None else 0

        def advised(used: PoolUsage, node: Node = pool.node, usd: float = price) -> Advice:
            owned, window_s = node.owned.nodes if node.owned else 0, result.usage.window_s
            list_usd = node.usd_per_node_hour
            return advice(used.nodes_at_least_s, window_s, usd, list_usd, owned)

        best = advised(result.usage.pools[name])
        list_usd = best.on_demand_usd_per_hour
        yield PoolAdvice(
            pool=name,
            advice=best,
            nodes_by_replication=tuple(advised(u.pools[name]).nodes for u in result.usages),
            reserved_nodes=own,
            usd_per_hour_as_is=usd_per_hour(np.array(best.shares), own, price, list_usd),
        )


def reserved_usd_per_hour(node: Node, discount: float | None) -> float | None:
    """What a reserved node costs per hour: *discount* off the list price, else as the file says."""
    if discount is not None:
        return node.usd_per_node_hour * (1.0 - discount)
    return None if node.reserved is None else node.usd_per_reserved_node_hour


def commitments_document(result: Result, found: tuple[PoolAdvice, ...]) -> Tree:
    """The advice as plain values for JSON."""
    return {
        "scenario": result.scenario.name,
        "seed": result.scenario.seed,
        "replications": len(result.runs),
        "window_s": result.usage.window_s,
        "pools": {item.pool: _entry(item) for item in found},
    }


def _entry(item: PoolAdvice) -> Tree:
    regrets = [
        {**asdict(regret), "regret_usd_per_hour": regret.regret_usd_per_hour}
        for regret in item.advice.regrets
    ]
    return {
        **asdict(item.advice),
        "shares": list(item.advice.shares),
        "regrets": regrets,
        "saved_share": item.advice.saved_share,
        "nodes_by_replication": list(item.nodes_by_replication),
        "reserved_nodes": item.reserved_nodes,
        "usd_per_hour_as_is": item.usd_per_hour_as_is,
    }
