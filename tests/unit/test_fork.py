"""A fork by itself (`sim.fleet.fork`), and what stands where there is no pool."""

from __future__ import annotations

from typing import Any

import pytest
import simpy

from sim.fleet.fork import Fork
from sim.fleet.no_pool import NoPool
from sim.serving.sequence import Outcome, Sequence


class Doorkeeper:
    """A door that only notes what comes."""

    def __init__(self, log: list[Any], name: str) -> None:
        self.log, self.name = log, name

    def arrive(self, sequence: Sequence) -> None:
        self.log.append(("arrive", self.name, sequence.number, sequence.leg))

    def ended(self, sequence: Sequence) -> None:
        self.log.append(("ended", self.name, sequence.number))

    def close(self) -> list[Sequence]:
        return []


class Forked:
    def __init__(self, *paths: tuple[str, ...]) -> None:
        self.env = simpy.Environment()
        self.log: list[Any] = []
        self.fork = Fork(self.env, ("a", "b", "c"), lambda s: paths[s.number], 100.0)
        self.fork.connect({name: Doorkeeper(self.log, name) for name in "abc"})  # type: ignore[misc]

    def come(self, number: int, at_s: float = 0.0) -> Sequence:
        sequence = Sequence(0, number, at_s, 10, 5)
        self.fork.arrive(sequence)
        return sequence


def completed(sequence: Sequence, at_s: float) -> Sequence:
    sequence.outcome, sequence.finished_at_s = Outcome.COMPLETED, at_s
    return sequence


def test_each_goes_its_way_in_and_out() -> None:
    of = Forked(("b",), ("a",))
    first, second = of.come(0), of.come(1)
    of.fork.ended(second)
    of.fork.ended(first)
    assert of.log == [
        ("arrive", "b", 0, 1),
        ("arrive", "a", 1, 0),
        ("ended", "a", 1),
        ("ended", "b", 0),
    ]
    assert of.fork.sent == {"a": 1, "b": 1, "c": 0}
    assert not of.fork.goes_on(completed(first, 0.0))
    assert not first.superseded


def test_an_answer_that_is_not_good_enough_goes_on_when_it_is_whole() -> None:
    of = Forked(("a", "c"))
    first = of.come(0)
    assert of.fork.goes_on(completed(first, 2.5))
    assert first.superseded
    assert [s.leg for s in of.fork.close()] == [2]  # still on its way, but sent
    of.env.run(until=2.0)
    assert len(of.log) == 1
    of.env.run(until=3.0)
    assert of.log[1:] == [("arrive", "c", 0, 2)]
    assert of.fork.close() == []


def test_what_goes_on_is_the_same_request() -> None:
    of = Forked(("a", "b"))
    first = completed(of.come(0, at_s=-4.0), 0.0)
    of.fork.goes_on(first)
    (again,) = of.fork.close()
    for name in ("route", "number", "arrived_at_s", "input_tokens", "output_tokens", "prefix"):
        assert getattr(again, name) == getattr(first, name)
    assert (again.attempt, again.superseded, again.leg) == (0, False, 1)


def test_only_the_window_s_requests_are_counted() -> None:
    of = Forked(("a",), ("a",), ("a",))
    for number, at_s in enumerate((-1.0, 0.0, 100.0)):
        of.come(number, at_s)
    assert of.fork.sent["a"] == 1


def test_no_pool_is_never_sent_anything() -> None:
    nobody = NoPool()
    nobody.on_missed()
    assert nobody.routed == 0
    with pytest.raises(AssertionError, match="no pool to go to"):
        nobody.submit(Sequence(0, 0, 0.0, 1, 1))
    with pytest.raises(AssertionError, match="never sent"):
        nobody.abort(Sequence(0, 0, 0.0, 1, 1), Outcome.TIMED_OUT)
