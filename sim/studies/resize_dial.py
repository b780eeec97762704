"""Resize dial: what makes one pool bigger or smaller, by whole steps; knows no clock.

A fixed pool's steps are its replicas. An autoscaled one's are targets on a grid of 5 %, from the
most to the least that a replica is asked to carry; its bounds are raised where they bind.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from sim.scenario.autoscaler import (
    HpaScaler,
    P95Scaler,
)
from sim.scenario.document import Scenario
from sim.scenario.hpa_manifest import Metric
from sim.scenario.pool import Pool
from sim.scenario.replicas import MOST_REPLICAS, ReplicaRange
from sim.scenario.scaling_plan import ForecastScaler, ScheduleScaler
from sim.scenario.spec import FrozenDict

GRID = 0.05
"""Targets are whole multiples of this share of their reference."""

WIDEST = 40
"""Targets go up to so many times GRID, twice the reference, where no SLO bounds them."""

BY_SLO = 20
"""The `p95` law's targets go up to so many times GRID of the TPOT SLO, which is all of it."""


@dataclass(frozen=True)
class Dial:
    """Sizes of one pool: `set(level)` for levels from `least` to `most`; more is more capacity.

    `start` is where the pool stands; `told` says a level in words.
    """

    pool: str
    start: int
    least: int
    most: int
    set: Callable[[int], Pool]
    told: Callable[[int], str]

    def clamped(self, level: int) -> int:
        """*level*, or the nearest one that there is."""
        return min(self.most, max(self.least, level))

    def applied(self, scenario: Scenario, level: int) -> Scenario:
        """*scenario* with the pool at *level*."""
        return with_pool(scenario, self.pool, self.set(level))


def with_pool(scenario: Scenario, name: str, pool: Pool) -> Scenario:
    """*scenario* with another *pool* of that *name*."""
    return scenario.model_copy(update={"pools": FrozenDict({**scenario.pools, name: pool})})


def dial_of(scenario: Scenario, name: str) -> Dial | None:
    """The dial of the pool *name*; None where nothing but scaling to zero moves it."""
    pool = scenario.pools[name]
    if pool.autoscaler is None and pool.scale_to_zero is not None:
        return None
    if not pool.scales:
        return _replicas(name, pool)
    if isinstance(pool.autoscaler, P95Scaler):
        return _p95(scenario, name, pool, pool.autoscaler)
    return _loads(name, pool)


def _replicas(name: str, pool: Pool) -> Dial:
    def sized(level: int) -> Pool:
        return pool.model_copy(update={"replicas": level})

    def told(level: int) -> str:
        return f"{level:,} replica{'' if level == 1 else 's'}"

    return Dial(name, pool.start_replicas, 1, MOST_REPLICAS, sized, told)


def _p95(scenario: Scenario, name: str, pool: Pool, scaler: P95Scaler) -> Dial:
    slos_s = [
        route.slo.tpot_p95
        for route in scenario.routes.values()
        if name in route.pools and route.slo is not None and route.slo.tpot_p95 is not None
    ]
    now_s = scaler.target_tpot_s(slos_s)
    whole_s, steps = (min(slos_s), BY_SLO) if slos_s else (now_s, WIDEST)

    def sized(level: int) -> Pool:
        target = scaler.model_copy(update={"target": whole_s * GRID * (steps - level)})
        return pool.model_copy(update={"autoscaler": target})

    def told(level: int) -> str:
        return f"target {1e3 * whole_s * GRID * (steps - level):.3g} ms"

    start = steps - round(now_s / whole_s / GRID)
    return Dial(name, min(max(0, start), steps - 1), 0, steps - 1, sized, told)


def _loads(name: str, pool: Pool) -> Dial:
    def sized(level: int) -> Pool:
        return _carrying(pool, GRID * (WIDEST - level))

    def told(level: int) -> str:
        return f"target {GRID * (WIDEST - level):.0%} of what it is".replace("%", " %")

    return Dial(name, WIDEST - round(1 / GRID), 0, WIDEST - 1, sized, told)


def _carrying(pool: Pool, factor: float) -> Pool:
    """*pool* with each replica asked to carry *factor* x what its autoscaler asks now."""
    scaler = pool.autoscaler
    changed: object = scaler
    if isinstance(scaler, HpaScaler):
        spec = scaler.manifest.spec
        metrics = tuple(_scaled(metric, factor) for metric in spec.metrics)
        manifest = scaler.manifest.model_copy(
            update={"spec": spec.model_copy(update={"metrics": metrics})}
        )
        changed = scaler.model_copy(update={"manifest": manifest})
    elif isinstance(scaler, ForecastScaler):
        rates = {
            key: getattr(scaler, key) * factor
            for key in ("requests_per_s", "tokens_per_s")
            if getattr(scaler, key) is not None
        }
        changed = scaler.model_copy(update=rates)
    elif isinstance(scaler, ScheduleScaler):
        steps = tuple(
            step.model_copy(update={"replicas": max(1, math.ceil(step.replicas / factor - 1e-9))})
            for step in scaler.steps
        )
        changed = scaler.model_copy(update={"steps": steps})
    return pool.model_copy(update={"autoscaler": changed})


def _scaled(metric: Metric, factor: float) -> Metric:
    """*metric* with its target times *factor*, in whole thousandths, as Kubernetes has them."""
    source = metric.source
    target = source.target
    key = "averageValue" if target.averageValue is not None else "value"
    value = f"{max(1, round(target.thousandths * factor))}m"
    changed = source.model_copy(update={"target": target.model_copy(update={key: value})})
    return metric.model_copy(update={metric.type.lower(): changed})


def bounds_raised(pool: Pool, most: int) -> Pool:
    """*pool* with *most* replicas as the upper bound of its autoscaler."""
    replicas = pool.replicas
    if not isinstance(replicas, ReplicaRange):
        return pool
    most = min(MOST_REPLICAS, most)
    update: dict[str, object] = {"replicas": replicas.model_copy(update={"max": most})}
    scaler = pool.autoscaler
    if isinstance(scaler, HpaScaler):
        spec = scaler.manifest.spec.model_copy(update={"maxReplicas": most})
        manifest = scaler.manifest.model_copy(update={"spec": spec})
        update["autoscaler"] = scaler.model_copy(update={"manifest": manifest})
    return pool.model_copy(update=update)
