"""Provider: gives a pool its nodes and takes them back, sooner or later. In simulated time."""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass
from itertools import count

import numpy as np
import simpy

from sim.fleet.node import Node, Phase
from sim.laws.law import Law
from sim.ledger.lease import Lease
from sim.ledger.level import Level
from sim.streams import Keyed


@dataclass(frozen=True)
class Terms:
    """What a node is, how long it takes to come, and how it is billed.

    `slots` replicas fit a node, which leaves `spare_gpus` of it; `gpus_per_replica` are those of
    one. A share `refused` of orders finds no capacity and is repeated `retry_after_s` later. Of
    all nodes a share `spot_share` are spot, `spot_life` being how long it takes until one is wanted
    back, which is said `notice_s` before it is taken. A share `slow_share` takes `slow_factor`
    times as long for every step.
    """

    slots: int
    gpus_per_replica: int
    spare_gpus: int
    zones: tuple[str, ...]
    provision: Law
    pull: Law
    refused: float = 0.0
    retry_after_s: float = 120.0
    billed_s: Callable[[float], float] = lambda held_s: held_s
    spot_share: float = 0.0
    spot_life: Law | None = None
    notice_s: float = 0.0
    slow_share: float = 0.0
    slow_factor: float = 1.0


def draw(law: Law, u: float) -> float:
    """Return the *u*-quantile of *law*."""
    return float(law.quantile(np.array([u]))[0])


class Provider:
    """The nodes of one pool, and their leases.

    *on_refused* is told when an ordered node does not come yet; *on_paid* when it begins to cost
    money; *on_up* when it can be used; *on_notice* when a spot node will be taken away in
    `terms.notice_s`; *on_taken* when it is.
    """

    def __init__(self, env: simpy.Environment, pool: str, terms: Terms, draws: Keyed) -> None:
        self.env = env
        self.pool = pool
        self.terms = terms
        self.draws = draws
        self.on_refused: Callable[[Node], None] = lambda node: None
        self.on_paid: Callable[[Node], None] = lambda node: None
        self.on_up: Callable[[Node], None] = lambda node: None
        self.on_notice: Callable[[Node], None] = lambda node: None
        self.on_taken: Callable[[Node], None] = lambda node: None
        self.nodes: dict[int, Node] = {}  # those that are not released
        self.leases: list[Lease] = []
        self.out: dict[str, int] = {}  # zones in an outage, and in how many
        self.paid = {spot: Level() for spot in (False, True)}
        self._ordered = 0

    def order(self, cause: str) -> Node:
        """Order a node in the zone that has the fewest; it will come."""
        node = self._next(cause)
        self.env.process(self._provision(node, node.life))
        return node

    def have(self, cause: str) -> Node:
        """Return a node that is up from now on, as those are that a run starts with."""
        node = self._next(cause)
        self._begin_lease(node)
        self._up(node)
        return node

    def release(self, node: Node) -> None:
        """Give *node* back; what was begun of its last unit is paid."""
        node.phase = Phase.RELEASED
        node.life += 1
        del self.nodes[node.number]
        lease = node.lease
        if lease is not None:
            now_s, begun_at_s = self.env.now, lease.begun_at_s
            billed_s = self.terms.billed_s(now_s - begun_at_s)
            lease.released_at_s = now_s
            lease.paid_until_s = max(now_s, begun_at_s + billed_s)  # it may round down by a tick
            self.paid[node.spot].change(now_s, -1.0)

    @property
    def open_zones(self) -> list[str]:
        """Zones without an outage; all, if none is without."""
        return [z for z in self.terms.zones if not self.out.get(z)] or list(self.terms.zones)

    def _next(self, cause: str) -> Node:
        number, self._ordered = self._ordered, self._ordered + 1
        terms = self.terms
        # So that of any first n nodes the share is as near as whole nodes allow.
        spot = int((number + 1) * terms.spot_share) > int(number * terms.spot_share)
        slow = self.draws.uniform(number, 2) < terms.slow_share
        factor = terms.slow_factor if slow else 1.0
        node = Node(number, self._zone(), terms.slots, spot=spot, slow=factor, cause=cause)
        self.nodes[number] = node
        return node

    def _zone(self) -> str:
        """Return the zone with the fewest nodes, outages avoided if one is without."""
        held = [node.zone for node in self.nodes.values() if node.phase is not Phase.FAILED]
        return min(self.open_zones, key=held.count)

    def _provision(self, node: Node, life: int) -> Generator[simpy.Event, None, None]:
        terms = self.terms
        for tries in count():
            if node.life != life:
                return
            if not self._refuses(node, tries):
                break
            self.on_refused(node)
            yield self.env.timeout(terms.retry_after_s)
            node.zone = self._zone()
        node.phase = Phase.PROVISIONING
        self._begin_lease(node)
        self.on_paid(node)
        yield self.env.timeout(draw(terms.provision, self.draws.uniform(node.number, 0)))
        yield self.env.timeout(draw(terms.pull, self.draws.uniform(node.number, 1)))
        if node.life == life:
            self._up(node)
            self.on_up(node)

    def _refuses(self, node: Node, tries: int) -> bool:
        """Whether there is no capacity for *node* now, *tries* orders after the first."""
        chance = self.draws.uniform(node.number, 3, tries)
        return chance < self.terms.refused or bool(self.out.get(node.zone))

    def _begin_lease(self, node: Node) -> None:
        terms = self.terms
        node.lease = Lease(
            self.pool,
            node.number,
            node.zone,
            node.spot,
            node.cause,
            terms.slots,
            terms.spare_gpus,
            self.env.now,
        )
        self.leases.append(node.lease)
        self.paid[node.spot].change(self.env.now, 1.0)

    def _up(self, node: Node) -> None:
        node.phase = Phase.UP
        assert node.lease is not None
        node.lease.up_at_s = self.env.now
        if node.spot and self.terms.spot_life is not None:
            self.env.process(self._reclaim(node, self.terms.spot_life))

    def _reclaim(self, node: Node, life: Law) -> Generator[simpy.Event, None, None]:
        """Take a spot node away at the end of its life, and a notice later.

        Were the notice part of its life, a short one would end as it begins, and so would the next.
        """
        yield self.env.timeout(draw(life, self.draws.uniform(node.number, 4)))
        if node.number not in self.nodes:
            return
        node.leaving = True
        self.on_notice(node)
        yield self.env.timeout(self.terms.notice_s)
        if node.number in self.nodes:
            self.on_taken(node)
