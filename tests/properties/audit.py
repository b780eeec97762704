"""Audit: follows a run event by event, and holds it to what must be true at every one of them.

It reads the simulation's objects and keeps books of its own; it changes nothing. The numbers I1 to
I10 are those of the invariants: requests, tokens, GPU-seconds, KV blocks, causality, work
conserving, progress, bounded queues, Little's law.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest import mock

import simpy

from sim import simulation
from sim.fleet.build import build_timing
from sim.fleet.dead import DeadReplica
from sim.fleet.door import Door
from sim.fleet.fork import Fork
from sim.fleet.gateway import Gateway
from sim.fleet.node import Phase
from sim.fleet.occupancy import OPEN, Occupancy
from sim.fleet.pool import Pool
from sim.fleet.provider import draw
from sim.fleet.router import LeastLoaded, PowerOfTwo, PrefixAffinity
from sim.fleet.seat import PAID, Seat, State
from sim.fleet.site import Site
from sim.ledger.records import HOSTED_REPLICA, Ledger
from sim.ledger.usage import Usage
from sim.scenario.document import Scenario
from sim.serving.replica import Replica
from sim.serving.run import TICK_S
from sim.serving.sequence import Outcome, Sequence
from sim.serving.sequence import State as Stage
from sim.streams import Streams
from sim.traffic.destinations import Destinations

MOST_AT_ONCE = 3_000
"""Events at one timestamp beyond which nothing goes on any more (I9)."""

ROUNDING = 1e-6

PHASES = {
    State.ORDERED: (Phase.ORDERED,),
    State.STARTING: (Phase.PROVISIONING, Phase.UP),
    State.READY: (Phase.UP,),
    State.DRAINING: (Phase.UP,),
    State.FAILED: (Phase.UP, Phase.FAILED, Phase.REPAIRING),
}
"""Where a node may stand on which a replica stands so."""

STAGES = (Stage.WAITING, Stage.PREFILL, Stage.DECODE)
"""Where a sequence may stand that an engine has."""


class Books:
    """What came of every attempt, as told by taps where attempts begin and end (I1, I2, I6)."""

    def __init__(self) -> None:
        self.env: simpy.Environment
        self.doors: list[Door | Fork | None]
        self.first_token_s: list[float]  # by route: how much later than its step a token may come
        self.closing = False
        self.live: dict[Sequence, None] = {}
        self.ended: dict[tuple[int, int, int, int], Sequence] = {}
        self.settled: dict[tuple[int, int], float] = {}
        self.settled_in_window = 0
        self.horizon_s = 0.0
        self.submitted_at_s: dict[Sequence, float] = {}  # to its pool
        self.placed_at_s: dict[Sequence, float] = {}  # on a replica
        self.spent_s: dict[str, float] = defaultdict(float)  # in each pool (I10)
        self.pool_of: dict[Sequence, str] = {}
        self.moves: dict[int, list[tuple[float, State]]] = defaultdict(list)

    @contextmanager
    def tapped(self) -> Iterator[None]:
        """Listen while it lasts."""
        born, add, settle = Sequence.__init__, Ledger.add, Gateway.settle
        submit, move, books = Pool.submit, Occupancy.move, self
        place, misplace = Replica.submit, DeadReplica.submit

        def on_born(sequence: Sequence, *args: Any, **given: Any) -> None:
            born(sequence, *args, **given)
            books.live[sequence] = None

        def on_add(ledger: Ledger, sequence: Any) -> None:
            books.record(sequence)
            add(ledger, sequence)

        def on_settle(gateway: Gateway, sequence: Sequence) -> None:
            books.settle(sequence)
            settle(gateway, sequence)

        def on_submit(pool: Pool, sequence: Sequence) -> None:
            # Those that were held are submitted again.
            books.submitted_at_s.setdefault(sequence, pool.env.now)
            books.pool_of[sequence] = pool.name
            submit(pool, sequence)

        def on_place(replica: Replica, sequence: Sequence) -> str | None:
            books.placed_at_s[sequence] = replica.env.now
            return place(replica, sequence)

        def on_misplace(dead: DeadReplica, sequence: Sequence) -> None:
            books.placed_at_s[sequence] = dead.env.now
            misplace(dead, sequence)

        def on_move(occupancy: Occupancy, seat: Seat, state: State) -> None:
            move(occupancy, seat, state)
            books.moves[seat.index].append((occupancy.env.now, state))

        with (
            mock.patch.object(Sequence, "__init__", on_born),
            mock.patch.object(Ledger, "add", on_add),
            mock.patch.object(Gateway, "settle", on_settle),
            mock.patch.object(Pool, "submit", on_submit),
            mock.patch.object(Replica, "submit", on_place),
            mock.patch.object(DeadReplica, "submit", on_misplace),
            mock.patch.object(Occupancy, "move", on_move),
        ):
            yield

    def settle(self, s: Sequence) -> None:
        """A request is settled: once, and after it came."""
        key = (s.route, s.number)
        assert key not in self.settled, f"{s} is settled twice"
        assert s.arrived_at_s <= self.env.now + TICK_S, f"{s} is settled before it came"
        self.settled[key] = self.env.now
        self.settled_in_window += 0.0 <= s.arrived_at_s < self.horizon_s

    def record(self, s: Sequence) -> None:
        """An attempt has ended: once, in order, and as its client and its replica could see."""
        key, now_s = (s.route, s.number, s.leg, s.attempt), self.env.now
        assert key not in self.ended, f"{s} ends twice"
        assert s in self.live, f"{s} was never begun"
        del self.live[s]
        self.ended[key] = s
        if s in self.submitted_at_s:
            self.spent_s[self.pool_of[s]] += now_s - self.submitted_at_s.pop(s)
        self._check_times(s, now_s)
        self._check_tokens(s)
        self._check_place(s, now_s)
        self._check_patience(s, now_s)
        assert self.closing or s.outcome is not Outcome.IN_FLIGHT, f"{s} ends in flight"

    def _check_times(self, s: Sequence, now_s: float) -> None:
        first_s, last_s = s.first_token_at_s, s.finished_at_s
        assert s.arrived_at_s <= s.queued_at_s + TICK_S, (s, s.arrived_at_s, s.queued_at_s)
        late_s = self.first_token_s[s.route]
        if last_s is not None:
            assert s.queued_at_s <= last_s + TICK_S, (s, last_s, now_s)
            assert last_s <= now_s + late_s + TICK_S, (s, last_s, now_s)
        if first_s is not None:
            assert s.queued_at_s < first_s + TICK_S, (s, first_s)
            assert first_s <= now_s + late_s + TICK_S, (s, first_s, now_s)
            if s.outcome is Outcome.COMPLETED:
                assert last_s is not None
                assert first_s <= last_s, (s, first_s, last_s)

    def _check_tokens(self, s: Sequence) -> None:
        assert 0 <= s.generated <= s.output_tokens, s
        assert 0 <= s.cached_input <= s.input_tokens, s
        assert 0 <= s.computed <= s.input_tokens + s.output_tokens - 1, (s, s.computed)
        assert s.computed <= s.input_tokens + s.generated, (s, s.computed, s.generated)
        for part_s in (s.prefill_s, s.cached_s, s.rent_s, s.decode_s, s.waste_s):
            assert part_s >= -ROUNDING, (s, part_s)
        if s.outcome is Outcome.COMPLETED:
            assert s.generated == s.output_tokens, (s, s.generated)
            assert s.computed == s.input_tokens + s.output_tokens - 1, (s, s.computed)
            assert s.first_token_at_s is not None, s
            assert s.finished_at_s is not None, s
            assert s.replica >= 0 or s.replica == HOSTED_REPLICA, s
        if s.outcome is Outcome.REJECTED:
            assert s.charged_s == 0.0 == s.generated, s
        if s.generated == 0:
            assert s.first_token_at_s is None, s
        elif s.outcome is not Outcome.FAILED:
            assert s.first_token_at_s is not None, s

    def _check_place(self, s: Sequence, now_s: float) -> None:
        """Only a replica that is there serves, from the sending on, and without a break."""
        placed_s = self.placed_at_s.pop(s, None)
        if s.replica < 0:
            assert s.charged_s == 0.0, s
            return
        assert placed_s is not None, s
        moves = self.moves[s.replica]
        before = [state for at_s, state in moves if at_s < placed_s]
        after = [state for at_s, state in moves if placed_s < at_s < now_s]
        at_once = {state for at_s, state in moves if at_s == placed_s} | set(before[-1:])
        if s.charged_s > 0.0 or s.outcome is Outcome.COMPLETED:
            assert State.READY in at_once, (s, moves)
            assert set(after) <= {State.DRAINING}, (s, moves)
        else:
            assert at_once & {State.READY, State.FAILED}, (s, moves)

    def _check_patience(self, s: Sequence, now_s: float) -> None:
        door = self.doors[s.route]
        if isinstance(door, Fork):
            door = door.doors[s.leg]
        limits_s = []
        if door is not None:
            manners, draws = door.manners, door.draws
            for place, law in enumerate((manners.patience, manners.ttft_patience)):
                if law is not None:
                    patience_s = draw(law, draws.uniform(s.number, s.attempt, place))
                    limits_s.append(patience_s)
                    came_s = (s.finished_at_s, s.first_token_at_s)[place]
                    if s.outcome is Outcome.COMPLETED and came_s is not None:
                        assert came_s <= s.queued_at_s + patience_s + TICK_S, (s, patience_s)
        if s.outcome is Outcome.TIMED_OUT:
            assert s.left, s
            gone_s = max(now_s, s.finished_at_s or now_s)
            assert gone_s >= s.queued_at_s + min(limits_s) - ROUNDING, (s, limits_s)


class PoolAudit:
    """The books of one pool: what its replicas and nodes were, second by second (I3)."""

    def __init__(self, site: Site, books: Books, spec: Any, horizon_s: float) -> None:
        self.site = site
        self.books = books
        self.spec = spec
        self.horizon_s = horizon_s
        self.state_s = dict.fromkeys(PAID, 0.0)
        self.busy_s = dict.fromkeys(OPEN, 0.0)
        self.node_s = {False: 0.0, True: 0.0}
        self.unplaced_s = 0.0
        self.held_s = 0.0  # integral of sequences in the pool, window or not (I10)
        self._idle_since_s: dict[int, float] = {}
        self.in_engines: list[list[Sequence]] = []  # by replica, at this event
        self._crowd = 0  # replicas when last looked at
        self._told_s: dict[int, float] = {}  # by replica: busy time is added up to then

    @property
    def seats(self) -> list[Seat]:
        """Replicas that are not gone."""
        return list(self.site.occupancy.seats.values())

    def advance(self, now_s: float, next_s: float) -> None:
        """Nothing happens between *now_s* and *next_s*: add up how things stand."""
        self.held_s += self._held() * (next_s - now_s)
        begin_s, end_s = max(now_s, 0.0), min(next_s, self.horizon_s)
        if end_s <= begin_s:
            return
        spent_s = end_s - begin_s
        for seat in self.seats:
            if seat.state in PAID:
                self.state_s[seat.state] += spent_s
            batcher = seat.replica.batcher
            if seat.state in OPEN and batcher.busy:
                # A boundary is handled a little after it: the next run has begun by then.
                run = batcher.run
                from_s = max(0.0, run.lead_begin_s, self._told_s.get(seat.index, 0.0))
                to_s = min(end_s, run.end_s)
                if to_s > from_s:
                    self.busy_s[seat.state] += to_s - from_s
                    self._told_s[seat.index] = to_s
        terms = self.site.provider.terms
        for node in self.site.provider.nodes.values():
            if node.phase is not Phase.ORDERED:
                self.node_s[node.spot] += spent_s
                free = node.slots - len(node.seats)
                self.unplaced_s += spent_s * (terms.spare_gpus + free * terms.gpus_per_replica)

    def _held(self) -> int:
        pool = self.site.pool
        hung = sum(len(t.hung) for t in pool._targets if isinstance(t, DeadReplica))
        return pool.running() + pool.queue.length + hung

    # -- at every event --------------------------------------------------------------------------

    def check(self) -> None:
        """What holds after every event."""
        seats = self.seats
        self.in_engines = [in_engine(seat) for seat in seats]
        self._check_nodes(seats)
        for seat, sequences in zip(seats, self.in_engines, strict=True):
            self._check_engine(seat, sequences)
        self._check_router(seats)
        self._check_levels(seats)
        self._check_queue(seats)
        self._check_surge(seats)

    def _check_surge(self, seats: list[Seat]) -> None:
        """A rollout starts nothing beyond its surge."""
        keeper = self.site.keeper
        if any(seat.version != keeper.version for seat in seats):
            limit = max(keeper.target + keeper.upkeep.surge, self._crowd)
            assert len(seats) <= limit, f"{len(seats)} replicas in a rollout, {limit} allowed"
        self._crowd = len(seats)

    def _check_nodes(self, seats: list[Seat]) -> None:
        nodes = self.site.provider.nodes
        assert sum(len(node.seats) for node in nodes.values()) == len(seats)
        for number, node in nodes.items():
            assert node.number == number
            assert node.phase is not Phase.RELEASED, node.number
            assert len(node.seats) <= node.slots, node.seats
            lease = node.lease
            assert (lease is None) == (node.phase is Phase.ORDERED), (number, node.phase)
            if lease is not None:
                assert lease.released_at_s is None
                assert (lease.node, lease.spot, lease.zone) == (number, node.spot, node.zone)
                if node.phase in (Phase.UP, Phase.REPAIRING):
                    assert lease.up_at_s is not None, number
        for seat in seats:
            assert nodes.get(seat.node.number) is seat.node, seat
            assert seat in seat.node.seats, seat
            assert seat.node.phase in PHASES[seat.state], (seat, seat.node.phase)

    def _check_engine(self, seat: Seat, sequences: list[Sequence]) -> None:
        """Blocks are owned once, and only those that serve have any (I5, I6, I7)."""
        batcher, now_s = seat.replica.batcher, self.site.provider.env.now
        cache = batcher.cache
        cache.check()
        for sequence in sequences:
            assert sequence.replica == seat.index, (seat, sequence)
            assert sequence.state in STAGES, sequence
        if seat.state not in OPEN:
            assert not batcher.busy, seat
            assert not seat.held, seat
        if not batcher.running:
            assert cache.free == cache.blocks, seat
        if batcher.busy or not sequences:
            self._idle_since_s.pop(seat.index, None)
        else:
            since_s = self._idle_since_s.setdefault(seat.index, now_s)
            assert now_s - since_s < 2.5 * TICK_S, f"{seat} is idle and holds {seat.held}"
        assert len(batcher.running) <= batcher.max_num_seqs, seat

    def _check_router(self, seats: list[Seat]) -> None:
        pool = self.site.pool
        slots = {seat.index: seat.slot for seat in seats if seat.slot is not None}
        assert pool._slots == slots
        assert pool.routed == len(slots)
        assert not pool.held or not slots, "requests wait for a replica that is there"
        for seat in seats:
            assert (seat.slot is not None) or seat.state is not State.READY, seat
            if seat.slot is not None:
                target = pool._targets[seat.slot]
                dead = isinstance(target, DeadReplica)
                assert target.index == seat.index, (seat, target)
                assert seat.state is (State.FAILED if dead else State.READY), seat
                loads = self._loads()
                if loads is not None:
                    held = len(target.hung) if isinstance(target, DeadReplica) else seat.held
                    assert loads[seat.slot] == held, (seat, loads)
            if seat.state is State.DRAINING:
                assert seat.held, f"{seat} drains and holds nothing"
        draining = {seat.index for seat in seats if seat.state is State.DRAINING}
        assert set(pool._draining) == draining
        working = {seat.index for seat in seats if seat.state in OPEN}
        assert set(pool._engines) == working

    def _loads(self) -> list[int] | None:
        router = self.site.pool.router
        if isinstance(router, LeastLoaded | PrefixAffinity):
            return router.loads.of
        return router.loads if isinstance(router, PowerOfTwo) else None

    def _check_levels(self, seats: list[Seat]) -> None:
        """What is paid is just what is there (I3)."""
        site = self.site
        levels, provider, terms = site.occupancy.levels, site.provider, site.provider.terms
        states = [seat.state for seat in seats]
        for state in PAID:
            assert levels[state].now == states.count(state), state
        terms_of = [n.spot for n in provider.nodes.values() if n.phase is not Phase.ORDERED]
        for spot in (False, True):
            assert provider.paid[spot].now == terms_of.count(spot)
        placed = len(states) - states.count(State.ORDERED)
        of_node = terms.slots * terms.gpus_per_replica + terms.spare_gpus
        unplaced = len(terms_of) * of_node - placed * terms.gpus_per_replica
        assert site.keeper.unplaced_gpus.now == unplaced
        open_blocks = [s.replica.batcher.cache.blocks for s in seats if s.state in OPEN]
        assert site.occupancy.blocks.now == sum(open_blocks)

    def _check_queue(self, seats: list[Seat]) -> None:
        pool = self.site.pool
        batchers = [seat.replica.batcher for seat in seats]
        waiting = [s for some in self.in_engines for s in some if s.state is Stage.WAITING]
        assert pool.queue.length == len(pool.held) + len(waiting)
        assert all(s.replica == -1 for s in pool.held)
        limit = max(pool.limits._limits, default=None)
        if limit is not None and pool.limits.of(-(10**6)) is not None:
            fresh = len(pool.held) + sum(not s.high_water for s in waiting)
            # Who found a slot may still wait for blocks, one for each slot.
            slots = sum(batcher.max_num_seqs for batcher in batchers)
            assert fresh <= limit + slots, (fresh, slots, limit)

    # -- at the end of every instant -------------------------------------------------------------

    def check_settled(self) -> None:
        """What holds when all has happened that happens at one instant."""
        keeper, provider, seats = self.site.keeper, self.site.provider, self.seats
        # One that drained on a node which died is missed when that is noticed.
        unnoticed = any(n.phase is Phase.FAILED for n in provider.nodes.values())
        new = [seat for seat in seats if seat.version == keeper.version]
        live = [seat for seat in new if seat.state is not State.DRAINING]
        if len(new) == len(seats):
            assert len(live) == keeper.target or unnoticed, (live, keeper.target)
            assert len(live) <= keeper.target, (live, keeper.target)
        else:
            assert len(live) <= keeper.target, (live, keeper.target)
            pending = [seat for seat in seats if seat.state is not State.READY]
            assert pending or unnoticed, f"a rollout stands still: {seats}"
        empty = [n for n in provider.nodes.values() if not n.seats and n.phase <= Phase.UP]
        broken = [n for n in provider.nodes.values() if n.phase is Phase.FAILED]
        warm = keeper.upkeep.warm_nodes
        assert warm - len(broken) <= len(empty) <= warm, [n.number for n in empty]
        for node in provider.nodes.values():
            if provider.out.get(node.zone):
                assert node.phase not in (Phase.PROVISIONING, Phase.UP), node.number
            if node.leaving:
                staying = [s for s in node.seats if s.state is not State.DRAINING]
                assert not staying, f"{staying} on node {node.number}, which will be taken"

    # -- at the end ------------------------------------------------------------------------------

    def check_usage(self, usage: Usage) -> None:
        """The paid time by state, told a second time (I3)."""
        found, terms = usage.pools[self.site.pool.name], self.site.provider.terms
        tails_s = self._tails()
        tail_s = sum(tails_s.values()) * terms.slots
        draining_busy_s = self.busy_s[State.DRAINING]
        state_s = self.state_s
        expected = {
            "paid_s": sum(state_s.values()) + tail_s,
            "busy_s": sum(self.busy_s.values()),
            "idle_s": state_s[State.READY] - self.busy_s[State.READY],
            "starting_s": state_s[State.STARTING],
            "draining_s": state_s[State.DRAINING] - draining_busy_s + tail_s,
            "failed_s": state_s[State.FAILED],
            "node_s": self.node_s[False] + tails_s[False],
            "spot_node_s": self.node_s[True] + tails_s[True],
            "unplaced_gpu_s": self.unplaced_s + sum(tails_s.values()) * terms.spare_gpus,
        }
        for name, value in expected.items():
            assert math.isclose(getattr(found, name), value, rel_tol=1e-9, abs_tol=1e-4), (
                name, getattr(found, name), value,
            )  # fmt: skip
        gpus = terms.slots * terms.gpus_per_replica + terms.spare_gpus
        paid_gpu_s = found.paid_s * terms.gpus_per_replica + found.unplaced_gpu_s
        assert math.isclose(paid_gpu_s, (found.node_s + found.spot_node_s) * gpus, abs_tol=1e-4)
        assert found.kv_used_block_s <= found.kv_block_s + ROUNDING

    def _tails(self) -> dict[bool, float]:
        """Node-seconds of the window that were paid after their nodes were given back."""
        tails_s = {False: 0.0, True: 0.0}
        billed_s = self.spec.node.billing.billed_s
        for lease in self.site.provider.leases:
            if lease.released_at_s is None:
                assert lease.paid_until_s == math.inf
                assert self.site.provider.nodes[lease.node].lease is lease
                continue
            assert lease.node not in self.site.provider.nodes
            held_s = lease.released_at_s - lease.begun_at_s
            assert held_s >= 0.0
            paid_until_s = max(lease.released_at_s, lease.begun_at_s + billed_s(held_s))
            assert lease.paid_until_s == paid_until_s, lease
            begin_s, end_s = max(0.0, lease.released_at_s), min(self.horizon_s, paid_until_s)
            tails_s[lease.spot] += max(0.0, end_s - begin_s)
        return tails_s

    def check_little(self) -> None:
        """The integral of those in the pool is the sum of their times there (I10)."""
        spent_s = self.books.spent_s[self.site.pool.name]
        assert math.isclose(self.held_s, spent_s, rel_tol=1e-9, abs_tol=1e-4), (
            self.held_s, spent_s,
        )  # fmt: skip


class Audit:
    """One audited run of a scenario; what is open *drain_s* after its end is cut off."""

    def __init__(self, scenario: Scenario, drain_s: float = 60.0) -> None:
        self.scenario = scenario
        self.drain_s = drain_s
        self.events = 0
        self.books = Books()
        self.run: simulation.Run | None = None

    def follow(self) -> simulation.Run:
        """Run it all, step by step; raise AssertionError at the first thing that is wrong."""
        books = self.books
        with books.tapped():
            self.sim = sim = simulation._Simulation(self.scenario, 0, None, None, None)
            books.env = self.env = sim.env
            self.destinations = Destinations(self.scenario, Streams(self.scenario.seed, 0))
            books.doors, books.horizon_s = sim.gateway.doors, sim.horizon_s
            books.first_token_s = [
                max(
                    build_timing(self.scenario.pools[pool]).first_token_s * self._slowest(pool)
                    for pool in route.pools
                )
                for route in self.scenario.routes.values()
            ]
            self.pools = [
                PoolAudit(site, books, self.scenario.pools[name], sim.horizon_s)
                for name, site in sim.sites.items()
            ]
            with (
                mock.patch.object(simulation, "DRAIN_LIMIT_S", self.drain_s),
                mock.patch.object(self.env, "run", self._run),
            ):
                self.run = sim.run()
        self._check_end()
        return self.run

    def _slowest(self, pool: str) -> float:
        failures = self.scenario.pools[pool].failures
        return (
            1.0 if failures is None or failures.slow_nodes is None else failures.slow_nodes.factor
        )

    def _run(self, until: simpy.Event) -> None:
        """Stand in for `Environment.run`: one step after another, each looked at."""
        env, at_once = self.env, 0
        while not until.processed:
            now_s, next_s = env.now, env.peek()
            assert next_s >= now_s, "the clock falls"
            assert next_s < math.inf, "nothing more will happen"
            if next_s > now_s:
                at_once = 0
                for pool in self.pools:
                    pool.check_settled()
                    pool.advance(now_s, next_s)
            at_once += 1
            assert at_once < MOST_AT_ONCE, f"{at_once} events at {now_s} s"
            env.step()
            self.events += 1
            self._check()
        self.books.closing = True

    def _check(self) -> None:
        for pool in self.pools:
            pool.check()
        self._check_attempts()

    def _check_attempts(self) -> None:
        """Every attempt that goes on is in one place, and every open request has one (I1)."""
        places: list[Sequence] = []
        for pool in self.pools:
            for sequences in pool.in_engines:
                places += sequences
            places += pool.site.pool.unanswered
        for door in self._doors():
            places += door._between
            if door.deferral is not None:
                places += (sequence for _, sequence in door.deferral._waiting)
        for entrance in self.sim.gateway.doors:
            if isinstance(entrance, Fork):
                places += entrance._between
        for unsaid in self.sim.open.talks._unsaid.values():
            places += unsaid
        live = self.books.live
        assert len(places) == len(live)
        assert set(places) == set(live)
        waited_for = [(s.route, s.number) for s in live if not s.left and not s.superseded]
        assert len(set(waited_for)) == len(waited_for), "two attempts at once at one request"
        assert self.books.settled.keys().isdisjoint(waited_for)
        gateway = self.sim.gateway
        assert gateway.open == sum(gateway.arrived) - self.books.settled_in_window

    def _doors(self) -> Iterator[Door]:
        """Yield every door, those behind forks among them."""
        for entrance in self.sim.gateway.doors:
            if isinstance(entrance, Fork):
                yield from entrance.doors
            elif entrance is not None:
                yield entrance

    def _path(self, tries: list[Sequence]) -> list[list[Sequence]]:
        """The attempts at one request by pool, in the order in which it came to them (I2).

        All but the last of a pool that was left were followed by another there, and that one was
        answered; an answer that is the last comes from the last pool that was to be visited.
        """
        name, spec = list(self.scenario.routes.items())[tries[0].route]
        wanted = self.destinations.visits(name, tries[0].number, tries[0].turn)
        legs = sorted({s.leg for s in tries})
        path = [[s for s in tries if s.leg == leg] for leg in legs]
        assert [spec.pools[leg] for leg in legs] == list(wanted[: len(legs)]), (tries, wanted)
        for here in path:
            assert {s.attempt for s in here} == set(range(len(here))), tries
        for left in path[:-1]:
            (answered,) = [s for s in left if s.outcome is Outcome.COMPLETED]
            assert answered.attempt == len(left) - 1, tries
            assert answered.superseded, tries
        if any(s.outcome is Outcome.COMPLETED and s.replica >= 0 for s in path[-1]):
            final = [s for s in path[-1] if not s.superseded]
            assert len(legs) == len(wanted) or not final, (tries, wanted)
        return path

    def _check_end(self) -> None:
        assert self.run is not None
        books, usage = self.books, self.run.usage
        unsaid = [s for s in books.live if s.arrived_at_s == math.inf]
        assert len(unsaid) == len(books.live), "attempts were never recorded"
        for pool in self.pools:
            pool.check_usage(usage)
            pool.check_little()
        attempts: dict[tuple[int, int], list[Sequence]] = defaultdict(list)
        for (route, number, _, _), s in books.ended.items():
            attempts[route, number].append(s)
        counts: dict[int, dict[str, float]] = defaultdict(lambda: defaultdict(float))
        for (route, _), tries in attempts.items():
            path = self._path(tries)
            assert len({s.arrived_at_s for s in tries}) == 1, tries
            final = [s for s in tries if not s.superseded]
            assert len(final) == 1, f"{len(final)} ends of one request: {tries}"
            assert final[0].attempt == len(path[-1]) - 1, tries
            assert final[0].leg == path[-1][0].leg, tries
            if 0.0 <= final[0].arrived_at_s < books.horizon_s:
                of = counts[route]
                of["arrived"] += 1
                of[final[0].outcome.name.lower()] += 1
                of["attempts"] += len(tries)
                of["retried"] += len(tries) - len(path)
                of["escalated"] += len(path) - 1
        for index, (name, route) in enumerate(usage.routes.items()):
            assert self.sim.gateway.arrived[index] == counts[index]["arrived"], name
            for kind in (
                "arrived", "completed", "rejected", "timed_out", "failed", "cancelled",
                "in_flight", "attempts", "retried", "escalated",
            ):  # fmt: skip
                found = getattr(route.requests, kind)
                assert found == counts[index][kind], (name, kind, found, counts[index][kind])


def in_engine(seat: Seat) -> list[Sequence]:
    """Sequences that the engine of *seat* has: running, waiting, not yet seen."""
    batcher = seat.replica.batcher
    if not batcher.waiting.count:
        return [*batcher.running, *batcher.coming]
    line = [s for queue in batcher.waiting._ranked for s in queue if s.state is Stage.WAITING]
    assert len(line) == batcher.waiting.count, seat
    return [*batcher.running, *line, *batcher.coming]
