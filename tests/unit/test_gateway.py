import math

import pytest
import simpy

from sim.fleet.gateway import Gateway
from sim.fleet.pool import Pool
from sim.fleet.router import RoundRobin
from sim.serving.sequence import Outcome, Sequence
from sim.serving.waiting import Queue
from tests.unit.engines import ask, batcher

HORIZON_S = 10.0


class Door:
    """Two routes, each on a pool of one replica with steps of 1 s; the window is [0, 10)."""

    def __init__(self) -> None:
        self.env = simpy.Environment(initial_time=-5.0)
        self.recorded: list[Sequence] = []
        self.pools = []
        for first in (0, 1):
            queue = Queue()
            engine = batcher(blocks=8, queue=queue)
            name = f"p{first}"
            pool = Pool(self.env, name, [engine], RoundRobin(1), queue=queue, first_index=first)
            self.pools.append(pool)
        self.gateway = Gateway(self.env, self.pools, HORIZON_S, self.recorded.append)
        for pool in self.pools:
            pool.on_done = self.gateway.done

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
