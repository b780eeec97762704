import math
from collections.abc import Callable
from typing import Any

import pytest
import simpy

from sim.fleet.gateway import Gateway
from sim.serving.replica import Replica
from sim.serving.sequence import Outcome, Sequence
from tests.unit.engines import ask, batcher

HORIZON_S = 10.0


class Door:
    """Two routes, each on an engine of its own with steps of 1 s; the window is [0, 10)."""

    def __init__(self) -> None:
        self.env = simpy.Environment(initial_time=-5.0)
        self.recorded: list[Sequence] = []
        self.engines = [Replica(self.env, n, batcher(blocks=8), self.done) for n in (0, 1)]
        submit = [self.to(engine) for engine in self.engines]
        self.gateway = Gateway(self.env, submit, HORIZON_S, self.recorded.append)

    def done(self, sequence: Sequence) -> None:
        self.gateway.done(sequence)

    def to(self, engine: Replica) -> Callable[[Sequence], None]:
        """Submit to *engine*, or reject at once."""

        def submit(sequence: Sequence) -> None:
            if engine.submit(sequence) is not None:
                sequence.outcome, sequence.finished_at_s = Outcome.REJECTED, self.env.now
                self.done(sequence)

        return submit

    def arrive(self, *asks: Sequence) -> None:
        """All are expected at once, and each comes at its time."""
        self.gateway.expect([s.arrived_at_s for s in asks], [s.route for s in asks])
        for sequence in asks:
            self.env.run(until=self.env.timeout(sequence.arrived_at_s - self.env.now))
            self.gateway.submit[sequence.route](sequence)

    def numbers(self) -> list[int]:
        return [s.number for s in self.recorded]


@pytest.fixture
def door() -> Door:
    return Door()


class Porter:
    """A door that sends every request on twice, and settles the second."""

    def __init__(self, door: Door) -> None:
        self.door = door
        self.seen: list[int] = []

    def arrive(self, sequence: Sequence) -> None:
        self.seen.append(sequence.number)
        self.door.engines[0].submit(sequence)

    def ended(self, sequence: Sequence) -> None:
        self.door.gateway.record(sequence)
        if sequence.attempt:
            self.door.gateway.settle(sequence)
        else:
            again = ask(sequence.number, sequence.arrived_at_s, 4, 1)
            again.attempt = 1
            self.door.engines[0].submit(again)


def test_requests_pass_the_door_of_their_route_both_ways(door: Door) -> None:
    porter: Any = Porter(door)
    door.gateway.install(0, porter)
    heard: list[tuple[float, int]] = []
    door.gateway.listeners[0] = lambda s: heard.append((round(door.env.now, 3), s.attempt))
    door.arrive(ask(0, 0.0, 4, 2), ask(1, 0.0, 4, 2, route=1))
    door.env.run()
    assert porter.seen == [0]
    assert [(s.number, s.attempt) for s in door.recorded] == [(0, 0), (1, 0), (0, 1)]
    assert heard == [(3.0, 1)]
    assert door.gateway.doors == [porter, None]


def test_a_request_is_open_until_it_is_settled(door: Door) -> None:
    """Whatever became of its attempts."""
    porter: Any = Porter(door)
    door.gateway.install(0, porter)
    door.arrive(ask(0, 9.0, 4, 3))
    assert drained_at(door) == 13.0
    assert door.gateway.open == 0


def test_a_route_s_requests_go_to_its_pool(door: Door) -> None:
    door.arrive(ask(0, 0.0, 4, 1, route=1), ask(1, 0.0, 4, 1, route=0))
    door.env.run()
    assert {s.route: s.replica for s in door.recorded} == {0: 0, 1: 1}


