"""Which replicas are stopped before others (`sim.fleet.leaving`)."""

from __future__ import annotations

from sim.fleet.leaving import least_missed
from tests.unit.engines import ask
from tests.unit.fleets import Fleet


def order(of: Fleet) -> list[int]:
    return [seat.index for seat in least_missed(of.keeper.seats)]


def test_all_come_once_the_newest_first() -> None:
    assert order(Fleet(4)) == [3, 2, 1, 0]


def test_zones_are_emptied_in_turn() -> None:
    of = Fleet(4, node={"zones": ("a", "b")})
    assert [of.seat(n).node.zone for n in order(of)] == ["b", "a", "b", "a"]


def test_who_has_less_to_do_goes_before_the_newer() -> None:
    of = Fleet(3)
    of.send(ask(0, 0.0, 4, 99), ask(1, 0.0, 4, 99), ask(2, 0.0, 4, 99), ask(3, 0.0, 4, 99))
    assert order(of) == [2, 1, 0]  # the fourth request went to the first


def test_the_emptier_node_goes_first() -> None:
    assert order(Fleet(3, node={"slots": 2})) == [2, 1, 0]


def test_one_not_ready_goes_before_all_and_one_that_died_unnoticed_in_its_turn() -> None:
    of = Fleet(2, keep={"load": 10.0})
    of.keeper.fail(of.seat(0))
    of.keeper.want(3, "more")
    of.until(1.0)
    assert order(of) == [2, 1, 0]
    of.pool.unroute(of.seat(0))
    assert order(of) == [2, 0, 1]
