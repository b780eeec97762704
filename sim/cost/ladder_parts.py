"""Ladder parts: dollars of rungs 5 to 9, read from what paid time was; knows no clock."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields

from sim.cost.benchmark import Benchmark
from sim.cost.ladder_need import Need
from sim.cost.reference import NO_RATES, ReferenceRates, reference_seconds
from sim.ledger.usage import PoolUsage, Usage
from sim.scenario.document import Scenario
from sim.scenario.pool import Pool

COLD = ("start", "scale")
"""Causes of starts that neither a rollout nor a failure made."""


@dataclass(frozen=True)
class Parts:
    """Dollars at list price: all nodes, and what of them was for something else than the load.

    `starting`, `tails`: cold starts, and nodes that were given back but paid to the end of a unit.
    `surge`, `spares` (warm nodes too), `floor`: rollouts, redundancy, replicas held by `min` alone.
    `dead`, `replacing`: failed replicas, and the start of those in their place. `waste`: reference
    seconds of attempts that were of no use.
    """

    list_usd: float = 0.0
    starting_usd: float = 0.0
    tails_usd: float = 0.0
    surge_usd: float = 0.0
    spares_usd: float = 0.0
    floor_usd: float = 0.0
    dead_usd: float = 0.0
    replacing_usd: float = 0.0
    waste_usd: float = 0.0

    @property
    def cold_usd(self) -> float:
        """Rung 6."""
        return self.starting_usd + self.tails_usd

    @property
    def redundancy_usd(self) -> float:
        """Rung 7."""
        return self.surge_usd + self.spares_usd + self.floor_usd

    @property
    def failures_usd(self) -> float:
        """Rung 8."""
        return self.dead_usd + self.replacing_usd


def parts(
    usage: Usage,
    scenario: Scenario,
    benchmarks: Mapping[str, Benchmark],
    needs: Mapping[str, Need],
) -> Parts:
    """The parts of all pools together."""
    found = [
        _pool_parts(
            usage.pools[name],
            pool,
            needs.get(name, Need()),
            _waste_s(usage, name, benchmarks[name].rates if name in benchmarks else NO_RATES),
        )
        for name, pool in scenario.pools.items()
    ]
    sums = {f.name: math.fsum(getattr(part, f.name) for part in found) for f in fields(Parts)}
    return Parts(**sums)


def _pool_parts(used: PoolUsage, pool: Pool, need: Need, waste_s: float) -> Parts:
    replica = pool.usd_per_replica_hour / 3600.0
    node = pool.node.usd_per_node_hour / 3600.0
    starting_s = used.starting_by_cause_s
    return Parts(
        list_usd=(used.node_s + used.spot_node_s) * node,
        starting_usd=math.fsum(starting_s.get(cause, 0.0) for cause in COLD) * replica,
        tails_usd=used.tail_node_s * node,
        surge_usd=used.surge_s * replica,
        spares_usd=used.spare_s * replica + used.warm_node_s * node,
        floor_usd=need.held_by_min_s * replica,
        dead_usd=used.failed_s * replica,
        replacing_usd=starting_s.get("replacement", 0.0) * replica,
        waste_usd=waste_s * replica,
    )


def _waste_s(usage: Usage, pool: str, rates: ReferenceRates) -> float:
    on = [r.by_pool[pool] for r in usage.routes.values() if pool in r.by_pool]
    return math.fsum(reference_seconds(part.ended_waste, rates).total_s for part in on)


def expected_failures_usd(pool: Pool, node_s: float) -> float | None:
    """What nodes' failures cost on average: nodes x hours / MTBF x (detection + start-up) x price.

    *node_s* are the paid node-seconds. A node that is repaired is paid meanwhile. None where nodes
    do not die at a known rate, or where it is not known how long a start takes.
    """
    failures = pool.failures
    if failures is None or failures.mtbf is None:
        return None
    try:
        start_s = pool.mean_startup_s
    except ValueError:
        return None
    repair_s = failures.repair_mean_s if failures.on_failure == "repair" else 0.0
    away_s = failures.detection.mean_s + repair_s + start_s
    return node_s / failures.mtbf * away_s * pool.node.usd_per_node_hour / 3600.0
