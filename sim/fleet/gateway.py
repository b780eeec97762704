"""Gateway: the door of the fleet. Sends requests to their pool; knows when all is done."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Callable

import simpy

from sim.fleet.pool import Pool
from sim.serving.sequence import Sequence


class Gateway:
    """Counts requests in and out, and hands every ended attempt to *record*.

    `drained` succeeds once the window [0, *horizon_s*) is over and every request that arrived in
    it has ended.
    """

    def __init__(
        self,
        env: simpy.Environment,
        pools: list[Pool],
        horizon_s: float,
        record: Callable[[Sequence], None],
    ) -> None:
        self.env = env
        self.submit = [pool.submit for pool in pools]  # by route
        self.horizon_s = horizon_s
        self.record = record
        self.arrived = [0] * len(pools)
        self.open = 0  # requests of the window that have not ended
        self.drained = env.event()
        self.listeners: dict[int, Callable[[Sequence], None]] = {}

    def expect(self, arrived_at_s: list[float], routes: list[int]) -> None:
        """Time-ordered requests will come; those of the window count as open until they end."""
        window = slice(bisect_left(arrived_at_s, 0.0), bisect_left(arrived_at_s, self.horizon_s))
        for route, count in Counter(routes[window]).items():
            self.arrived[route] += count
            self.open += count

    def done(self, sequence: Sequence) -> None:
        """An attempt has ended: completed, rejected or lost."""
        self.record(sequence)
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
