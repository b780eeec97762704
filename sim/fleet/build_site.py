"""Build site: from what a scenario says of a pool to all that keeps it running."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import simpy

from sim.fleet.build import build_batcher
from sim.fleet.faults import Faults, Hazards, Outage
from sim.fleet.history import History
from sim.fleet.hpa import Hpa
from sim.fleet.keeper import Keeper, Upkeep
from sim.fleet.limits import QueueLimits
from sim.fleet.meter import PoolMeter
from sim.fleet.occupancy import Occupancy
from sim.fleet.p95 import P95
from sim.fleet.plan_scaler import Forecast, Schedule
from sim.fleet.pool import Pool
from sim.fleet.provider import Provider, Terms
from sim.fleet.router import router
from sim.fleet.scaler import Scaler
from sim.fleet.scaling import Looks, Scaling, Sleep
from sim.fleet.site import Rollouts, Site
from sim.laws.exponential import Exponential
from sim.laws.weibull import Weibull
from sim.scenario.autoscaler import FixedScaler, HpaScaler, P95Scaler
from sim.scenario.document import Scenario
from sim.scenario.failures import Failures
from sim.scenario.pool import Pool as PoolSpec
from sim.scenario.rollouts import DRAIN_S
from sim.scenario.scaling_plan import ForecastScaler, ScheduleScaler
from sim.scenario.startup import NO_STARTUP, Phases, startup_named
from sim.serving.replica import Replica
from sim.serving.waiting import Queue
from sim.streams import Streams

Moving = P95Scaler | HpaScaler | ScheduleScaler | ForecastScaler
"""Autoscalers that ever change anything."""

KEPT_S = 60.0
"""Requests of the last minute are remembered, beside what an autoscaler's own window asks for."""


def build_site(
    env: simpy.Environment,
    name: str,
    scenario: Scenario,
    streams: Streams,
    indices: Iterator[int],
) -> Site:
    """Build the pool *name* of *scenario*; replicas take their index from *indices*.

    Its owner says who gets `pool.on_done`, and starts it.
    """
    spec = scenario.pools[name]
    pool = Pool(
        env,
        name,
        router(spec.router, _most(spec), streams.of("router", name)),
        queue=Queue(),
        limits=QueueLimits(spec.queue_limits),
        holds=spec.scale_to_zero is not None,
        hangs=spec.failures is not None and spec.failures.undetected == "hangs",
    )
    provider = Provider(env, name, _terms(spec), streams.keyed("nodes", name))
    occupancy = Occupancy(env)
    keeper = Keeper(
        env,
        pool,
        provider,
        occupancy,
        _upkeep(spec),
        _maker(pool, spec, indices),
        streams.keyed("replicas", name),
    )
    site = Site(
        pool,
        provider,
        occupancy,
        keeper,
        PoolMeter(occupancy, provider, keeper, scenario.horizon, _floor(spec)),
        spec.start_replicas,
    )
    if spec.failures is not None:
        site.faults = Faults(env, keeper, _hazards(spec.failures), streams.keyed("faults", name))
    if spec.rollouts is not None:
        rollouts = spec.rollouts
        site.rollouts = Rollouts(env, keeper, rollouts.first_at_s, rollouts.every)
    if spec.autoscaler is not None and not isinstance(spec.autoscaler, FixedScaler):
        site.scaling = _scaling(env, keeper, name, scenario, spec.autoscaler)
    if spec.scale_to_zero is not None:
        site.sleep = Sleep(env, keeper, spec.scale_to_zero.after, site.scaling)
    return site


def _most(spec: PoolSpec) -> int:
    """Most replicas that can ever be routed to at one time; 1 only for a fleet of one for ever."""
    return spec.start_replicas if spec.is_fixed else max(2, spec.most_replicas)


def _floor(spec: PoolSpec) -> int:
    """Fewest replicas where the load alone might ask for fewer; 0 if it has no say."""
    return spec.least_replicas if spec.scales else 0


def _phases(spec: PoolSpec) -> Phases:
    """Return the laws of a cold start; where none ever happens the weights' size may be unknown."""
    if spec.weight_bytes is None and not spec.starts_replicas:
        return startup_named(NO_STARTUP).phases(None)
    return spec.cold_start.phases(spec.weight_bytes)


