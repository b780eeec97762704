"""Deadlines: when clients give up on attempts that have not ended. In simulated time."""

from __future__ import annotations

from collections.abc import Callable
from heapq import heappop, heappush

import simpy
from simpy.events import Timeout

from sim.serving.sequence import Outcome, Sequence

IN_FLIGHT = Outcome.IN_FLIGHT


class Deadlines:
    """Calls *expire* with each sequence whose time has come, unless it has ended or *is_met*.

    One alarm stands for all: it is set for the earliest that is still open, so that attempts that
    end in time, nearly all, cost no event of their own.
    """

    def __init__(
        self,
        env: simpy.Environment,
        expire: Callable[[Sequence], None],
        is_met: Callable[[Sequence], bool] = lambda sequence: False,
    ) -> None:
        self.env = env
        self.expire = expire
        self.is_met = is_met
        self._heap: list[tuple[float, int, Sequence]] = []
        self._pushed = 0
        self._alarm_at_s: float | None = None

    def add(self, at_s: float, sequence: Sequence) -> None:
        """*sequence* has until *at_s*. O(log open)."""
        self._pushed += 1
        heappush(self._heap, (at_s, self._pushed, sequence))
        if self._alarm_at_s is None or at_s < self._alarm_at_s:
            self._ring(at_s)

    def _ring(self, at_s: float) -> None:
        self._alarm_at_s = at_s
        alarm = Timeout(self.env, max(0.0, at_s - self.env.now), at_s)
        alarm.callbacks.append(self._on_alarm)

    def _on_alarm(self, alarm: simpy.Event) -> None:
        if alarm.value != self._alarm_at_s:
            return  # an earlier one was set after it
        self._alarm_at_s = None
        heap, now_s = self._heap, self.env.now
        while heap:
            at_s, _, sequence = heap[0]
            ended = sequence.outcome is not IN_FLIGHT or sequence.left or self.is_met(sequence)
            if at_s > now_s and not ended:
                self._ring(at_s)
                return
            heappop(heap)
            if not ended:
                self.expire(sequence)
