"""Node: a rented or owned machine that hosts replicas; unit of billing and failure. No clock."""

from __future__ import annotations

from enum import IntEnum
from math import inf

from sim.fleet.seat import Seat
from sim.ledger.lease import Lease


class Phase(IntEnum):
    """Where a node stands. What is `ORDERED` is not paid yet; `RELEASED` is final."""

    ORDERED = 0
    PROVISIONING = 1
    UP = 2
    FAILED = 3
    REPAIRING = 4
    RELEASED = 5


class Node:
    """A machine with room for *slots* replicas.

    `leaving`: the provider has said that it will take it away, so that nothing is started there.
    Until `cut_until_s` nobody reaches it, which is known if it is `unreachable`. `life` counts
    changes of its phase, as a seat's does.
    """

    __slots__ = (
        "cause",
        "cut_until_s",
        "lease",
        "leaving",
        "life",
        "number",
        "phase",
        "seats",
        "slots",
        "slow",
        "spot",
        "unreachable",
        "zone",
    )

    def __init__(
        self, number: int, zone: str, slots: int, *, spot: bool, slow: float, cause: str
    ) -> None:
        self.number = number
        self.zone = zone
        self.slots = slots
        self.spot = spot
        self.slow = slow  # its steps take so many times as long
        self.cause = cause
        self.seats: list[Seat] = []
        self.phase = Phase.ORDERED
        self.leaving = False
        self.cut_until_s = -inf
        self.unreachable = False
        self.life = 0
        self.lease: Lease | None = None

    @property
    def is_sound(self) -> bool:
        """Whether it is up or on its way, and will stay."""
        coming = self.phase in (Phase.ORDERED, Phase.PROVISIONING, Phase.UP)
        return coming and not self.leaving and not self.unreachable

    @property
    def has_room(self) -> bool:
        """Whether one more replica may be put there."""
        return self.is_sound and len(self.seats) < self.slots