def _terms(spec: PoolSpec) -> Terms:
    node, phases = spec.node, _phases(spec)
    slow = spec.failures.slow_nodes if spec.failures is not None else None
    slots = spec.replicas_per_node
    return Terms(
        slots=slots,
        gpus_per_replica=spec.tensor_parallel,
        spare_gpus=node.gpus - slots * spec.tensor_parallel,
        zones=node.zones,
        provision=phases.provision,
        pull=phases.pull,
        refused=spec.capacity.refused_share,
        retry_after_s=spec.capacity.retry_after,
        billed_s=node.billing.billed_s,
        spot_share=0.0 if node.spot is None else node.spot.share,
        spot_life=None if node.spot is None else Exponential(node.spot.mean_life),
        notice_s=0.0 if node.spot is None else node.spot.notice,
        slow_share=0.0 if slow is None else slow.share,
        slow_factor=1.0 if slow is None else slow.factor,
    )


def _upkeep(spec: PoolSpec) -> Upkeep:
    phases, rollouts, redundancy = _phases(spec), spec.rollouts, spec.redundancy
    zones = len(spec.node.zones)
    return Upkeep(
        load=phases.load,
        init=phases.init,
        first_request=phases.first_request,
        warmed=spec.cold_start.warmed,
        drain_s=DRAIN_S if rollouts is None else rollouts.drain_s,
        surge=1 if rollouts is None else rollouts.max_surge,
        unavailable=0 if rollouts is None else rollouts.max_unavailable,
        warm_nodes=spec.warm_nodes,
        spreads=redundancy is not None and redundancy.survive is not None,
        total=(lambda n: n) if redundancy is None else (lambda n: redundancy.total(n, zones)),
    )


def _maker(pool: Pool, spec: PoolSpec, indices: Iterator[int]) -> Callable[[float], Replica]:
    def make(slow: float) -> Replica:
        return pool.replica(next(indices), build_batcher(spec, queue=pool.queue, slow=slow))

    return make


def _hazards(failures: Failures) -> Hazards:
    lemons, stalls = failures.lemons, failures.stalls
    return Hazards(
        detection=failures.detection.law(),
        node_life=None if failures.mtbf is None else Weibull.of_mean(failures.mtbf, failures.shape),
        lemon_share=0.0 if lemons is None else lemons.share,
        lemon_factor=1.0 if lemons is None else lemons.factor,
        replica_life=None if failures.replica_mtbf is None else Exponential(failures.replica_mtbf),
        repair=failures.repair_law() if failures.on_failure == "repair" else None,
        crews=failures.repair_crews,
        zone_life=None if failures.zone_mtbf is None else Exponential(failures.zone_mtbf),
        zone_outage=None if failures.zone_outage is None else failures.zone_outage.law(),
        outages=tuple(Outage(o.starts_at_s, o.length_s, o.zone, o.share) for o in failures.outages),
        stall_gap=None if stalls is None else Exponential(stalls.every),
        stall=None if stalls is None else stalls.length.law(),
    )


def _scaling(
    env: simpy.Environment, keeper: Keeper, name: str, scenario: Scenario, spec: Moving
) -> Scaling:
    pool = scenario.pools[name]
    window_s, delay_s, tokens = KEPT_S, 0.0, 2
    if isinstance(spec, P95Scaler):
        window_s, delay_s, tokens = spec.window, spec.metric_delay, spec.min_output_tokens
    elif isinstance(spec, HpaScaler):
        window_s, delay_s = spec.rate_window, spec.metric_delay
    history = History(window_s + delay_s + spec.every, tokens)
    floor_s = build_batcher(pool).timing.step_s([], [1024])
    by_tokens = isinstance(spec, ForecastScaler) and spec.tokens_per_s is not None
    looks = Looks(
        spec.every,
        window_s,
        delay_s,
        floor_s,
        answers=isinstance(spec, P95Scaler) or by_tokens,
        rates=isinstance(spec, HpaScaler | ForecastScaler),
    )
    plans = isinstance(spec, ScheduleScaler | ForecastScaler)
    return Scaling(env, keeper, _scaler(name, scenario, spec), looks, history, plans=plans)


def _scaler(name: str, scenario: Scenario, spec: Moving) -> Scaler:
    pool = scenario.pools[name]
    least, most = max(1, pool.least_replicas), pool.most_replicas
    routes = [route for route in scenario.routes.values() if name in route.pools and route.slo]

    def promised(metric: str) -> list[float]:
        targets = [target for route in routes if route.slo for target in route.slo.targets()]
        return [target_s for m, q, target_s in targets if m == metric and q == 0.95]

    match spec:
        case P95Scaler():
            return P95(
                spec,
                target_tpot_s=spec.target_tpot_s(promised("tpot")),
                guard_ttft_s=spec.guard_ttft_s(promised("ttft")),
                least=least,
                most=most,
            )
        case HpaScaler():
            return Hpa(spec)
        case ScheduleScaler():
            return Schedule(spec, scenario.starts_on, least=pool.least_replicas, most=most)
        case ForecastScaler():
            return Forecast(spec, least=pool.least_replicas, most=most)
