"""Clients: who sends requests. Open ones keep a timetable; closed ones wait for their answers.

A turn of a conversation keeps the timetable too, but never comes before the answer before it.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Generator, Hashable, Iterable
from typing import Protocol

import simpy
from simpy.events import Timeout

from sim.fleet.gateway import Gateway
from sim.serving.sequence import Prefix, Sequence
from sim.serving.turn import Turn


class Timetable(Protocol):
    """Time-ordered requests of all open routes, as equally long columns."""

    @property
    def arrived_at_s(self) -> list[float]:
        """When each comes."""
        ...

    @property
    def route(self) -> list[int]:
        """Index of its route."""
        ...

    @property
    def number(self) -> list[int]:
        """Its number within the route."""
        ...

    @property
    def input_tokens(self) -> list[int]:
        """Prompt tokens, shared ones included."""
        ...

    @property
    def output_tokens(self) -> list[int]:
        """Answer tokens."""
        ...

    @property
    def prefix(self) -> list[Prefix | None]:
        """Shared content at the prompt's head."""
        ...

    @property
    def turn(self) -> list[Turn | None]:
        """Its place in a conversation."""
        ...


class Asker(Protocol):
    """A closed-loop route: so many users, each asking again after its answer."""

    route: int
    concurrency: int
    think_time_s: float
    prefix: Prefix | None

    def next_request(self) -> tuple[int, int]:
        """(input, output) tokens of the route's next request."""
        ...


class OpenClients:
    """Those who send every request at its time, whatever became of the ones before it."""

    def __init__(
        self,
        env: simpy.Environment,
        gateway: Gateway,
        timetable: Iterable[Timetable],
        priorities: list[int],
    ) -> None:
        self.env = env
        self.gateway = gateway
        self.timetable = timetable
        self.priorities = priorities
        self.talks = Talks(env, gateway)

    def run(self) -> Generator[simpy.Event, None, None]:
        """Send them all; ends when the timetable does."""
        env, gateway, priorities = self.env, self.gateway, self.priorities
        submit = gateway.submit
        for batch in self.timetable:
            gateway.expect(batch.arrived_at_s, batch.route)
            for at_s, route, number, prompt, answer, prefix, turn in zip(
                batch.arrived_at_s, batch.route, batch.number, batch.input_tokens,
                batch.output_tokens, batch.prefix, batch.turn, strict=True,
            ):  # fmt: skip
                delay_s = at_s - env.now
                if delay_s > 0.0:
                    yield Timeout(env, delay_s)
                sequence = Sequence(
                    route, number, at_s, prompt, answer, prefix, priorities[route], 0, turn
                )
                if turn is None:
                    submit[route](sequence)
                else:
                    self.talks.say(sequence, turn)


class Talks:
    """The conversations that are under way: one turn of each at a time."""

    def __init__(self, env: simpy.Environment, gateway: Gateway) -> None:
        self.env = env
        self.gateway = gateway
        self._unsaid: dict[Hashable, deque[Sequence]] = {}  # by conversation with an open turn

    def say(self, sequence: Sequence, turn: Turn) -> None:
        """Send *sequence*, or keep it until the turn before it is answered. O(1)."""
        unsaid = self._unsaid.get(turn.conversation)
        if unsaid is not None:
            unsaid.append(sequence)
            return
        self._unsaid[turn.conversation] = deque()
        self.gateway.listeners.setdefault(sequence.route, self._answered)
        self.gateway.submit[sequence.route](sequence)

    def _answered(self, sequence: Sequence) -> None:
        turn = sequence.turn
        assert turn is not None
        unsaid = self._unsaid[turn.conversation]
        if not unsaid:
            del self._unsaid[turn.conversation]
            return
        delay_s = max(0.0, (sequence.finished_at_s or 0.0) - self.env.now)
        Timeout(self.env, delay_s).callbacks.append(lambda _: self._say_late(unsaid))

    def _say_late(self, unsaid: deque[Sequence]) -> None:
        sequence = unsaid.popleft()
        self._postpone(sequence, self.env.now)
        self.gateway.submit[sequence.route](sequence)

    def close(self) -> None:
        """The run is over: what is still unsaid never comes."""
        for unsaid in self._unsaid.values():
            for sequence in unsaid:
                self._postpone(sequence, math.inf)

    def _postpone(self, sequence: Sequence, until_s: float) -> None:
        planned_s = sequence.arrived_at_s
        sequence.arrived_at_s = sequence.queued_at_s = until_s
        self.gateway.postponed(sequence, planned_s)


class ClosedClients:
    """The users of one closed-loop route."""

    def __init__(
        self, env: simpy.Environment, gateway: Gateway, asker: Asker, priority: int
    ) -> None:
        self.env = env
        self.gateway = gateway
        self.asker = asker
        self.priority = priority
        self._number = 0
        gateway.listeners[asker.route] = self._answered

    def start(self) -> None:
        """All users ask at once, now."""
        for _ in range(self.asker.concurrency):
            self._ask_in(0.0)

    def _answered(self, sequence: Sequence) -> None:
        finished_at_s = sequence.finished_at_s
        if finished_at_s is None:  # its client has gone, it is still being computed
            finished_at_s = self.env.now
        # Without thinking time, a user whom it took no time to turn away or to answer would ask
        # for ever at one instant.
        pause_s = self.asker.think_time_s
        if sequence.first_token_at_s is None or finished_at_s <= sequence.arrived_at_s:
            pause_s = max(pause_s, 1.0)
        self._ask_in(max(0.0, finished_at_s + pause_s - self.env.now))

    def _ask_in(self, delay_s: float) -> None:
        Timeout(self.env, delay_s).callbacks.append(self._ask)

    def _ask(self, _: simpy.Event) -> None:
        prompt, answer = self.asker.next_request()
        number, self._number = self._number, self._number + 1
        sequence = Sequence(
            self.asker.route, number, self.env.now, prompt, answer, self.asker.prefix, self.priority
        )
        route = self.asker.route
        self.gateway.expect([self.env.now], [route])
        self.gateway.submit[route](sequence)
