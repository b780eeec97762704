"""Simulation: one replication of one scenario, built, run and checked. In simulated time.

Time 0 is the start of the measured window; the run begins at minus the warm-up, and goes on after
the horizon until every request of the window has ended, at most `DRAIN_LIMIT_S`.
"""

from __future__ import annotations

import gc
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

import simpy

from sim.fleet.build_gateway import build_gateway
from sim.fleet.build_site import build_site
from sim.fleet.clients import ClosedClients, OpenClients
from sim.fleet.fork import Fork
from sim.fleet.gateway import Gateway
from sim.fleet.sampling import Row, Sampler
from sim.fleet.scaling import Submit, Watcher
from sim.ledger.conservation import check_leases, check_replica, check_usage
from sim.ledger.events import FleetEvent
from sim.ledger.kv_hours import with_kv_hours
from sim.ledger.lease import Lease
from sim.ledger.metering import Meter, RouteMeter
from sim.ledger.records import Ledger
from sim.ledger.spool import Spool
from sim.ledger.usage import Usage
from sim.scenario.document import Scenario
from sim.scenario.pool import Pool
from sim.serving.sequence import Outcome, Sequence
from sim.streams import Streams
from sim.traffic.destinations import Destinations
from sim.traffic.source import Batches, batches, closed_loops

if TYPE_CHECKING:
    from sim.traffic.traces import TraceReport

DRAIN_LIMIT_S = 900.0


@dataclass(frozen=True)
class Run:
    """What one replication did.

    `refused`: why attempts were rejected, and how many, per pool. `timeseries`: one row per pool
    and sample (see `Sampler`). `trace_reports`: per route that replays a trace. `events`: what
    happened to the fleet, in time order; `leases`: every node that was ever paid.
    """

    usage: Usage
    refused: dict[str, dict[str, int]]
    trace_reports: dict[str, TraceReport] = field(default_factory=dict)
    timeseries: list[Row] = field(default_factory=list)
    events: tuple[FleetEvent, ...] = ()
    leases: tuple[Lease, ...] = ()


