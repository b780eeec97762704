"""What stands in for a replica that has died unnoticed (`sim.fleet.dead`)."""

from __future__ import annotations

import pytest
import simpy

from sim.fleet.dead import DeadReplica
from sim.serving.sequence import Outcome, Sequence, State
from tests.unit.engines import ask


class Grave:
    def __init__(self, *, hangs: bool) -> None:
        self.env = simpy.Environment(initial_time=5.0)
        self.done: list[Sequence] = []
        self.dead = DeadReplica(self.env, 3, self.done.append, hangs=hangs)


def test_who_is_refused_a_connection_fails_at_once() -> None:
    of, one = Grave(hangs=False), ask(0, 4.0, 4, 1)
    assert of.dead.submit(one) is None
    assert of.done == [one]
    assert (one.outcome, one.finished_at_s, one.queued_at_s) == (Outcome.FAILED, 5.0, 5.0)
    assert (one.replica, one.state, one.charged_s) == (3, State.GONE, 0.0)


def test_who_hangs_fails_when_the_death_is_noticed() -> None:
    of, asks = Grave(hangs=True), [ask(n, 5.0, 4, 1) for n in range(2)]
    for one in asks:
        of.dead.submit(one)
    assert (of.done, list(of.dead.hung)) == ([], asks)
    of.env.run(until=9.0)
    of.dead.give_up()
    assert of.done == asks
    assert [one.finished_at_s for one in asks] == [9.0, 9.0]
    of.dead.give_up()
    assert of.done == asks  # once


def test_who_hangs_may_give_up_before() -> None:
    of, one = Grave(hangs=True), ask(0, 5.0, 4, 1)
    of.dead.submit(one)
    of.env.run(until=7.0)
    of.dead.abort(one, Outcome.TIMED_OUT)
    assert (of.done, one.outcome, one.finished_at_s) == ([one], Outcome.TIMED_OUT, 7.0)
    of.dead.give_up()
    assert of.done == [one]


@pytest.mark.parametrize("hangs", [True, False])
def test_who_is_not_there_cannot_leave(hangs: bool) -> None:
    of = Grave(hangs=hangs)
    of.dead.abort(ask(0, 5.0, 4, 1))
    assert of.done == []
