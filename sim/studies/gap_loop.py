"""Gap loop: one replica kept full with the requests that really came. In simulated time.

The naive benchmark sends the same request over and over; this loop sends a sample of the log, at
the same concurrency, so that what differs is what the requests are and what they have in common.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Hashable

import simpy

from sim.serving.batcher import Batcher
from sim.serving.replica import Replica
from sim.serving.sequence import Sequence
from sim.studies.gap_log import Sample

GENERATIONS = 2
"""So many answers per client are let pass before counting starts: the cache is warm, and clients
that began at one instant no longer march in step."""

LEAST_GENERATIONS = 6
"""So many requests per client a sample needs, at least."""


class Supply:
    """The requests of *sample*, one after another; a turn waits for the answer before it."""

    def __init__(self, sample: Sample, priorities: list[int]) -> None:
        self.sample = sample
        self.priorities = priorities
        self._next = 0
        self._ready: deque[int] = deque()  # turns whose answer has come
        self._unsaid: dict[Hashable, deque[int]] = {}  # by conversation with an open turn

    @property
    def over(self) -> bool:
        """Whether every request has been looked at."""
        return self._next == len(self.sample)

    def take(self, at_s: float) -> Sequence | None:
        """The next request that may be sent, None if there is none now. Amortised O(1)."""
        if self._ready:
            return self._sequence(self._ready.popleft(), at_s)
        while not self.over:
            row, self._next = self._next, self._next + 1
            turn = self.sample.turn[row]
            if turn is None:
                return self._sequence(row, at_s)
            unsaid = self._unsaid.get(turn.conversation)
            if unsaid is None:
                self._unsaid[turn.conversation] = deque()
                return self._sequence(row, at_s)
            unsaid.append(row)
        return None

    def answered(self, sequence: Sequence) -> None:
        """The turn after *sequence* may be sent, if it is due."""
        if sequence.turn is None:
            return
        unsaid = self._unsaid[sequence.turn.conversation]
        if unsaid:
            self._ready.append(unsaid.popleft())
        else:
            del self._unsaid[sequence.turn.conversation]

    def _sequence(self, row: int, at_s: float) -> Sequence:
        sample = self.sample
        route = sample.route[row]
        return Sequence(
            route,
            sample.number[row],
            at_s,
            sample.input_tokens[row],
            sample.output_tokens[row],
            sample.prefix[row],
            self.priorities[route],
            0,
            sample.turn[row],
        )


def full_throughput(
    batcher: Batcher, sample: Sample, concurrency: int, priorities: list[int]
) -> float | None:
    """Tokens a second (input and output) of one replica that *concurrency* clients keep full.

    Counted from the second generation of answers on until the sample is used up. None if no
    request fits the KV cache. Requests that do not fit are left out.
    """
    return _Loop(batcher, sample.repeated(_enough(sample, concurrency)), priorities).run(
        concurrency
    )


def _enough(sample: Sample, concurrency: int) -> int:
    return max(len(sample), LEAST_GENERATIONS * concurrency)


class _Loop:
    """One run of the loop."""

    def __init__(self, batcher: Batcher, sample: Sample, priorities: list[int]) -> None:
        self.env = simpy.Environment()
        self.replica = Replica(self.env, 0, batcher, self._done)
        self.supply = Supply(sample, priorities)
        self.idle = 0  # clients without anything to send
        self.seen = 0
        self.begin = 0  # answers after which counting starts
        self.began_at_s = self.ended_at_s = 0.0
        self.tokens = 0

    def run(self, concurrency: int) -> float | None:
        self.begin = GENERATIONS * concurrency
        for _ in range(concurrency):
            self._send()
        self.env.run()
        counted_s = self.ended_at_s - self.began_at_s
        return self.tokens / counted_s if counted_s > 0.0 else None

    def _send(self, _: object = None) -> None:
        while (sequence := self.supply.take(self.env.now)) is not None:
            if self.replica.submit(sequence) is None:
                return
            self.supply.answered(sequence)
        self.idle += 1

    def _done(self, sequence: Sequence) -> None:
        at_s = sequence.finished_at_s or self.env.now
        self.supply.answered(sequence)
        self.seen += 1
        if self.seen <= self.begin:
            self.began_at_s = at_s
        elif not self.supply.over:  # so long as every client has something to send
            self.tokens += sequence.input_tokens + sequence.output_tokens
            self.ended_at_s = at_s
        waiting, self.idle = self.idle, 0
        for _ in range(1 + waiting):
            delay_s = at_s - self.env.now
            if delay_s > 0.0:
                self.env.timeout(delay_s).callbacks.append(self._send)
            else:
                self._send()
