"""Occupancy: how much of a pool's paid time was what. In simulated time."""

from __future__ import annotations

from collections.abc import Callable

import simpy

from sim.fleet.seat import PAID, Seat, State
from sim.ledger.level import Level
from sim.ledger.usage import START_CAUSES
from sim.serving.levels import busy_until_s, used_block_s_until

OPEN = (State.READY, State.DRAINING)
"""States in which steps may run; those of a crash are booked before it."""


class Occupancy:
    """Replicas by state, GPUs without a replica, nodes by term, and the busy part of each state.

    Levels are kept as step functions, so any window can be read afterwards; busy seconds and KV
    blocks come from the engines and are read as they are now. `starting` divides the starting
    replicas by why they are started; `starts` and `deaths` are when each began and failed.
    `on_move` is told of every change.
    """

    def __init__(self, env: simpy.Environment) -> None:
        self.env = env
        self.seats: dict[int, Seat] = {}  # by index; those that are gone are not here
        self.levels = {state: Level() for state in PAID}
        self.starting = {cause: Level() for cause in START_CAUSES}
        self.starts: dict[str, list[float]] = {cause: [] for cause in START_CAUSES}
        self.deaths: list[float] = []
        self.on_move: Callable[[], None] = lambda: None
        self._started_for: dict[int, str] = {}  # by index of those that are starting
        self.blocks = Level()  # KV blocks of the replicas that are ready or draining
        self._busy_s = dict.fromkeys(OPEN, 0.0)  # of spells that have ended
        self._block_s = 0.0  # integral of blocks in use by replicas that are gone

    def move(self, seat: Seat, state: State) -> None:
        """*seat* is in *state* from now on; every process that waits for it is void."""
        now_s, before = self.env.now, seat.state
        if before in OPEN:
            self._busy_s[before] += self._spell_s(seat)
        if before in PAID:
            self.levels[before].change(now_s, -1.0)
        if state in PAID:
            self.levels[state].change(now_s, 1.0)
        self._note_cause(seat, before, state)
        opened = (state in OPEN) - (before in OPEN)
        if opened:
            self.blocks.change(now_s, opened * float(seat.replica.batcher.cache.blocks))
        seat.busy_mark_s = busy_until_s(seat.replica.batcher, now_s)
        seat.state = state
        seat.life += 1
        if state is State.GONE:
            self._block_s += used_block_s_until(seat.replica.batcher, now_s)
            del self.seats[seat.index]
        else:
            self.seats[seat.index] = seat
        self.on_move()

    def _note_cause(self, seat: Seat, before: State, state: State) -> None:
        now_s = self.env.now
        if before is State.STARTING:
            self.starting[self._started_for.pop(seat.index)].change(now_s, -1.0)
        if state is State.STARTING:
            self._started_for[seat.index] = seat.cause
            self.starting[seat.cause].change(now_s, 1.0)
            self.starts[seat.cause].append(now_s)
        if state is State.FAILED:
            self.deaths.append(now_s)

    def count(self, state: State) -> int:
        """Replicas in *state* now. O(replicas)."""
        return sum(seat.state is state for seat in self.seats.values())

    def busy_s(self, state: State) -> float:
        """Replica-seconds in *state* with a step running, up to now."""
        spells_s = [self._spell_s(seat) for seat in self.seats.values() if seat.state is state]
        return self._busy_s[state] + sum(spells_s)

    def used_block_s(self) -> float:
        """Integral of KV blocks in use, up to now."""
        now_s = self.env.now
        held = (used_block_s_until(s.replica.batcher, now_s) for s in self.seats.values())
        return self._block_s + sum(held)

    def _spell_s(self, seat: Seat) -> float:
        return busy_until_s(seat.replica.batcher, self.env.now) - seat.busy_mark_s
