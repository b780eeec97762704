"""Clients: who sends requests. Open ones keep a timetable; closed ones wait for their answers."""

from __future__ import annotations

from collections.abc import Generator, Iterable
from typing import Protocol

import simpy
from simpy.events import Timeout

from sim.fleet.gateway import Gateway
from sim.serving.sequence import Prefix, Sequence


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

    def run(self) -> Generator[simpy.Event, None, None]:
        """Send them all; ends when the timetable does."""
        env, gateway, priorities = self.env, self.gateway, self.priorities
        submit = gateway.submit
        for batch in self.timetable:
            gateway.expect(batch.arrived_at_s, batch.route)
            for at_s, route, number, prompt, answer, prefix in zip(
                batch.arrived_at_s, batch.route, batch.number, batch.input_tokens,
                batch.output_tokens, batch.prefix, strict=True,
            ):  # fmt: skip
                delay_s = at_s - env.now
                if delay_s > 0.0:
                    yield Timeout(env, delay_s)
                submit[route](
                    Sequence(route, number, at_s, prompt, answer, prefix, priorities[route])
                )


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
        assert finished_at_s is not None
        # A rejected user without thinking time would ask for ever at one instant.
        pause_s = self.asker.think_time_s
        if sequence.first_token_at_s is None:
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
