"""Replica: one engine in simulated time, the clock of its batcher; one event per run or step."""

from __future__ import annotations

import math
from collections.abc import Callable

import simpy
from simpy.events import Timeout

from sim.serving.batcher import Batcher
from sim.serving.run import TICK_S
from sim.serving.sequence import Outcome, Sequence


class Replica:
    """Runs *batcher* on *env*; *on_done* gets every sequence that leaves, its times written.

    A boundary at time t is handled a microsecond later, so that what comes at t, whatever rounding
    made of it, is there. All recorded times are the boundary's own.
    """

    __slots__ = (
        "_alarm",
        "_hung_to_s",
        "_on_alarm",
        "_stall_s",
        "batcher",
        "env",
        "index",
        "on_done",
    )

    def __init__(
        self,
        env: simpy.Environment,
        index: int,
        batcher: Batcher,
        on_done: Callable[[Sequence], None],
    ) -> None:
        self.env = env
        self.index = index
        self.batcher = batcher
        self.on_done = on_done
        self._alarm: simpy.Event | None = None
        self._on_alarm = self._wake  # bound once
        self._stall_s = 0.0  # that the next start is put off
        self._hung_to_s = -math.inf  # when a stall ends that began as the engine ran empty

    def submit(self, sequence: Sequence) -> str | None:
        """Queue *sequence* now; return why it can never be served, or None if taken. O(1)."""
        batcher = self.batcher
        if sequence.input_tokens + sequence.output_tokens > batcher.most_tokens:
            reason = batcher.refusal(sequence)
            if reason is not None:
                return reason
        now_s = self.env.now
        sequence.queued_at_s = now_s
        sequence.replica = self.index
        if batcher.submit(sequence):
            self._ring(batcher.run.end_s, now_s)
        elif self._alarm is None:
            self._ring(now_s, now_s)
        return None

    def abort(self, sequence: Sequence, outcome: Outcome = Outcome.CANCELLED) -> None:
        """Take *sequence* out at the next boundary; it leaves through *on_done*."""
        now_s = self.env.now
        if self.batcher.abort(sequence, now_s, outcome):
            self._ring(self.batcher.run.end_s, now_s)

    def stall(self, seconds: float) -> None:
        """Hang for *seconds* from the next boundary on, or before the next start; KV is kept."""
        self._stall_s += seconds
        batcher, now_s = self.batcher, self.env.now
        run = batcher.run
        if run.count and run.cut(run.boundary_after(now_s)):
            self._ring(run.end_s, now_s)

    def crash(self) -> None:
        """Lose the cache and every sequence at once; they leave through *on_done* as failed."""
        self._alarm = None
        self._stall_s = 0.0
        self._hung_to_s = -math.inf
        for sequence in self.batcher.crash(self.env.now):
            self.on_done(sequence)

    def _ring(self, at_s: float, now_s: float) -> None:
        """Wake just after *at_s*; an alarm set before is void."""
        delay_s = at_s + TICK_S - now_s
        self._alarm = alarm = Timeout(self.env, delay_s if delay_s > 0.0 else 0.0)
        alarm.callbacks.append(self._on_alarm)

    def _wake(self, event: simpy.Event) -> None:
        if event is not self._alarm:
            return
        batcher, now_s = self.batcher, self.env.now
        at_s = batcher.run.end_s if batcher.busy else max(now_s - TICK_S, self._hung_to_s)
        gone = batcher.finish()
        if self._stall_s:
            at_s, self._stall_s = at_s + self._stall_s, 0.0
        if batcher.start(at_s):
            self._ring(batcher.run.end_s, now_s)
        else:
            self._alarm = None
            self._hung_to_s = at_s
        for sequence in gone:
            self.on_done(sequence)