def simulate(
    scenario: Scenario,
    *,
    replication: int = 0,
    spool: Path | None = None,
    sample_every_s: float | None = None,
    traffic: Batches | None = None,
) -> Run:
    """Run *replication* of *scenario*; the same arguments give the same result, bit for bit.

    *spool*: a directory for the attempts' records. *sample_every_s*: how often levels are sampled
    into `Run.timeseries`. *traffic*: instead of what the routes' arrivals make, closed-loop ones
    apart. Raises TraceError if a trace cannot be read, ConservationError if the
    books do not balance.
    """
    with _collector_off():
        return _Simulation(scenario, replication, spool, sample_every_s, traffic).run()


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
        self,
        scenario: Scenario,
        replication: int,
        spool: Path | None,
        sample_every_s: float | None,
        traffic: Batches | None,
    ) -> None:
        self.scenario = scenario
        self.horizon_s = scenario.horizon
        streams = Streams(scenario.seed, replication)
        self.env = env = simpy.Environment(initial_time=-scenario.warmup)
        self.meter = Meter(_route_meters(scenario), self.horizon_s)
        readers = [self.meter.read]
        if spool is not None:
            gpus = {name: pool.gpus_per_replica for name, pool in scenario.pools.items()}
            pools = {name: route.pools for name, route in scenario.routes.items()}
            readers.append(Spool(spool, pools, self.horizon_s, gpus).read)
        self.ledger = Ledger(*readers)
        indices = count()
        self.sites = {
            name: build_site(env, name, scenario, streams, indices) for name in scenario.pools
        }
        self.samplers = self._build_samplers(sample_every_s)
        self.gateway = self._build_gateway(streams)
        self.priorities = [route.priority for route in scenario.routes.values()]
        self.traffic = traffic or batches(scenario, streams, -scenario.warmup)
        self.open = OpenClients(env, self.gateway, self.traffic, self.priorities)
        self.closed = [
            ClosedClients(env, self.gateway, loop, self.priorities[loop.route])
            for loop in closed_loops(scenario, streams)
        ]

    def _build_gateway(self, streams: Streams) -> Gateway:
        """Connect clients and pools; whoever watches a pool is put between them."""
        submit: dict[str, Submit] = {name: site.pool.submit for name, site in self.sites.items()}
        watchers: list[tuple[str, Watcher]] = [
            (watcher.keeper.pool.name, watcher)
            for site in self.sites.values()
            for watcher in (site.scaling, site.sleep)
            if watcher is not None
        ]
        watchers += [(sampler.site.pool.name, sampler) for sampler in self.samplers]
        for name, watcher in watchers:
            submit[name] = watcher.submitting(submit[name])
        pools = {name: site.pool for name, site in self.sites.items()}
        gateway = build_gateway(
            self.env,
            self.scenario,
            pools,
            submit,
            streams,
            Destinations(self.scenario, streams).visits,
            self.ledger.add,
        )
        for pool in pools.values():
            pool.on_done = gateway.done
        for name, watcher in watchers:
            pools[name].on_done = watcher.ending(pools[name].on_done)
        return gateway

    def _build_samplers(self, every_s: float | None) -> list[Sampler]:
        if every_s is None:
            return []
        return [
            Sampler(self.env, site, every_s, _node_prices(self.scenario.pools[name]))
            for name, site in self.sites.items()
        ]

    def run(self) -> Run:
        env = self.env
        for site in self.sites.values():
            site.start(env)
        env.process(self._window())
        for sampler in self.samplers:
            env.process(sampler.run(self.horizon_s))
        env.process(self.open.run())
        for clients in self.closed:
            clients.start()
        last_s = self.horizon_s + DRAIN_LIMIT_S
        env.run(until=self.gateway.drained | env.timeout(last_s - env.now))
        self._close_books()
        usage = self._usage()
        self._check_books(usage)
        sites = self.sites.values()
        events = (event for site in sites for event in site.keeper.events)
        return Run(
            usage,
            {name: dict(site.pool.refused) for name, site in self.sites.items()},
            dict(self.traffic.trace_reports()),
            [row for sampler in self.samplers for row in sampler.rows],
            tuple(sorted(events, key=lambda event: event.at_s)),
            tuple(lease for site in sites for lease in site.provider.leases),
        )

    def _window(self) -> Generator[simpy.Event, None, None]:
        """Read the levels at the window's ends."""
        yield self.env.timeout(-self.env.now)
        for site in self.sites.values():
            site.meter.open()
        yield self.env.timeout(self.horizon_s)
        for site in self.sites.values():
            site.meter.close()
        self.gateway.check_drained()

    def _close_books(self) -> None:
        """End what still runs, as in flight; then every busy second must have been charged."""
        self.open.talks.close()
        for door in self.gateway.doors:
            for sequence in door.close() if door is not None else ():
                self._in_flight(sequence)
        for site in self.sites.values():
            for seat in site.keeper.seats:
                batcher = seat.replica.batcher
                batcher.cache.check()
                for sequence in batcher.crash(self.env.now):
                    self._in_flight(sequence)
                site.pool.retire(seat)
            for sequence in site.pool.unanswered:
                self._in_flight(sequence)
        self.ledger.flush()
        for site in self.sites.values():
            for index, busy_s, lost_s in site.pool.retired:
                name = f"replica {index} of {site.pool.name}"
                check_replica(name, busy_s, self.meter.charged_on(index), lost_s)

    def _check_books(self, usage: Usage) -> None:
        """Raise ConservationError unless requests, tokens, paid time and leases agree."""
        check_usage(usage, self.gateway.arrived, self._sent())
        for name, site in self.sites.items():
            spec = self.scenario.pools[name]
            check_leases(
                name,
                usage.pools[name],
                site.provider.leases,
                self.horizon_s,
                gpus=spec.node.gpus,
                tensor_parallel=spec.tensor_parallel,
            )

    def _sent(self) -> dict[str, dict[str, int]]:
        """Requests of the window that came to each pool, of the routes that have several."""
        names = list(self.scenario.routes)
        doors = zip(names, self.gateway.doors, strict=True)
        return {name: door.sent for name, door in doors if isinstance(door, Fork)}

    def _in_flight(self, sequence: Sequence) -> None:
        """Record an attempt that the end of the run has cut off."""
        if sequence.left:
            sequence.outcome = Outcome.TIMED_OUT
        elif sequence.outcome is not Outcome.COMPLETED:
            sequence.outcome = Outcome.IN_FLIGHT
            sequence.finished_at_s = None
        self.ledger.add(sequence)

    def _usage(self) -> Usage:
        intervals = self.meter.intervals
        pools = {name: site.meter.usage(intervals) for name, site in self.sites.items()}
        names = list(enumerate(self.scenario.routes))
        routes = {name: self.meter.route_usage(i) for i, name in names}
        token_s = {name: self.meter.kv_token_s_of(i) for i, name in names}
        return Usage(
            window_s=self.horizon_s,
            routes=with_kv_hours(routes, token_s, pools),
            pools=pools,
            overall=self.meter.overall(),
        )


def _node_prices(pool: Pool) -> dict[bool, float]:
    """USD of a node-hour, by whether it is a spot node."""
    node = pool.node
    spot = node.usd_per_node_hour if node.spot is None else node.usd_per_spot_node_hour
    return {False: node.usd_per_node_hour, True: spot}


def _route_meters(scenario: Scenario) -> list[RouteMeter]:
    return [
        RouteMeter(
            name,
            route.head_tokens,
            tuple(route.slo.targets()) if route.slo is not None else (),
            route.useful,
            route.reasoning_share,
            route.pools,
            api_edges_tokens=scenario.api_edges_tokens(name),
        )
        for name, route in scenario.routes.items()
    ]
