"""When clients give up (`sim.fleet.deadlines`)."""

from __future__ import annotations

import random
from collections.abc import Callable

import simpy

from sim.fleet.deadlines import Deadlines
from sim.serving.sequence import Outcome, Sequence
from tests.unit.engines import ask


class Clock:
    """Deadlines, and (time, number) of those that passed."""

    def __init__(self, is_met: Callable[[Sequence], bool] = lambda sequence: False) -> None:
        self.env = simpy.Environment()
        self.late: list[tuple[float, int]] = []
        self.deadlines = Deadlines(self.env, self._expire, is_met)

    def _expire(self, sequence: Sequence) -> None:
        self.late.append((round(self.env.now, 9), sequence.number))

    def add(self, *times: float, first: int = 0) -> list[Sequence]:
        asks = [ask(n, 0.0, 4, 1) for n, _ in enumerate(times, first)]
        for sequence, at_s in zip(asks, times, strict=True):
            self.deadlines.add(at_s, sequence)
        return asks


def test_each_is_told_at_its_time_whatever_the_order_of_asking() -> None:
    of = Clock()
    of.add(5.0, 3.0, 9.0, 3.0)
    of.env.run()
    assert of.late == [(3.0, 1), (3.0, 3), (5.0, 0), (9.0, 2)]


def test_who_has_its_answer_is_not_told() -> None:
    of = Clock()
    asks = of.add(5.0, 6.0, 7.0)
    asks[1].outcome = Outcome.COMPLETED
    asks[2].left = True
    of.env.run()
    assert of.late == [(5.0, 0)]


def test_what_was_waited_for_may_have_come() -> None:
    of = Clock(lambda sequence: sequence.first_token_at_s is not None)
    asks = of.add(5.0, 6.0)
    asks[0].first_token_at_s = 4.0
    of.env.run()
    assert of.late == [(6.0, 1)]


def test_what_is_added_later_may_come_first() -> None:
    of = Clock()
    of.add(10.0)
    of.env.run(until=2.0)
    of.add(4.0, 12.0, first=1)
    of.env.run(until=5.0)
    of.add(8.0, first=3)
    of.env.run()
    assert of.late == [(4.0, 1), (8.0, 3), (10.0, 0), (12.0, 2)]


def test_a_deadline_of_now_comes_before_time_goes_on() -> None:
    of = Clock()
    of.env.run(until=3.0)
    of.add(3.0)
    of.env.run()
    assert of.late == [(3.0, 0)]


def test_one_that_expires_may_bring_another_deadline() -> None:
    of = Clock()
    expire = of._expire

    def again(sequence: Sequence) -> None:
        expire(sequence)
        if sequence.number < 3:
            of.deadlines.add(of.env.now + 1.0, ask(sequence.number + 1, 0.0, 4, 1))

    of.deadlines.expire = again
    of.add(5.0)
    of.env.run()
    assert of.late == [(5.0, 0), (6.0, 1), (7.0, 2), (8.0, 3)]


def test_answers_in_time_cost_hardly_an_event() -> None:
    """A thousand deadlines a minute on, all answered after a second: one alarm a minute."""
    of = Clock()
    for n in range(1000):
        (sequence,) = of.add(of.env.now + 60.0, first=n)
        of.env.run(until=of.env.now + 1.0)
        sequence.outcome = Outcome.COMPLETED
    assert of.late == []
    steps = 0
    while of.env._queue:
        of.env.step()
        steps += 1
    assert steps <= 2


def test_random_deadlines_against_a_plain_list() -> None:
    draw = random.Random(3)
    for _ in range(50):
        of = Clock()
        times = [draw.choice((1.0, 2.0, 2.5, draw.uniform(0.0, 9.0))) for _ in range(40)]
        asks = of.add(*times)
        for sequence in draw.sample(asks, 15):
            sequence.outcome = Outcome.FAILED
        expected = sorted(
            (round(at_s, 9), s.number)
            for at_s, s in zip(times, asks, strict=True)
            if s.outcome is Outcome.IN_FLIGHT
        )
        of.env.run()
        assert of.late == expected
