"""Why replicas are held and started, counted on made-up pools (`sim.fleet.standing`)."""

from __future__ import annotations

from typing import Any

import pytest

from sim.fleet.standing import Standing
from sim.ledger.level import Level
from tests.unit.fleets import Fleet


class Stood(Fleet):
    """A fleet whose keeper is watched from before its first replica on."""

    def __init__(self, least: int = 0, **keep: Any) -> None:
        super().__init__(0, keep=keep)
        self.standing = Standing(self.keeper, least)


def s(level: Level, to_s: float = 100.0) -> float:
    return round(level.integral(0.0, to_s), 3)


def test_nothing_is_held_for_nothing() -> None:
    of = Stood()
    of.keeper.begin(2)
    of.until(100.0)
    standing = of.standing
    for level in (standing.surge, standing.spare, standing.floor, standing.warm):
        assert s(level) == 0.0


def test_spares_count_while_they_are_ready() -> None:
    of = Stood(total=lambda n: n + 1)
    of.keeper.begin(2)
    of.until(100.0)
    assert s(of.standing.spare) == 100.0


def test_the_floor_counts_while_it_binds() -> None:
    of = Stood(least=1)
    of.keeper.begin(1)
    of.until(40.0)
    of.keeper.want(2, "load")
    of.until(70.0)
    of.keeper.want(1, "none")
    of.until(100.0)
    assert (s(of.standing.floor), s(of.standing.floor_ready)) == (70.0, 70.0)


def test_a_rollout_is_a_surge_while_it_lasts() -> None:
    """One of two replicas after the other is started anew, 10 s each."""
    of = Stood(load=10.0)
    of.keeper.begin(2)
    of.until(20.0)
    of.keeper.roll("new")
    of.until(100.0)
    assert s(of.standing.surge) == 20.0
    assert s(of.occupancy.starting["rollout"]) == 20.0
    assert len(of.occupancy.starts["rollout"]) == 2


def test_warm_nodes_are_counted() -> None:
    of = Stood(warm_nodes=1)
    of.keeper.begin(1)
    of.until(100.0)
    assert s(of.standing.warm) == 100.0


def test_starts_know_their_cause() -> None:
    of = Stood(load=5.0)
    of.keeper.begin(1)
    of.until(10.0)
    of.keeper.want(2, "load")
    of.until(30.0)
    of.keeper.fail(of.keeper.seats[0])
    of.until(40.0)
    of.keeper.restart(of.keeper.seats[0])
    of.until(100.0)
    starting = {cause: s(level) for cause, level in of.occupancy.starting.items()}
    assert starting == {"start": 0.0, "scale": 5.0, "rollout": 0.0, "replacement": 5.0}
    assert of.occupancy.deaths == pytest.approx([30.0], abs=1e-3)
