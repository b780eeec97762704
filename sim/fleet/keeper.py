"""Keeper: makes a pool's replicas what is wanted; orders, starts, drains, replaces. In time."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Generator
from dataclasses import dataclass
from itertools import count, islice

import simpy

from sim.fleet.leaving import least_missed
from sim.fleet.node import Node, Phase
from sim.fleet.occupancy import Occupancy
from sim.fleet.pool import Pool
from sim.fleet.provider import Provider, draw
from sim.fleet.seat import Seat, State
from sim.laws.law import Law
from sim.ledger.events import FleetEvent
from sim.ledger.level import Level
from sim.serving.replica import Replica
from sim.streams import Keyed

START, SCALE, ROLLOUT, REPLACEMENT, WARM = "start", "scale", "rollout", "replacement", "warm"
"""Causes for which replicas are started."""


@dataclass(frozen=True)
class Upkeep:
    """How a pool is kept.

    `load`, `init` and `first_request` are laws of seconds: what a replica takes on a node that is
    up, and its first request besides; if it is `warmed` that one comes before it is ready, and no
    user waits for it. A stopped replica has `drain_s` to finish
    what it holds. `total` says how many replicas are held where so many are wanted. During a
    rollout there are at most `surge` more than that, and at most `unavailable` fewer ready.
    `warm_nodes` are kept up without a replica. `spreads`: no zone gets a replica while another
    has fewer, even if that takes one more node.
    """

    load: Law
    init: Law
    first_request: Law
    warmed: bool = True
    drain_s: float = 60.0
    surge: int = 1
    unavailable: int = 0
    warm_nodes: int = 0
    spreads: bool = False
    total: Callable[[int], int] = lambda wanted: wanted


class Keeper:
    """Keeps `wanted` replicas of the newest version, and the spare ones, on as few nodes."""

    def __init__(
        self,
        env: simpy.Environment,
        pool: Pool,
        provider: Provider,
        occupancy: Occupancy,
        upkeep: Upkeep,
        make_replica: Callable[[float], Replica],
        draws: Keyed,
    ) -> None:
        self.env = env
        self.pool = pool
        self.provider = provider
        self.occupancy = occupancy
        self.upkeep = upkeep
        self.make_replica = make_replica
        self.draws = draws
        self.on_ready: list[Callable[[Seat], None]] = []
        self.on_up: list[Callable[[Node], None]] = []
        self.on_counted: Callable[[], None] = lambda: None
        self.wanted = 0
        self.version = 0
        self.numbers = count()
        self.events: list[FleetEvent] = []
        self.unplaced_gpus = Level()
        provider.on_refused = self._refused
        provider.on_paid = self._paid
        provider.on_up = self._up
        provider.on_notice = self._noticed
        provider.on_taken = self.drop
        pool.on_empty = self._emptied

    @property
    def seats(self) -> list[Seat]:
        """Replicas that are not gone, the oldest first."""
        return list(self.occupancy.seats.values())

    @property
    def target(self) -> int:
        """Replicas to hold, spare ones included."""
        return self.upkeep.total(self.wanted) if self.wanted else 0

    # -- what is wanted --------------------------------------------------------------------------

    def begin(self, wanted: int) -> None:
        """*wanted* replicas, the spare ones and the warm nodes are ready from now on."""
        self.wanted = wanted
        for _ in range(self.target):
            self._ready(self._seat(self._roomy_node() or self._have(START), START))
        for _ in range(self.upkeep.warm_nodes):
            self._have(WARM)
        self._tidy()

    def _have(self, cause: str) -> Node:
        node = self.provider.have(cause)
        for told in self.on_up:
            told(node)
        return node

    def want(self, wanted: int, reason: str, cause: str = SCALE) -> None:
        """Hold *wanted* replicas from now on, and the spare ones."""
        if wanted == self.wanted:
            return
        self.wanted = wanted
        self.note("scale", reason)
        self.reconcile(cause)

    def roll(self, reason: str) -> None:
        """Replace every replica by one of a new version, a few at a time."""
        self.version += 1
        self.note("rollout", reason)
        self.reconcile(ROLLOUT)

    def reconcile(self, cause: str) -> None:
        """Start or stop what lacks or is too much; new replicas are started for *cause*."""
        room = math.inf
        if any(seat.version != self.version for seat in self.seats):
            cause = ROLLOUT
            self._stop_old()
            room = self.target + self.upkeep.surge - len(self.seats)
        live = [s for s in self._live() if s.version == self.version]
        lack = self.target - len(live)
        for _ in range(int(min(lack, room))):
            self._start(cause)
        for seat in islice(least_missed(live), max(0, -lack)):
            self.stop(seat, self.upkeep.drain_s)
        self._tidy()

    def _live(self) -> list[Seat]:
        return [seat for seat in self.seats if seat.state is not State.DRAINING]

    def _stop_old(self) -> None:
        """Stop replicas of older versions, as far as enough are ready without them."""
        ready = sum(seat.seems_ready for seat in self.seats)
        spare = ready - (self.target - self.upkeep.unavailable)
        old = [seat for seat in self._live() if seat.version != self.version]
        for seat in least_missed(old):
            if seat.seems_ready:
                if spare <= 0:
                    break
                spare -= 1
            self.stop(seat, self.upkeep.drain_s)

    # -- starting --------------------------------------------------------------------------------

    def _start(self, cause: str) -> None:
        seat = self._seat(self._roomy_node() or self.provider.order(cause), cause)
        if seat.node.phase is Phase.UP:
            self.env.process(self._boot(seat, seat.life))

    def _roomy_node(self) -> Node | None:
        """Return the node with room that is nearest to be up, and of those the fullest."""
        roomy = [node for node in self.provider.nodes.values() if node.has_room]
        if self.upkeep.spreads:
            in_zone = Counter(seat.node.zone for seat in self._live())
            least = min(in_zone[zone] for zone in self.provider.open_zones)
            roomy = [node for node in roomy if in_zone[node.zone] == least]
        return max(roomy, key=lambda n: (n.phase, len(n.seats), -n.number), default=None)

    def _seat(self, node: Node, cause: str) -> Seat:
        seat = Seat(self.make_replica(node.slow), node, self.version, cause, next(self.numbers))
        node.seats.append(seat)
        paid = node.phase is not Phase.ORDERED
        self.occupancy.move(seat, State.STARTING if paid else State.ORDERED)
        self._count_unplaced()
        return seat

    def _refused(self, node: Node) -> None:
        self.note("no-capacity", f"no node to be had in zone {node.zone}")

    def _paid(self, node: Node) -> None:
        for seat in node.seats:
            self.occupancy.move(seat, State.STARTING)
        self._count_unplaced()

    def _up(self, node: Node) -> None:
        for told in self.on_up:
            told(node)
        for seat in node.seats:
            self.env.process(self._boot(seat, seat.life))

    def _boot(self, seat: Seat, life: int) -> Generator[simpy.Event, None, None]:
        """Load weights, start the engine and warm it up."""
        upkeep = self.upkeep
        phases = (upkeep.load, upkeep.init, upkeep.first_request)[: 3 if upkeep.warmed else 2]
        chances = (self.draws.uniform(seat.number, life, n) for n in range(len(phases)))
        yield self.env.timeout(sum(map(draw, phases, chances)))
        if seat.life != life:
            return
        while (cut_s := seat.node.cut_until_s - self.env.now) > 0.0:
            yield self.env.timeout(cut_s)
            if seat.life != life:
                return
        self._ready(seat)

    def _ready(self, seat: Seat) -> None:
        if seat.cause == START:  # it was there before the run began
            self._open(seat)
            return
        if not self.upkeep.warmed:
            chance = self.draws.uniform(seat.number, seat.life, 2)
            seat.replica.stall(draw(self.upkeep.first_request, chance))
        self._open(seat)
        self.note("ready", f"replica {seat.index} is ready ({seat.cause})")
        self.reconcile(SCALE)

    def _open(self, seat: Seat) -> None:
        self.occupancy.move(seat, State.READY)
        self.pool.route(seat)
        for told in self.on_ready:
            told(seat)

    # -- stopping --------------------------------------------------------------------------------

    def stop(self, seat: Seat, drain_s: float) -> None:
        """Let *seat* go: at once if it holds nothing, else within *drain_s*."""
        if seat.state is State.READY:
            self.occupancy.move(seat, State.DRAINING)
            if seat.held and drain_s > 0.0:
                self.pool.drain(seat)
                self.env.process(self._drain(seat, seat.life, drain_s))
                return
        self.kill(seat)

    def _drain(self, seat: Seat, life: int, drain_s: float) -> Generator[simpy.Event, None, None]:
        yield self.env.timeout(drain_s)
        if seat.life == life:
            self._emptied(seat)

    def _emptied(self, seat: Seat) -> None:
        """*seat* has drained, or had time enough."""
        self.kill(seat)
        self.reconcile(SCALE)

    def kill(self, seat: Seat) -> None:
        """Let *seat* go now, whatever it holds; its cache is given up."""
        self.pool.lose(seat)
        self.occupancy.move(seat, State.GONE)
        seat.node.seats.remove(seat)
        self.pool.retire(seat)
        self._count_unplaced()

    def _tidy(self) -> None:
        """Give back nodes that host nothing, all but the warm ones; order warm ones that lack.

        One under repair goes too; one that has failed is given up when that is noticed.
        """
        empty = [
            node
            for node in self.provider.nodes.values()
            if not node.seats and node.phase is not Phase.FAILED
        ]
        empty.sort(key=lambda node: (not node.is_sound, -node.phase))
        warm = min(self.upkeep.warm_nodes, sum(node.is_sound for node in empty))
        for node in empty[warm:]:
            self.provider.release(node)
        for _ in range(self.upkeep.warm_nodes - warm):
            self.provider.order(WARM)
        self._count_unplaced()

    # -- failing ---------------------------------------------------------------------------------

    def fail(self, seat: Seat) -> None:
        """*seat* dies, and everything in it; nobody has noticed yet."""
        if seat.state is State.DRAINING:
            self.kill(seat)
        elif seat.state in (State.READY, State.STARTING):
            self.pool.bury(seat)
            self.occupancy.move(seat, State.FAILED)

    def restart(self, seat: Seat) -> None:
        """It was noticed that *seat* is dead: start it again where it was."""
        self.pool.unroute(seat)
        seat.cause = REPLACEMENT
        self.occupancy.move(seat, State.STARTING)
        self.env.process(self._boot(seat, seat.life))

    def restore(self, seat: Seat) -> None:
        """*seat*, to which nothing is sent, is back as it was, with an empty cache."""
        self._open(seat)
        self.note("ready", f"replica {seat.index} is back")

    def revive(self, node: Node) -> None:
        """*node* is repaired: what was on it starts again, as far as it is wanted."""
        node.phase = Phase.UP
        self.note("repair", f"node {node.number} is repaired")
        for seat in list(node.seats):
            self.restart(seat)
        self.reconcile(REPLACEMENT)

    def _noticed(self, node: Node) -> None:
        """*node* will be taken away: what is on it drains, and others take its place."""
        self.note("notice", f"spot node {node.number} will be taken away")
        for seat in list(node.seats):
            if seat.state is not State.DRAINING:
                self.stop(seat, self.upkeep.drain_s)
        self.reconcile(REPLACEMENT)

    def drop(self, node: Node) -> None:
        """*node* is lost or given up: everything on it goes, and it is given back."""
        for seat in list(node.seats):
            self.kill(seat)
        self.provider.release(node)
        self.reconcile(REPLACEMENT)

    # -- reading ---------------------------------------------------------------------------------

    def note(self, kind: str, reason: str) -> None:
        """Write an event down."""
        ready = self.occupancy.count(State.READY)
        self.events.append(
            FleetEvent(self.env.now, self.pool.name, kind, reason, self.target, ready)
        )

    def _count_unplaced(self) -> None:
        """GPUs of paid nodes that no replica is on."""
        terms = self.provider.terms
        free = sum(
            terms.spare_gpus + (node.slots - len(node.seats)) * terms.gpus_per_replica
            for node in self.provider.nodes.values()
            if node.phase is not Phase.ORDERED
        )
        change = free - self.unplaced_gpus.now
        if change:
            self.unplaced_gpus.change(self.env.now, change)
        self.on_counted()
