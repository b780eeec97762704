"""Fork: where a route divides over pools, or goes on from one to the next. In simulated time."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import simpy
from simpy.events import Timeout

from sim.fleet.door import Door
from sim.serving.sequence import Sequence


class Fork:
    """A route's way in and out over several pools, each behind a door of its own.

    *visits* says which of *pools* a request comes to, in order. One that is answered by all but
    the last of them is not answered well enough, as is known when the answer is whole: it goes on
    to the next, its clock still running from its arrival. One that is lost anywhere is lost.
    """

    def __init__(
        self,
        env: simpy.Environment,
        pools: tuple[str, ...],
        visits: Callable[[Sequence], tuple[str, ...]],
        horizon_s: float,
    ) -> None:
        self.env = env
        self.pools = pools
        self.visits = visits
        self.horizon_s = horizon_s
        self.doors: list[Door] = []  # by leg
        self.sent = dict.fromkeys(pools, 0)  # requests of the window that came to each
        self._legs = {pool: leg for leg, pool in enumerate(pools)}
        self._between: dict[Sequence, None] = {}  # on their way to the next pool

    def connect(self, doors: Mapping[str, Door]) -> None:
        """Put a door before every pool."""
        self.doors = [doors[pool] for pool in self.pools]

    def arrive(self, sequence: Sequence) -> None:
        """A request has come."""
        self._enter(sequence, self._legs[self.visits(sequence)[0]])

    def _enter(self, sequence: Sequence, leg: int) -> None:
        sequence.leg = leg
        if 0.0 <= sequence.arrived_at_s < self.horizon_s:
            self.sent[self.pools[leg]] += 1
        self.doors[leg].arrive(sequence)

    def ended(self, sequence: Sequence) -> None:
        """An attempt has ended: completed, rejected or lost."""
        self.doors[sequence.leg].ended(sequence)

    def goes_on(self, sequence: Sequence) -> bool:
        """Whether *sequence*, which is completed, was not good enough: another pool is asked."""
        path = self.visits(sequence)
        place = path.index(self.pools[sequence.leg]) + 1
        if place == len(path):
            return False
        sequence.superseded = True
        again = Sequence(
            sequence.route,
            sequence.number,
            sequence.arrived_at_s,
            sequence.input_tokens,
            sequence.output_tokens,
            sequence.prefix,
            sequence.priority,
            0,
            sequence.turn,
            self._legs[path[place]],
        )
        self._between[again] = None
        delay_s = max(0.0, (sequence.finished_at_s or 0.0) - self.env.now)
        Timeout(self.env, delay_s).callbacks.append(lambda _: self._go_on(again))
        return True

    def _go_on(self, sequence: Sequence) -> None:
        del self._between[sequence]
        self._enter(sequence, sequence.leg)

    def close(self) -> list[Sequence]:
        """The run is over: return the attempts that were still to be made.

        Those on their way count as sent to the pool that they were on their way to.
        """
        for sequence in self._between:
            if 0.0 <= sequence.arrived_at_s < self.horizon_s:
                self.sent[self.pools[sequence.leg]] += 1
        return [*self._between, *(s for door in self.doors for s in door.close())]
