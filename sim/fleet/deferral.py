"""Deferral: batch work that waits at the door while the fleet is busy. In simulated time."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator

import simpy

from sim.fleet.pool import Pool
from sim.serving.sequence import Sequence

LOOK_EVERY_S = 5.0
"""How often the work that waits looks whether it may go on."""


class Deferral:
    """Holds requests while the pool is busier than *below*, but none longer than *deadline_s*.

    A pool is as busy as the greater of two shares: of slots (max_num_seqs) with a sequence,
    waiting ones counted, and of KV blocks in use. What is let in at one look is what brings it up
    to *below*.
    """

    def __init__(self, env: simpy.Environment, pool: Pool, below: float, deadline_s: float) -> None:
        self.env = env
        self.pool = pool
        self.below = below
        self.deadline_s = deadline_s
        self._waiting: deque[tuple[float, Sequence]] = deque()

    def defers(self, sequence: Sequence, send: Callable[[Sequence], None]) -> bool:
        """Return whether *sequence* has to wait; if so, *send* will get it."""
        if not self._waiting and self._room() > 0:
            return False
        if not self._waiting:
            self.env.process(self._watch(send))
        self._waiting.append((self.env.now + self.deadline_s, sequence))
        return True

    def _watch(self, send: Callable[[Sequence], None]) -> Generator[simpy.Event, None, None]:
        waiting = self._waiting
        while waiting:
            yield self.env.timeout(LOOK_EVERY_S)
            room = self._room()
            while waiting and (room > 0 or waiting[0][0] <= self.env.now):
                room -= 1
                send(waiting.popleft()[1])

    def _room(self) -> float:
        """Return how many more sequences the pool may hold."""
        engines = self.pool.engines
        if not engines or self.pool.kv_used_share() >= self.below:
            return 0.0
        slots = sum(engine.batcher.max_num_seqs for engine in engines)
        return self.below * slots - self.pool.running() - self.pool.queue.length

    def close(self) -> list[Sequence]:
        """Return those that still wait: the run is over."""
        return [sequence for _, sequence in self._waiting]
