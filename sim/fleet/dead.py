"""Dead: what stands in the router for a replica that has died unnoticed. In simulated time."""

from __future__ import annotations

from collections.abc import Callable

import simpy

from sim.serving.sequence import Outcome, Sequence, State


class DeadReplica:
    """Takes requests as a replica does, and answers none of them.

    They fail at once (connection refused), or if it *hangs* when the client gives up or the death
    is noticed. *on_done* gets them then.
    """

    batcher = None

    def __init__(
        self,
        env: simpy.Environment,
        index: int,
        on_done: Callable[[Sequence], None],
        *,
        hangs: bool,
    ) -> None:
        self.env = env
        self.index = index
        self.on_done = on_done
        self.hangs = hangs
        self.hung: dict[Sequence, None] = {}

    def submit(self, sequence: Sequence) -> None:
        """Take *sequence*, which will not be answered."""
        sequence.replica = self.index
        sequence.queued_at_s = self.env.now
        if self.hangs:
            self.hung[sequence] = None
        else:
            self._end(sequence, Outcome.FAILED)

    def abort(self, sequence: Sequence, outcome: Outcome = Outcome.CANCELLED) -> None:
        """The client of *sequence* has given up."""
        if self.hung.pop(sequence, sequence) is None:
            self._end(sequence, outcome)

    def give_up(self) -> None:
        """The death was noticed: connections are closed."""
        hung, self.hung = self.hung, {}
        for sequence in hung:
            self._end(sequence, Outcome.FAILED)

    def _end(self, sequence: Sequence, outcome: Outcome) -> None:
        sequence.outcome = outcome
        sequence.finished_at_s = self.env.now
        sequence.state = State.GONE
        self.on_done(sequence)
