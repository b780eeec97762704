"""Agreement: whether what a pool says of growing, failing and starting fits together; no clock.

Checks of fields take what has been validated so far (a field that failed is absent). All raise a
Fault, or `Faults`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from sim.scenario.autoscaler import FixedScaler, HpaScaler, P95Scaler
from sim.scenario.failures import Failures
from sim.scenario.hint import did_you_mean, listed
from sim.scenario.redundancy import Redundancy
from sim.scenario.replicas import ReplicaRange
from sim.scenario.scale_to_zero import ScaleToZero
from sim.scenario.scaling_plan import ScheduleScaler
from sim.scenario.spec import Fault, raise_all
from sim.units import shown

if TYPE_CHECKING:
    from sim.scenario.pool import Pool
    from sim.scenario.route import Route


def default_replicas(known: Mapping[str, Any]) -> int | dict[str, int]:
    """Return the replicas of a pool that says none: those of its HPA manifest, else one.

    Another autoscaler needs bounds.
    """
    scaler = known.get("autoscaler")
    if isinstance(scaler, HpaScaler):
        hpa = scaler.manifest.spec
        return {"min": hpa.minReplicas, "max": hpa.maxReplicas}
    if scaler is not None and not isinstance(scaler, FixedScaler):
        raise Fault(
            f"is missing: autoscaler {scaler.kind} needs bounds, such as {{min: 1, max: 8}}"
        )
    return 1


def replicas_fit(replicas: int | ReplicaRange, known: Mapping[str, Any]) -> None:
    """Check that there are bounds where there is an autoscaler, and that they are its manifest's.

    A pool that scales to zero may go below the manifest's minReplicas, which are never 0.
    """
    scaler = known.get("autoscaler")
    if scaler is None or isinstance(scaler, FixedScaler):
        return
    if isinstance(replicas, int):
        rule = f"must be bounds, such as {{min: 1, max: {max(replicas, 2)}}}"
        raise Fault(f"{rule}: autoscaler {scaler.kind} moves within them (got {replicas})")
    if isinstance(scaler, HpaScaler):
        hpa = scaler.manifest.spec
        faults = []
        if replicas.min not in (0, hpa.minReplicas):
            faults.append(_unlike("min", "minReplicas", replicas.min, hpa.minReplicas))
        if replicas.max != hpa.maxReplicas:
            faults.append(_unlike("max", "maxReplicas", replicas.max, hpa.maxReplicas))
        raise_all(faults)


def _unlike(key: str, of_manifest: str, ours: int, theirs: int) -> Fault:
    rule = f"must be the manifest's {of_manifest}, {theirs}"
    return Fault(f"{rule}; without replicas it is taken from there (got {ours})", key)


def zero_fits(to_zero: ScaleToZero | None, known: Mapping[str, Any]) -> None:
    """Check that scale_to_zero and a least of 0 come together, and that something moves bounds."""
    if not {"replicas", "autoscaler"} <= known.keys():
        return
    replicas, scaler = known["replicas"], known["autoscaler"]
    if to_zero is None and isinstance(scaler, ScheduleScaler):
        rule = "0 needs scale_to_zero, such as {after: 5m}: when the last replica goes"
        raise_all(
            [
                Fault(rule, "..", "autoscaler", "steps", number, "replicas")
                for number, step in enumerate(scaler.steps)
                if not step.replicas
            ]
        )
    bounds = replicas if isinstance(replicas, ReplicaRange) else None
    if to_zero is not None:
        if bounds is None:
            raise Fault("needs replicas with a min of 0, such as {min: 0, max: 4}")
        if bounds.min > 0:
            rule = f"must be 0 with scale_to_zero (got {bounds.min})"
            raise Fault(rule, "..", "replicas", "min")
    elif bounds is not None and bounds.min == 0:
        rule = "0 needs scale_to_zero, such as {after: 5m}: when the last replica goes"
        raise Fault(rule, "..", "replicas", "min")
    elif bounds is not None and scaler is None:
        rule = "has bounds, but nothing moves within them: give autoscaler, or just a number"
        raise Fault(rule, "..", "replicas")


def redundancy_fits(redundancy: Redundancy | None, known: Mapping[str, Any]) -> None:
    """Check that there is more than one zone where the loss of one is to be survived."""
    node = known.get("node")
    if redundancy is None or redundancy.survive is None or node is None:
        return
    if len(node.zones) < 2:
        rule = f"zone needs at least two zones; the node has only {node.zones[0]}"
        raise Fault(f"{rule}: give it zones: [a, b]", "survive")


def failures_fit(failures: Failures | None, known: Mapping[str, Any]) -> None:
    """Check that outages are of zones that the pool stands in."""
    node = known.get("node")
    if failures is None or node is None:
        return
    raise_all(
        [
            Fault(_no_zone(outage.zone, node.zones), "outages", number, "zone")
            for number, outage in enumerate(failures.outages)
            if outage.zone is not None and outage.zone not in node.zones
        ]
    )


def _no_zone(given: str, zones: tuple[str, ...]) -> str:
    meant = did_you_mean(given, zones)
    tail = f"did you mean {meant!r}?" if meant else f"the node has {listed(zones)}"
    return f"no zone is called {shown(given)}; {tail}"


def targets_are_known(pools: Mapping[str, Pool], routes: Mapping[str, Route]) -> Iterator[Fault]:
    """Yield a fault for each `p95` autoscaler whose target neither it nor an SLO says."""
    for name, pool in pools.items():
        if isinstance(pool.autoscaler, P95Scaler):
            served = [route.slo for route in routes.values() if name in route.pools and route.slo]
            slos_s = [slo.tpot_p95 for slo in served if slo.tpot_p95 is not None]
            try:
                pool.autoscaler.target_tpot_s(slos_s)
            except Fault as fault:
                yield Fault(fault.message, "pools", name, "autoscaler", *fault.steps)


def size_is_known(pool: Pool) -> None:
    """Check that the weights' size is known where replicas start and load them at a rate."""
    if pool.starts_replicas and pool.cold_start.needs_size and pool.weight_bytes is None:
        rule = "loads the weights at a rate, but with explicit timing their size is not known"
        ways = "give a model of the catalog, load: {gb_per_s: 2.0, gb: 16}, load: 30s, or none"
        raise Fault(f"{rule}: {ways}", "startup")
