"""Batch work that waits while the fleet is busy (`sim.fleet.deferral`).

Two replicas with four slots each; room while less than half of the slots are taken.
"""

from __future__ import annotations

import math
from typing import Any

import pytest

from sim.fleet.deferral import LOOK_EVERY_S, Deferral
from sim.serving.sequence import Sequence
from tests.unit.engines import ask
from tests.unit.fleets import Fleet


class Door:
    def __init__(self, replicas: int = 2, deadline_s: float = math.inf, **engine: Any) -> None:
        self.of = Fleet(replicas, engine={"slots": 4, **engine})
        self.deferral = Deferral(self.of.env, self.of.pool, 0.5, deadline_s)
        self.sent: list[tuple[float, int]] = []

    def send(self, sequence: Sequence) -> None:
        self.sent.append((round(self.of.env.now, 3), sequence.number))
        self.of.pool.submit(sequence)

    def offer(self, *asks: Sequence) -> list[bool]:
        deferred = []
        for sequence in asks:
            self.of.until(sequence.arrived_at_s)
            deferred.append(self.deferral.defers(sequence, self.send))
            if not deferred[-1]:
                self.send(sequence)
        return deferred


def batch(number: int, at_s: float = 0.0, answer: int = 100) -> Sequence:
    return ask(number, at_s, 4, answer)


def test_it_goes_in_while_there_is_room() -> None:
    """Four of eight slots may be taken."""
    at = Door()
    assert at.offer(*(batch(n) for n in range(6))) == [False] * 4 + [True] * 2


def test_the_rest_goes_in_when_there_is_room_again() -> None:
    """Two answers are done at 7 s: at the look at 10 s two go in, in their order."""
    at = Door()
    at.offer(batch(0, answer=7), batch(1, answer=7), batch(2), batch(3))
    at.offer(batch(4), batch(5), batch(6))
    at.of.until(20.0)
    assert at.sent[4:] == [(2 * LOOK_EVERY_S, 4), (2 * LOOK_EVERY_S, 5)]
    assert [s.number for s in at.deferral.close()] == [6]


def test_nobody_overtakes_those_who_wait() -> None:
    at = Door()
    at.offer(batch(0, answer=3), *(batch(n) for n in range(1, 5)))
    assert at.offer(batch(5, 4.0)) == [True]  # there is room for one by now


def test_at_its_deadline_it_goes_in_however_busy_the_fleet_is() -> None:
    """After 12 s: at the look at 15 s."""
    at = Door(deadline_s=12.0)
    at.offer(*(batch(n) for n in range(6)))
    at.of.until(14.0)
    assert len(at.sent) == 4
    at.of.until(16.0)
    assert at.sent[4:] == [(15.0, 4), (15.0, 5)]
    assert at.deferral.close() == []


def test_who_waits_in_the_pool_takes_room_too() -> None:
    at = Door(replicas=1)
    at.offer(batch(0))
    at.of.send(*(batch(n) for n in range(10, 16)))
    assert at.offer(batch(1)) == [True]


def test_blocks_count_as_slots_do() -> None:
    """One of four slots is taken, but five of ten blocks."""
    at = Door(replicas=1, blocks=10)
    at.of.send(ask(9, 0.0, 20, 10))
    at.of.until(1.0)
    assert at.of.pool.kv_used_share() == pytest.approx(0.5)
    assert at.offer(batch(0, 1.0)) == [True]


def test_there_is_no_room_without_a_replica() -> None:
    at = Door(replicas=0)
    assert at.offer(batch(0)) == [True]
    at.of.until(60.0)
    assert at.sent == []


def test_it_looks_no_longer_than_somebody_waits() -> None:
    at = Door()
    at.offer(*(batch(n, answer=3) for n in range(5)))
    at.of.until(30.0)
    assert len(at.sent) == 5
    assert len(at.of.env._queue) <= 1
    assert at.offer(*(batch(n, 40.0) for n in range(6, 11))) == [False] * 4 + [True]
    at.of.until(200.0)
    assert len(at.sent) == 10
