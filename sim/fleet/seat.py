"""Seat: one replica's place on a node, from the order to the release. Knows no clock."""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING

from sim.serving.replica import Replica

if TYPE_CHECKING:
    from sim.fleet.node import Node


class State(IntEnum):
    """Where a replica stands. What is `ORDERED` is not paid yet; `GONE` is final."""

    ORDERED = 0
    STARTING = 1
    READY = 2
    DRAINING = 3
    FAILED = 4
    GONE = 5


PAID = (State.STARTING, State.READY, State.DRAINING, State.FAILED)
"""States that cost money."""


class Seat:
    """A replica of a pool: its engine, its node, and its state.

    `cause` says why it was started (start, scale, rollout, replacement), `version` by which
    rollout. `life` counts changes of its state: a process that waited and finds another number
    than it left is void. `slot` is its place in the router while requests go there. `index` tells
    it from every other replica of the fleet, `number` from those of its pool: by it things are
    drawn, so that what happens in one pool does not depend on the others.
    """

    __slots__ = (
        "busy_mark_s",
        "cause",
        "index",
        "life",
        "node",
        "number",
        "replica",
        "slot",
        "state",
        "version",
    )

    def __init__(
        self, replica: Replica, node: Node, version: int, cause: str, number: int | None = None
    ) -> None:
        self.replica = replica
        self.index = replica.index
        self.number = replica.index if number is None else number
        self.node = node
        self.version = version
        self.cause = cause
        self.state = State.ORDERED
        self.life = 0
        self.slot: int | None = None
        self.busy_mark_s = 0.0  # busy seconds when the present state began

    @property
    def held(self) -> int:
        """Sequences in its engine, waiting or running."""
        batcher = self.replica.batcher
        return len(batcher.running) + batcher.waiting.count + len(batcher.coming)

    @property
    def seems_ready(self) -> bool:
        """Whether it is ready, for all that is known: that it has died may not be noticed yet."""
        return self.state is State.READY or (self.state is State.FAILED and self.slot is not None)

    def __repr__(self) -> str:
        return f"Seat({self.index}, {self.state.name}, node {self.node.number})"
