"""Break-even fleet: what the fleet would be at another demand, by arithmetic; knows no clock.

The load of a pool is its reference seconds in each five minutes over their length: the replicas
that would be full. How full they can be without missing an SLO is read off fleets that were
resized by simulation (`Carrying`). A fixed pool is sized for its busy windows, an autoscaled one
follows the load.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sim.cost.benchmark import Benchmark
from sim.cost.peak import interval_lengths_s
from sim.cost.reference import seconds_by_row
from sim.ledger.usage import INTERVAL_S, Figures, PoolUsage, Usage
from sim.scenario.document import Scenario
from sim.scenario.pool import Pool

FIRST_GUESS = 0.5
"""How full replicas are taken to be until a simulation of two or more has shown it."""

ROUNDING = 1e-9
"""A load that exceeds a whole number of replicas by this share still fits into them."""

Loads = Mapping[str, NDArray[np.float64]]
"""By pool, full replicas in each five minutes."""


def loads(usage: Usage, scenario: Scenario, benchmarks: Mapping[str, Benchmark]) -> Loads:
    """The load of each pool of *usage*; 0 of one that nobody asked anything."""
    found = {}
    for name in scenario.pools:
        parts = [
            usage.routes[route].by_pool[name].ended_by_interval
            for route, spec in scenario.routes.items()
            if name in spec.pools
        ]
        lengths_s = interval_lengths_s(usage.window_s, _intervals(usage.window_s), INTERVAL_S)
        seconds = np.zeros(len(lengths_s))
        if name in benchmarks:
            for tokens in parts:
                seconds = seconds + seconds_by_row(tokens, benchmarks[name].rates)
        found[name] = seconds / lengths_s
    return found


def _intervals(window_s: float) -> int:
    return max(1, math.ceil(window_s / INTERVAL_S))


def busy_load(load: NDArray[np.float64], slo_windows: float) -> float:
    """The load that all but the busiest windows stay under, which may miss an SLO."""
    return float(np.quantile(load, slo_windows, method="higher"))


@dataclass(frozen=True)
class Carrying:
    """How a pool bears load: `load` full replicas per replica of a fixed pool; of an autoscaled
    one, `replicas` are paid for each that the load would need at FIRST_GUESS."""

    load: float = FIRST_GUESS
    replicas: float = 1.0
    sure: bool = False


def carrying(scenario: Scenario, name: str, runs: Sequence[Usage], of: Sequence[Loads]) -> Carrying:
    """What the resized fleet of *scenario*, which did *runs* under the loads *of*, says of a pool.

    A single replica may have had much room left: then the guess stands where it is higher.
    """
    pool = scenario.pools[name]
    if pool.scales:
        paid = math.fsum(run.pools[name].paid_s / run.window_s for run in runs) / len(runs)
        wanted = [_followed(pool, load[name], 1.0, Carrying()) for load in of]
        needed = float(np.mean([np.mean(series) for series in wanted]))
        return Carrying(replicas=paid / needed if needed else 1.0, sure=True)
    busy = math.fsum(busy_load(load[name], scenario.slo_windows) for load in of) / len(of)
    replicas = pool.start_replicas
    shown = busy / replicas
    return Carrying(load=shown if replicas > 1 else max(FIRST_GUESS, shown), sure=replicas > 1)


@dataclass(frozen=True)
class Sized:
    """A pool at another demand: paid replicas in each five minutes."""

    replicas: NDArray[np.float64]

    @property
    def mean(self) -> float:
        """Mean paid replicas."""
        return float(np.mean(self.replicas))


def sized(
    scenario: Scenario, name: str, load: NDArray[np.float64], busy: float, multiple: float,
    bears: Carrying,
) -> Sized:  # fmt: skip
    """Pool *name* under *multiple* x its *load*, whose busy windows are *busy* at 1."""
    pool = scenario.pools[name]
    if pool.scales:
        return Sized(bears.replicas * _followed(pool, load, multiple, bears))
    needed = multiple * busy / bears.load if bears.load > 0 else 0.0
    return Sized(np.full(len(load), float(max(1, math.ceil(needed - ROUNDING * needed)))))


def _followed(
    pool: Pool, load: NDArray[np.float64], multiple: float, bears: Carrying
) -> NDArray[np.float64]:
    """Whole replicas that follow the load, no fewer than the pool's own least."""
    whole = np.ceil(multiple * load / FIRST_GUESS)
    followed: NDArray[np.float64] = np.maximum(whole, pool.least_replicas)
    return followed


def usage_at(
    usage: Usage, scenario: Scenario, multiple: float, pools: Mapping[str, Sized]
) -> Usage:
    """*usage* with *multiple* x its requests on other *pools*: what a bill asks for, no more."""
    return replace(
        usage,
        routes={name: _multiplied(route, multiple) for name, route in usage.routes.items()},
        pools={
            name: _pool(usage.pools[name], scenario.pools[name], pools[name], usage.window_s)
            for name in usage.pools
        },
    )


def _pool(used: PoolUsage, pool: Pool, size: Sized, window_s: float) -> PoolUsage:
    """A pool's paid time, spot nodes in the share that they had."""
    lengths_s = interval_lengths_s(window_s, len(size.replicas), INTERVAL_S)
    nodes = size.replicas / pool.replicas_per_node
    if not pool.scales:
        nodes = np.ceil(nodes - ROUNDING)
    most = max(1, math.ceil(float(nodes.max())))
    all_s = used.node_s + used.spot_node_s
    on_demand = used.node_s / all_s if all_s else 1.0
    shares = np.clip(nodes[:, None] * on_demand - np.arange(most)[None, :], 0.0, 1.0)
    node_s, paid_s = float(nodes @ lengths_s), float(size.replicas @ lengths_s)
    return PoolUsage(
        paid_s=paid_s,
        idle_s=paid_s,
        node_s=node_s * on_demand,
        spot_node_s=node_s * (1.0 - on_demand),
        nodes_at_least_s=lengths_s @ shares,
        unplaced_gpu_s=max(0.0, node_s * pool.node.gpus - paid_s * pool.gpus_per_replica),
    )


def _multiplied(value: Any, multiple: float) -> Any:
    """Every count of a usage times *multiple*; latencies stay what they are."""
    if value is None or isinstance(value, str | Figures):
        return value
    if isinstance(value, dict):
        return {key: _multiplied(part, multiple) for key, part in value.items()}
    if isinstance(value, tuple):
        return tuple(_multiplied(part, multiple) for part in value)
    if is_dataclass(value) and not isinstance(value, type):
        found = {f.name: _multiplied(getattr(value, f.name), multiple) for f in fields(value)}
        return type(value)(**found)
    return value * multiple