def test_every_attempt_is_recorded_once_rejections_too(door: Door) -> None:
    door.arrive(ask(0, -4.0, 4, 3), ask(1, 0.0, 99, 1), ask(2, 0.5, 4, 1))
    door.env.run()
    assert [(s.number, s.outcome) for s in door.recorded] == [
        (0, Outcome.COMPLETED), (1, Outcome.REJECTED), (2, Outcome.COMPLETED),
    ]  # fmt: skip


def test_arrivals_of_the_window_are_counted_by_route(door: Door) -> None:
    """At its start and before its end, rejected or not; not in the warm-up, not at its end."""
    times = (-0.001, 0.0, 1.0, 9.999, 10.0)
    door.arrive(*(ask(n, at_s, 4, 1) for n, at_s in enumerate(times)))
    door.arrive(ask(9, 10.5, 4, 1, route=1))
    assert door.gateway.arrived == [3, 0]


def drained_at(door: Door) -> float:
    env = door.env
    env.process(at_horizon(door))
    env.run(until=door.gateway.drained)
    return round(env.now, 5)


def at_horizon(door: Door):
    yield door.env.timeout(HORIZON_S - door.env.now)
    door.gateway.check_drained()


def test_drained_at_the_horizon_if_nothing_is_open(door: Door) -> None:
    door.arrive(ask(0, -1.0, 4, 12), ask(1, 2.0, 4, 3))  # the first is of the warm-up
    assert drained_at(door) == HORIZON_S
    assert door.numbers() == [1]


def test_drained_when_the_last_request_of_the_window_has_ended(door: Door) -> None:
    door.arrive(ask(0, 9.0, 4, 3), ask(1, 9.0, 4, 6, route=1))
    assert door.gateway.open == 2
    assert drained_at(door) == 15.0
    assert door.gateway.open == 0


def test_later_requests_are_not_waited_for(door: Door) -> None:
    door.arrive(ask(0, 9.0, 4, 3), ask(1, 10.0, 4, 9, route=1))
    assert drained_at(door) == 12.0
    assert door.numbers() == [0]


def test_the_first_and_the_last_instant_of_the_window(door: Door) -> None:
    """Who comes at 0 s is of the window; who comes at its end, and goes sooner, is not."""
    door.arrive(ask(0, 0.0, 4, 13), ask(1, 10.0, 4, 1, route=1))
    assert door.gateway.open == 1
    assert drained_at(door) == 13.0
    assert door.numbers() == [1, 0]


def test_not_drained_before_the_horizon(door: Door) -> None:
    door.arrive(ask(0, 1.0, 4, 1))
    door.env.run(until=9.5)
    assert door.numbers() == [0]
    assert not door.gateway.drained.triggered


def test_a_listener_hears_of_its_route_alone(door: Door) -> None:
    heard: list[int] = []
    door.gateway.listeners[1] = lambda s: heard.append(s.number)
    door.arrive(ask(0, 0.0, 4, 1), ask(1, 0.0, 4, 1, route=1), ask(2, 0.0, 99, 1, route=1))
    door.env.run()
    assert heard == [2, 1]


@pytest.mark.parametrize(
    ("planned_s", "comes_s", "arrived"),
    [(2.0, 5.0, 1), (9.0, 11.0, 0), (-1.0, 1.0, 1), (-3.0, -1.0, 0), (2.0, math.inf, 0)],
)
def test_a_postponed_request_counts_where_it_comes(
    door: Door, planned_s: float, comes_s: float, arrived: int
) -> None:
    """The window is [0, 10)."""
    late = ask(0, comes_s, 4, 1)
    door.gateway.expect([planned_s], [0])
    door.gateway.postponed(late, planned_s)
    assert door.gateway.arrived == [arrived, 0]
    assert door.gateway.open == arrived


def test_nothing_is_waited_for_that_was_postponed_beyond_the_window(door: Door) -> None:
    door.gateway.expect([9.0], [0])
    door.env.run(until=12.0)
    door.gateway.postponed(ask(0, 12.0, 4, 1), 9.0)
    assert door.gateway.drained.triggered
