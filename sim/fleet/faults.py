"""Faults: what breaks in a pool, when, and when it is noticed. In simulated time."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from math import ceil

import simpy

from sim.fleet.keeper import REPLACEMENT, Keeper
from sim.fleet.node import Node, Phase
from sim.fleet.provider import draw
from sim.fleet.seat import Seat, State
from sim.laws.law import Law
from sim.serving.levels import busy_until_s
from sim.streams import Keyed

LEAST_LOOK_S = 0.05
"""A stall is due after so much busy time; how much there was is looked at no more often than this,
so that it may come so much late."""


@dataclass(frozen=True)
class Outage:
    """From `at_s` on, for `for_s`, a zone or a share of the nodes is gone."""

    at_s: float
    for_s: float
    zone: str | None
    share: float | None


@dataclass(frozen=True)
class Hazards:
    """What breaks; laws are of seconds, None: that does not happen.

    `node_life` and `replica_life` until a node fails and a process crashes; `repair` of a node
    (None: it is replaced), by `crews` at a time (None: any number); `zone_life` until a zone's
    outage, of `zone_outage`; `stall_gap` of busy time until an engine hangs, for `stall`.
    `detection` from a death until it is noticed.
    """

    detection: Law
    node_life: Law | None = None
    lemon_share: float = 0.0
    lemon_factor: float = 1.0
    replica_life: Law | None = None
    repair: Law | None = None
    crews: int | None = None
    zone_life: Law | None = None
    zone_outage: Law | None = None
    outages: tuple[Outage, ...] = ()
    stall_gap: Law | None = None
    stall: Law | None = None


class Faults:
    """The processes that break the nodes and replicas of one pool."""

    def __init__(
        self, env: simpy.Environment, keeper: Keeper, hazards: Hazards, draws: Keyed
    ) -> None:
        self.env = env
        self.keeper = keeper
        self.hazards = hazards
        self.draws = draws
        self.crews = simpy.Resource(env, hazards.crews) if hazards.crews is not None else None
        self.failures = 0
        self._out_until_s: dict[str, float] = {}  # by zone
        self._cut_off: dict[Seat, int] = {}  # replicas of nodes that are cut off, and their lives
        if hazards.node_life is not None:
            keeper.on_up.append(self._watch_node)
        if hazards.replica_life is not None or hazards.stall_gap is not None:
            keeper.on_ready.append(self._watch_seat)

    def _watch_node(self, node: Node) -> None:
        self.env.process(self._age(node))

    def _watch_seat(self, seat: Seat) -> None:
        if self.hazards.replica_life is not None:
            self.env.process(self._crash(seat, seat.life))
        if self.hazards.stall_gap is not None:
            self.env.process(self._stall(seat, seat.life))

    def start(self) -> None:
        """Start what breaks by itself; nodes and replicas are watched from their own start on."""
        hazards = self.hazards
        for number, outage in enumerate(hazards.outages):
            self.env.process(self._scripted(number, outage))
        if hazards.zone_life is not None:
            for number, zone in enumerate(self.keeper.provider.terms.zones):
                self.env.process(self._zone(number, zone))

    # -- deaths ----------------------------------------------------------------------------------

    def _age(self, node: Node) -> Generator[simpy.Event, None, None]:
        """Let *node* fail at the end of its life, and again after each repair."""
        hazards, spell = self.hazards, 0
        assert hazards.node_life is not None
        lemon = self.draws.uniform(0, node.number) < hazards.lemon_share
        while True:
            left_s = draw(hazards.node_life, self.draws.uniform(1, node.number, spell))
            yield self.env.timeout(left_s / (hazards.lemon_factor if lemon else 1.0))
            spell += 1
            if node.phase is Phase.RELEASED:
                return
            if node.phase is Phase.UP:
                yield from self._fail(node, f"node {node.number} failed")

    def _fail(self, node: Node, reason: str) -> Generator[simpy.Event, None, None]:
        """*node* dies now with all that is on it; return what follows, as a process."""
        self.failures += 1
        node.phase = Phase.FAILED
        node.life += 1
        for seat in list(node.seats):
            self.keeper.fail(seat)
        self.keeper.note("node-failure", reason)
        return self._mend(node, node.life, self.failures)

    def _mend(self, node: Node, life: int, number: int) -> Generator[simpy.Event, None, None]:
        """Notice the *number*-th death, that of *node*; replace it, or repair it.

        One that was never up is replaced; a repair is not over before the outage of its zone.
        """
        keeper, hazards = self.keeper, self.hazards
        yield self.env.timeout(draw(hazards.detection, self.draws.uniform(2, number)))
        if node.life != life:
            return
        if hazards.repair is None or node.lease is None or node.lease.up_at_s is None:
            keeper.drop(node)
            return
        for seat in node.seats:
            keeper.pool.unroute(seat)
        node.phase = Phase.REPAIRING
        keeper.reconcile(REPLACEMENT)  # what drained there has gone
        repair_s = draw(hazards.repair, self.draws.uniform(3, number))
        if self.crews is None:
            yield self.env.timeout(repair_s)
        else:
            with self.crews.request() as crew:
                yield crew
                if node.life == life:
                    yield self.env.timeout(repair_s)
        while (left_s := self._out_until_s.get(node.zone, self.env.now) - self.env.now) > 0.0:
            yield self.env.timeout(left_s)
        if node.life == life:
            keeper.revive(node)

    def _crash(self, seat: Seat, life: int) -> Generator[simpy.Event, None, None]:
        """Let the process of *seat* crash; it is noticed, and started again.

        On a node that has died meanwhile it starts with that node.
        """
        assert self.hazards.replica_life is not None
        left_s = draw(self.hazards.replica_life, self.draws.uniform(4, seat.number, life))
        yield self.env.timeout(left_s)
        if seat.life != life:
            return  # it has gone, or is another process by now
        self.failures += 1
        self.keeper.fail(seat)
        self.keeper.note("crash", f"replica {seat.index} crashed")
        life = seat.life
        notice_s = draw(self.hazards.detection, self.draws.uniform(5, seat.number, life))
        yield self.env.timeout(notice_s)
        if seat.life == life and seat.node.phase is Phase.UP:
            self.keeper.restart(seat)

    # -- outages ---------------------------------------------------------------------------------

    def _zone(self, number: int, zone: str) -> Generator[simpy.Event, None, None]:
        """Outages of *zone* that come and go at random."""
        hazards, spell = self.hazards, 0
        assert hazards.zone_life is not None
        assert hazards.zone_outage is not None
        while True:
            yield self.env.timeout(draw(hazards.zone_life, self.draws.uniform(6, number, spell)))
            for_s = draw(hazards.zone_outage, self.draws.uniform(7, number, spell))
            yield from self._zone_is_out(zone, for_s)
            spell += 1

    def _zone_is_out(self, zone: str, for_s: float) -> Generator[simpy.Event, None, None]:
        provider, until_s = self.keeper.provider, self.env.now + for_s
        self._out_until_s[zone] = max(until_s, self._out_until_s.get(zone, until_s))
        provider.out[zone] = provider.out.get(zone, 0) + 1
        self.keeper.note("outage", f"zone {zone} is out")
        for node in list(provider.nodes.values()):
            if node.zone == zone and node.phase in (Phase.PROVISIONING, Phase.UP):
                self.env.process(self._fail(node, f"node {node.number} went with its zone"))
        yield self.env.timeout(for_s)
        provider.out[zone] -= 1
        self.keeper.note("outage-over", f"zone {zone} is back")

    def _scripted(self, number: int, outage: Outage) -> Generator[simpy.Event, None, None]:
        yield self.env.timeout(outage.at_s - self.env.now)
        if outage.zone is not None:
            yield from self._zone_is_out(outage.zone, outage.for_s)
        elif outage.share is not None:
            yield from self._share_is_out(number, outage.share, outage.for_s)

    def _share_is_out(
        self, number: int, share: float, for_s: float
    ) -> Generator[simpy.Event, None, None]:
        """A part of the nodes is cut off, and comes back as it was, with empty caches."""
        keeper, until_s = self.keeper, self.env.now + for_s
        up = [n for n in keeper.provider.nodes.values() if n.phase is Phase.UP and n.seats]
        gone = up[: ceil(share * len(up) - 1e-9)]
        for node in gone:
            node.cut_until_s = max(node.cut_until_s, until_s)
            for seat in node.seats:
                if seat.state is State.READY:
                    keeper.fail(seat)
                    self._cut_off[seat] = seat.life
        keeper.note("outage", f"{len(gone)} of {len(up)} nodes are cut off")
        notice_s = draw(self.hazards.detection, self.draws.uniform(8, number))
        if notice_s < for_s:
            yield self.env.timeout(notice_s)
            for node in gone:
                node.unreachable = True
                for seat in node.seats:
                    if self._cut_off.get(seat) == seat.life:
                        keeper.pool.unroute(seat)
        yield self.env.timeout(until_s - self.env.now)
        for node in gone:
            if node.cut_until_s <= self.env.now:
                self._reconnect(node)
        keeper.note("outage-over", f"{len(gone)} of {len(up)} nodes are back")
        keeper.reconcile(REPLACEMENT)  # a rollout may have waited for them

    def _reconnect(self, node: Node) -> None:
        """*node* is reached again; one that has died since stays dead."""
        node.unreachable = False
        for seat in list(node.seats):
            if self._cut_off.pop(seat, None) == seat.life and node.phase is Phase.UP:
                self.keeper.pool.unroute(seat)
                self.keeper.restore(seat)

    # -- stalls ----------------------------------------------------------------------------------

    def _stall(self, seat: Seat, life: int) -> Generator[simpy.Event, None, None]:
        """Let the engine of *seat* hang now and then, counted in its busy time."""
        hazards, spell = self.hazards, 0
        assert hazards.stall_gap is not None
        assert hazards.stall is not None
        batcher = seat.replica.batcher
        due_s = busy_until_s(batcher, self.env.now)
        while seat.life == life:
            due_s += draw(hazards.stall_gap, self.draws.uniform(9, seat.number, life, spell))
            while (lack_s := due_s - busy_until_s(batcher, self.env.now)) > 1e-9:
                yield self.env.timeout(max(lack_s, LEAST_LOOK_S))
                if seat.life != life:
                    return
            seat.replica.stall(
                draw(hazards.stall, self.draws.uniform(10, seat.number, life, spell))
            )
            spell += 1
