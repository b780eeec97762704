"""Gateway: the door of the fleet. Sends requests to their pool; knows when all is done."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Callable
from typing import Protocol

import simpy

from sim.serving.sequence import Sequence


class Entrance(Protocol):
    """One route's way in and out."""

    def arrive(self, sequence: Sequence) -> None:
        """A request has come."""
        ...

    def ended(self, sequence: Sequence) -> None:
        """An attempt has ended."""
        ...

    def close(self) -> list[Sequence]:
        """Return the attempts that no pool has: the run is over."""
        ...


class Gateway:
    """Counts requests in and out, and hands every ended attempt to *record*.

    *submit* sends a request to its pool, one for each route, in their order. A route to one pool
    whose clients do nothing but wait has no door. `drained` succeeds once the window
    [0, *horizon_s*) is over and every request that arrived in it is settled.
    """

    def __init__(
        self,
        env: simpy.Environment,
        submit: list[Callable[[Sequence], None]],
        horizon_s: float,
        record: Callable[[Sequence], None],
    ) -> None:
        self.env = env
        self.submit = submit
        self.horizon_s = horizon_s
        self.record = record
        self.doors: list[Entrance | None] = [None] * len(submit)
        self.arrived = [0] * len(submit)
        self.open = 0  # requests of the window that are not settled
        self.drained = env.event()
        self.listeners: dict[int, Callable[[Sequence], None]] = {}

    def install(self, route: int, door: Entrance) -> None:
        """Let the requests of *route* pass through *door*."""
        self.doors[route] = door
        self.submit[route] = door.arrive

    def expect(self, arrived_at_s: list[float], routes: list[int]) -> None:
        """Time-ordered requests will come; those of the window count as open until they end."""
        window = slice(bisect_left(arrived_at_s, 0.0), bisect_left(arrived_at_s, self.horizon_s))
        for route, count in Counter(routes[window]).items():
            self.arrived[route] += count
            self.open += count

    def postponed(self, sequence: Sequence, planned_s: float) -> None:
        """*sequence*, expected at *planned_s*, comes later: it may enter or leave the window."""
        change = self._in_window(sequence.arrived_at_s) - self._in_window(planned_s)
        if change:
            self.arrived[sequence.route] += change
            self.open += change
            if not self.open:
                self.check_drained()

    def _in_window(self, at_s: float) -> bool:
        return 0.0 <= at_s < self.horizon_s

    def done(self, sequence: Sequence) -> None:
        """An attempt has ended: completed, rejected or lost."""
        door = self.doors[sequence.route]
        if door is not None:
            door.ended(sequence)
            return
        self.record(sequence)
        self.settle(sequence)

    def settle(self, sequence: Sequence) -> None:
        """*sequence* is the last attempt at its request, whose client knows what became of it."""
        if self.listeners and (listener := self.listeners.get(sequence.route)) is not None:
            listener(sequence)
        arrived_at_s = sequence.arrived_at_s
        if 0.0 <= arrived_at_s < self.horizon_s:
            self.open -= 1
            if not self.open:
                self.check_drained()

    def check_drained(self) -> None:
        """Succeed `drained` if the window is over and nothing of it is open."""
        if not self.open and self.env.now >= self.horizon_s and not self.drained.triggered:
            self.drained.succeed()
