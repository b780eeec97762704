"""Simulation: one replication of one scenario, built, run and checked. In simulated time.

Time 0 is the start of the measured window; the run begins at minus the warm-up, and goes on after
the horizon until every request of the window has ended, at most `DRAIN_LIMIT_S`.
"""

from __future__ import annotations

import gc
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import simpy

from sim.fleet.build import build_pool
from sim.fleet.clients import ClosedClients, OpenClients
from sim.fleet.gateway import Gateway
from sim.fleet.pool import Pool, PoolMeter
from sim.ledger.conservation import check_replica, check_usage
from sim.ledger.metering import Meter, RouteMeter
from sim.ledger.records import Ledger
from sim.ledger.spool import Spool
from sim.ledger.usage import PoolUsage, Usage
from sim.scenario.document import Scenario
from sim.serving.sequence import Outcome
from sim.streams import Streams
from sim.traffic.source import Batches, batches, closed_loops

if TYPE_CHECKING:
    from sim.traffic.traces import TraceReport

DRAIN_LIMIT_S = 900.0


@dataclass(frozen=True)
class Run:
    """What one replication did.

    `refused`: why requests were rejected, and how many, per pool. `timeseries`: one row per pool
    and sample, levels under vLLM's metric names. `trace_reports`: per route that replays a trace.
    """

    usage: Usage
    refused: dict[str, dict[str, int]]
    trace_reports: dict[str, TraceReport] = field(default_factory=dict)
    timeseries: list[dict[str, float | str]] = field(default_factory=list)


def simulate(
    scenario: Scenario,
    *,
    replication: int = 0,
    spool: Path | None = None,
    sample_every_s: float | None = None,
) -> Run:
    """Run *replication* of *scenario*; the same arguments give the same result, bit for bit.

    *spool*: a directory for the attempts' records. *sample_every_s*: how often levels are sampled
    into `Run.timeseries`. Raises TraceError if a trace cannot be read, ConservationError if the
    books do not balance.
    """
    with _collector_off():
        return _Simulation(scenario, replication, spool, sample_every_s).run()


@contextmanager
def _collector_off() -> Generator[None, None, None]:
    """Switch the cyclic garbage collector off for a while.

    A run frees what it drops by reference counts; walking its millions of live objects over and
    over took more than half the time of runs with much shared content.
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


class _Simulation:
    """The live objects of one run; built first, started in one place."""

    def __init__(
        self, scenario: Scenario, replication: int, spool: Path | None, sample_every_s: float | None
    ) -> None:
        self.scenario = scenario
        self.horizon_s = scenario.horizon
        self.sample_every_s = sample_every_s
        streams = Streams(scenario.seed, replication)
        self.env = env = simpy.Environment(initial_time=-scenario.warmup)
        self.meter = Meter(_route_meters(scenario), self.horizon_s)
        readers = [self.meter.read]
        if spool is not None:
            gpus = [scenario.pools[r.pool].gpus_per_replica for r in scenario.routes.values()]
            readers.append(Spool(spool, list(scenario.routes), self.horizon_s, gpus).read)
        self.ledger = Ledger(*readers)
        self.pools = self._build_pools(streams)
        self.pool_meters = [PoolMeter(pool) for pool in self.pools.values()]
        by_route = [self.pools[route.pool] for route in scenario.routes.values()]
        self.gateway = Gateway(env, by_route, self.horizon_s, self.ledger.add)
        for pool in self.pools.values():
            pool.on_done = self.gateway.done
        self.priorities = [route.priority for route in scenario.routes.values()]
        self.traffic: Batches = batches(scenario, streams, -scenario.warmup)
        self.open = OpenClients(env, self.gateway, self.traffic, self.priorities)
        self.closed = [
            ClosedClients(env, self.gateway, loop, self.priorities[loop.route])
            for loop in closed_loops(scenario, streams)
        ]
        self.pool_usages: list[PoolUsage] = []
        self.timeseries: list[dict[str, float | str]] = []

    def _build_pools(self, streams: Streams) -> dict[str, Pool]:
        pools: dict[str, Pool] = {}
        first = 0
        for name, spec in self.scenario.pools.items():
            pools[name] = build_pool(self.env, name, spec, streams, first)
            first += spec.replicas
        return pools

    def run(self) -> Run:
        env = self.env
        env.process(self._window())
        if self.sample_every_s is not None:
            env.process(self._sample(self.sample_every_s))
        env.process(self.open.run())
        for clients in self.closed:
            clients.start()
        last_s = self.horizon_s + DRAIN_LIMIT_S
        env.run(until=self.gateway.drained | env.timeout(last_s - env.now))
        self._close_books()
        usage = self._usage()
        check_usage(usage, self.gateway.arrived)
        return Run(
            usage,
            {name: dict(pool.refused) for name, pool in self.pools.items()},
            dict(self.traffic.trace_reports()),
            self.timeseries,
        )

    def _window(self) -> Generator[simpy.Event, None, None]:
        """Read the levels at the window's ends."""
        yield self.env.timeout(-self.env.now)
        for meter in self.pool_meters:
            meter.open()
        yield self.env.timeout(self.horizon_s)
        specs = self.scenario.pools.values()
        self.pool_usages = [
            meter.close(self.horizon_s, self.meter.intervals, spec.nodes, spec.unplaced_gpus)
            for meter, spec in zip(self.pool_meters, specs, strict=True)
        ]
        self.gateway.check_drained()

    def _sample(self, every_s: float) -> Generator[simpy.Event, None, None]:
        """Sample levels from the window's start on."""
        yield self.env.timeout(-self.env.now)
        while self.env.now < self.horizon_s:
            for name, pool in self.pools.items():
                self.timeseries.append(
                    {
                        "t_s": self.env.now,
                        "pool": name,
                        "replicas": float(len(pool.replicas)),
                        "vllm:num_requests_running": float(pool.running()),
                        "vllm:num_requests_waiting": float(pool.queue.length),
                        "vllm:kv_cache_usage_perc": pool.kv_used_share(),
                        "busy_replica_s": pool.busy_s(),
                        "vllm:num_preemptions_total": float(
                            sum(r.batcher.preemptions for r in pool.replicas)
                        ),
                    }
                )
            yield self.env.timeout(every_s)

    def _close_books(self) -> None:
        """End what still runs, as in flight; then every busy second must have been charged."""
        for pool in self.pools.values():
            for replica in pool.replicas:
                replica.batcher.cache.check()
                for sequence in replica.batcher.crash(self.env.now):
                    if sequence.outcome is not Outcome.COMPLETED:
                        sequence.outcome = Outcome.IN_FLIGHT
                        sequence.finished_at_s = None
                    self.ledger.add(sequence)
        self.ledger.flush()
        for pool in self.pools.values():
            for replica in pool.replicas:
                batcher = replica.batcher
                charged_s = self.meter.charged_on(replica.index)
                name = f"replica {replica.index} of {pool.name}"
                check_replica(name, batcher.busy_s, charged_s, batcher.lost_s)

    def _usage(self) -> Usage:
        names = list(self.scenario.routes)
        return Usage(
            window_s=self.horizon_s,
            routes={name: self.meter.route_usage(i) for i, name in enumerate(names)},
            pools=dict(zip(self.pools, self.pool_usages, strict=True)),
            overall=self.meter.overall(),
        )


def _route_meters(scenario: Scenario) -> list[RouteMeter]:
    return [
        RouteMeter(
            name, route.template_tokens, tuple(route.slo.targets()) if route.slo is not None else ()
        )
        for name, route in scenario.routes.items()
    ]
