"""What makes a pool's replicas what is wanted (`sim.fleet.keeper`).

A node takes a minute to come and half of one to pull, a replica 20 s to load and 10 s to start,
unless changed. Steps last 1 s, one slot.
"""

from __future__ import annotations

from typing import Any

import pytest

from sim.fleet.keeper import REPLACEMENT
from sim.fleet.node import Phase
from sim.serving.sequence import Outcome
from tests.unit.engines import ask
from tests.unit.fleets import DRAINING, FAILED, READY, STARTING, Fleet, near

NODE = {"provision": 60.0, "pull": 30.0}
START = {"load": 20.0, "init": 10.0}


def fleet(wanted: int = 1, **changes: Any) -> Fleet:
    node = {**NODE, **changes.pop("node", {})}
    keep = {**START, **changes.pop("keep", {})}
    return Fleet(wanted, node=node, keep=keep, **changes)


def busy(of: Fleet, number: int, answer: int = 999) -> None:
    """So many long answers are under way, one on each replica."""
    of.send(*(ask(n, of.env.now, 4, answer) for n in range(number)))


# -- the beginning --------------------------------------------------------------------------------


def test_those_wanted_at_first_are_ready_at_once() -> None:
    of = fleet(3)
    assert of.states() == {0: READY, 1: READY, 2: READY}
    assert of.phases() == {0: "up", 1: "up", 2: "up"}
    assert [lease.cause for lease in of.provider.leases] == ["start"] * 3
    assert of.keeper.events == []


def test_nodes_are_filled_before_another_is_taken() -> None:
    of = fleet(3, node={"slots": 2, "spare_gpus": 1, "gpus_per_replica": 3})
    assert [len(node.seats) for node in of.nodes()] == [2, 1]
    assert of.keeper.unplaced_gpus.now == 2 * 1 + 3


def test_spare_ones_are_there_too_but_not_for_a_pool_that_is_asleep() -> None:
    total = {"total": lambda wanted: wanted + 2}
    assert len(fleet(3, keep=total).states()) == 5
    assert len(fleet(0, keep=total).states()) == 0


def test_warm_nodes_are_up_from_the_beginning_and_paid() -> None:
    of = fleet(1, keep={"warm_nodes": 2})
    assert of.phases() == {0: "up", 1: "up", 2: "up"}
    assert [lease.cause for lease in of.provider.leases] == ["start", "warm", "warm"]
    assert of.keeper.unplaced_gpus.now == 2


# -- starting -------------------------------------------------------------------------------------


def test_a_new_replica_takes_its_phases_and_is_paid_from_the_order_on() -> None:
    of = fleet()
    of.until(10.0)
    of.keeper.want(2, "more")
    assert of.states() == {0: READY, 1: "ordered"}
    of.until(10.0)
    assert of.states() == {0: READY, 1: STARTING}
    of.until(129.9)
    assert of.states()[1] == STARTING
    of.until(130.0)
    assert of.states() == {0: READY, 1: READY}
    assert of.spent_s(200.0) == {"starting": 120.0, "ready": 200.0 + 70.0}
    assert of.told() == [(10.0, "scale"), (130.0, "ready")]


def test_on_a_node_that_is_up_it_only_loads_and_starts() -> None:
    of = fleet(1, node={"slots": 2})
    of.keeper.want(2, "more")
    of.until(30.0)
    assert of.states() == {0: READY, 1: READY}
    assert len(of.nodes()) == 1


def test_a_warm_node_saves_the_time_of_a_node_and_another_one_is_ordered() -> None:
    of = fleet(1, keep={"warm_nodes": 1})
    of.keeper.want(2, "more")
    of.until(30.0)
    assert of.states() == {0: READY, 1: READY}
    of.until(90.0)
    assert of.phases() == {0: "up", 1: "up", 2: "up"}
    assert of.provider.leases[2].cause == "warm"


def test_of_nodes_that_are_not_needed_those_stay_warm_that_are_up() -> None:
    of = fleet(1, keep={"warm_nodes": 1})
    of.keeper.want(3, "more")  # the warm node, and one more; another warm one is ordered
    of.until(50.0)
    assert of.phases() == {0: "up", 1: "up", 2: "provisioning", 3: "provisioning"}
    of.keeper.want(1, "less")
    assert of.phases() == {0: "up", 1: "up"}


def test_a_node_that_will_be_taken_is_no_warm_one() -> None:
    spot = {"spot_share": 1.0, "spot_life": 380.0, "notice_s": 120.0}
    of = fleet(0, node=spot, keep={"warm_nodes": 1})
    of.until(381.0)
    assert of.phases() == {1: "provisioning"}
    assert near(of.provider.leases[0].released_at_s) == 380.0


def test_of_the_nodes_with_room_the_one_that_is_nearest_to_be_up_is_taken() -> None:
    of = fleet(1, node={"slots": 2})
    of.keeper.want(3, "more")  # the second place of node 0, and a new node
    of.until(50.0)
    of.keeper.want(4, "more")  # beside the one that is on its way
    assert [[seat.index for seat in node.seats] for node in of.nodes()] == [[0, 1], [2, 3]]
    of.until(120.0)
    assert set(of.states().values()) == {READY}


def test_a_warm_up_comes_before_it_is_ready() -> None:
    of = fleet(1, node={"slots": 2}, keep={"first_request": 7.0})
    of.keeper.want(2, "more")
    of.until(36.9)
    assert of.states() == {0: READY, 1: STARTING}
    of.until(37.0)
    assert of.states() == {0: READY, 1: READY}
    (one, other) = of.send(ask(0, 40.0, 4, 2), ask(1, 40.0, 4, 2))
    of.until(50.0)
    assert near(one.first_token_at_s) == near(other.first_token_at_s) == 41.0


def test_without_a_warm_up_the_first_request_waits() -> None:
    """Not on those that were there before."""
    of = Fleet(keep={"first_request": 7.0, "warmed": False})
    of.keeper.want(2, "more")
    first, other = of.send(ask(0, 5.0, 4, 2), ask(1, 5.0, 4, 2))
    of.until(40.0)
    assert (first.replica, near(first.first_token_at_s)) == (0, 6.0)
    assert (other.replica, near(other.first_token_at_s)) == (1, 13.0)
    (later,) = of.send(ask(2, 50.0, 4, 1), ask(3, 50.0, 4, 1))[1:]
    of.until(60.0)
    assert near(later.first_token_at_s) == 51.0  # once


def test_zones_are_filled_evenly_where_one_is_to_be_survived() -> None:
    """Two places a node: the second replica takes a new node in the other zone."""
    node = {"slots": 2, "zones": ("a", "b")}
    packed = fleet(2, node=node)
    assert [node.zone for node in packed.nodes()] == ["a"]
    of = fleet(2, node=node, keep={"spreads": True})
    assert [node.zone for node in of.nodes()] == ["a", "b"]
    of.keeper.want(4, "more")
    assert [(node.zone, len(node.seats)) for node in of.nodes()] == [("a", 2), ("b", 2)]


# -- stopping -------------------------------------------------------------------------------------


def test_one_that_holds_nothing_goes_at_once_and_its_node_with_it() -> None:
    of = fleet(2)
    of.until(5.0)
    of.keeper.want(1, "less")
    assert of.states() == {0: READY}
    assert of.phases() == {0: "up"}
    assert of.provider.leases[1].released_at_s == pytest.approx(5.0, abs=1e-4)


def test_one_that_holds_something_drains_and_gets_nothing_more() -> None:
    of = fleet(2)
    busy(of, 2, answer=9)
    of.keeper.want(1, "less")
    assert of.states() == {0: READY, 1: DRAINING}
    (late,) = of.send(ask(7, 1.0, 4, 1))
    of.until(30.0)
    assert late.replica == 0
    assert of.ends() == [(0, "completed", 9.0), (1, "completed", 9.0), (7, "completed", 10.0)]
    assert of.spent_s(30.0) == pytest.approx({"ready": 30.0, "draining": 9.0}, abs=1e-3)
    assert of.phases() == {0: "up"}


def test_who_drains_too_long_is_cut_off() -> None:
    of = fleet(2, keep={"drain_s": 4.0})
    busy(of, 2)
    of.keeper.want(1, "less")
    of.until(10.0)
    assert of.ends() == [(1, "failed", 4.0)]
    assert of.states() == {0: READY}
    assert of.phases() == {0: "up"}  # and the node was given back


def test_without_time_to_drain_what_it_holds_fails() -> None:
    of = fleet(2, keep={"drain_s": 0.0})
    busy(of, 2)
    of.until(3.0)
    of.keeper.want(1, "less")
    assert of.ends() == [(1, "failed", 3.0)]


def test_who_is_not_ready_is_stopped_first_then_who_holds_least() -> None:
    of = fleet(3)
    of.keeper.want(4, "more")
    of.until(1.0)
    of.keeper.want(3, "less")
    assert of.states() == {0: READY, 1: READY, 2: READY}
    of.send(ask(0, 2.0, 4, 99), ask(1, 2.0, 4, 99))
    of.keeper.want(2, "less")
    assert of.states() == {0: READY, 1: READY}


def test_those_of_fuller_zones_are_stopped_first() -> None:
    of = fleet(3, node={"zones": ("a", "b")})
    of.keeper.want(2, "less")
    assert sorted(node.zone for node in of.nodes()) == ["a", "b"]


def test_zones_stay_even_however_many_are_stopped_at_once() -> None:
    of = fleet(6, node={"zones": ("a", "b", "c")})
    of.keeper.want(3, "less")
    assert sorted(node.zone for node in of.nodes()) == ["a", "b", "c"]


def test_nodes_are_emptied_one_after_another() -> None:
    """Of three nodes with two replicas each, two go as a whole."""
    of = fleet(6, node={"slots": 2})
    of.keeper.want(2, "less")
    assert [len(node.seats) for node in of.nodes()] == [2]


def test_one_that_is_stopped_in_the_instant_of_its_start_never_serves() -> None:
    of = fleet(1, node={"slots": 2})
    of.keeper.want(2, "more")
    of.keeper.want(1, "less")
    of.until(100.0)
    assert of.states() == {0: READY}
    assert of.pool.routed == 1


def test_an_order_that_is_not_needed_any_more_is_cancelled() -> None:
    of = fleet()
    of.keeper.want(2, "more")
    of.until(30.0)
    of.keeper.want(1, "less")
    of.until(300.0)
    assert of.phases() == {0: "up"}
    assert near(of.provider.leases[1].released_at_s) == 30.0
    assert of.spent_s(300.0) == {"starting": 30.0, "ready": 300.0}


def test_a_pool_without_replicas_has_no_nodes() -> None:
    of = fleet(2)
    of.keeper.want(0, "none")
    assert (of.states(), of.phases()) == ({}, {})


def test_its_cache_is_given_up_with_it() -> None:
    """Whoever still knows the replica, such as a crash that will not come, holds no memory."""
    head = (("head", 40),)
    of = fleet(2)
    asks = [ask(n, 0.0, 41, 2, head) for n in (0, 1)]
    of.send(*asks)
    seat = of.seat(1)
    of.keeper.want(1, "less")
    of.until(10.0)
    again = ask(5, 10.0, 41, 1, head)
    assert seat.replica.batcher.cache.find(again)[0].count == 0
    assert of.seat(0).replica.batcher.cache.find(again)[0].count == 10


def test_one_that_died_unnoticed_is_not_stopped_before_others() -> None:
    """Nor does a rollout know: it keeps as many others as if it served."""
    of = fleet(3, keep={"surge": 0, "unavailable": 1})
    of.keeper.fail(of.seat(0))
    of.keeper.want(2, "less")
    assert of.states() == {0: FAILED, 1: READY}
    of.pool.unroute(of.seat(0))  # it is noticed
    of.keeper.want(1, "less")
    assert of.states() == {1: READY}
    of = fleet(3, keep={"surge": 0, "unavailable": 1})
    of.keeper.fail(of.seat(0))
    of.keeper.roll("a new version comes")
    assert [state for state in of.states().values() if state != STARTING] == [FAILED, READY]


# -- rollouts -------------------------------------------------------------------------------------

FAST = {"provision": 0.0, "pull": 0.0}


def roll(of: Fleet) -> None:
    of.keeper.roll("a new version comes")


def test_a_rollout_starts_one_more_then_stops_an_old_one() -> None:
    """The first new one takes 120 s, the second 30, on the node that an old one has left."""
    of = fleet(2)
    roll(of)
    of.until(119.0)
    assert of.states() == {0: READY, 1: READY, 2: STARTING}
    of.until(121.0)
    assert sorted(of.states().values()) == [READY, READY, STARTING]
    assert of.states()[2] == READY
    of.until(300.0)
    assert of.states() == {2: READY, 3: READY}
    assert {seat.version for seat in of.keeper.seats} == {1}
    assert of.told() == [(0.0, "rollout"), (120.0, "ready"), (150.0, "ready")]
    assert len(of.provider.leases) == 3
    assert of.provider.leases[2].cause == "rollout"


def test_without_a_surge_an_old_one_goes_first() -> None:
    """Idle ones go at once."""
    of = fleet(2, node=FAST, keep={"surge": 0, "unavailable": 1})
    roll(of)
    of.until(1.0)
    assert sorted(of.states().values()) == [READY, STARTING]
    of.until(31.0)
    assert sorted(of.states().values()) == [READY, STARTING]
    of.until(70.0)
    assert {seat.version for seat in of.keeper.seats} == {1}
    assert of.states() == {2: READY, 3: READY}
    assert of.spent_s(70.0) == pytest.approx({"ready": 80.0, "starting": 60.0}, abs=1e-3)


def test_without_a_surge_a_busy_one_drains_first_however_long_that_takes() -> None:
    """One drains all of 5 s in vain, and then the next."""
    of = fleet(2, node=FAST, keep={"surge": 0, "unavailable": 1, "drain_s": 5.0})
    busy(of, 2)
    roll(of)
    of.until(4.0)
    assert sorted(of.states().values()) == [DRAINING, READY]
    of.until(6.0)
    assert sorted(of.states().values()) == [READY, STARTING]
    of.until(36.0)
    assert sorted(of.states().values()) == [DRAINING, READY]
    of.until(100.0)
    assert of.states() == {2: READY, 3: READY}
    assert [outcome for _, outcome, _ in of.ends()] == ["failed", "failed"]


def test_as_many_at_once_as_surge_and_availability_allow() -> None:
    of = fleet(4, node=FAST, keep={"surge": 2, "unavailable": 1})
    roll(of)
    counts = sorted(of.states().values())
    assert counts == ["ordered", "ordered", READY, READY, READY, STARTING]


def test_an_old_one_that_is_not_ready_goes_without_waiting() -> None:
    of = fleet(1, node=FAST)
    of.keeper.want(2, "more")
    of.until(5.0)
    roll(of)
    assert of.states() == {0: READY, 2: STARTING, 3: "ordered"}


def test_a_newer_version_overtakes_a_rollout() -> None:
    of = fleet(2, node=FAST)
    roll(of)
    of.until(15.0)
    roll(of)
    of.until(200.0)
    assert {seat.version for seat in of.keeper.seats} == {2}
    assert set(of.states().values()) == {READY}
    assert len(of.states()) == 2


def test_fewer_are_wanted_during_a_rollout() -> None:
    of = fleet(3, node=FAST, keep={"surge": 3})
    roll(of)
    of.until(1.0)
    of.keeper.want(1, "less")
    of.until(100.0)
    assert list(of.states().values()) == [READY]
    assert {seat.version for seat in of.keeper.seats} == {1}


def test_none_are_wanted_during_a_rollout() -> None:
    of = fleet(3, node=FAST, keep={"surge": 3})
    roll(of)
    of.until(1.0)
    of.keeper.want(0, "none")
    of.until(2.0)
    assert (of.states(), of.phases()) == ({}, {})


def test_more_are_wanted_during_a_rollout() -> None:
    of = fleet(1, node=FAST)
    roll(of)
    of.keeper.want(3, "more")
    of.until(200.0)
    assert len(of.states()) == 3
    assert {seat.version for seat in of.keeper.seats} == {1}


def test_the_last_old_one_still_counts_while_it_drains() -> None:
    """Without a surge there is no room beside it, whoever asks meanwhile."""
    of = fleet(1, node=FAST, keep={"surge": 0, "unavailable": 1})
    busy(of, 1, answer=9)
    roll(of)
    of.keeper.reconcile(REPLACEMENT)
    assert of.states() == {0: DRAINING}
    of.until(9.5)
    assert of.states() == {1: STARTING}


# -- failing --------------------------------------------------------------------------------------


def test_one_that_died_is_not_missed_until_it_is_started_again() -> None:
    of = fleet(2)
    of.keeper.fail(of.seat(0))
    of.keeper.reconcile(REPLACEMENT)
    assert of.states() == {0: FAILED, 1: READY}
    assert of.pool.routed == 2  # nobody has noticed
    of.keeper.restart(of.seat(0))
    assert of.pool.routed == 1
    of.until(30.0)
    assert of.states() == {0: READY, 1: READY}
    assert of.told() == [(30.0, "ready")]


def test_one_that_dies_while_it_drains_has_gone() -> None:
    of = fleet(2)
    busy(of, 2)
    of.keeper.want(1, "less")
    of.until(3.0)
    of.keeper.fail(of.seat(1))
    assert of.states() == {0: READY}
    assert of.ends() == [(1, "failed", 3.0)]
    of.until(100.0)
    assert of.ends() == [(1, "failed", 3.0)]


def test_what_has_gone_cannot_die() -> None:
    of = fleet(2)
    seat = of.seat(1)
    of.keeper.kill(seat)
    of.keeper.fail(seat)
    assert of.states() == {0: READY}


def test_a_node_that_is_lost_is_replaced_with_all_that_was_on_it() -> None:
    of = fleet(3, node={"slots": 2})
    busy(of, 3)
    of.until(5.0)
    of.keeper.drop(of.nodes()[0])
    assert of.states() == {2: READY, 3: STARTING, 4: "ordered"}
    assert [(n, outcome) for n, outcome, _ in of.ends()] == [(0, "failed"), (1, "failed")]
    of.until(200.0)
    assert of.states() == {2: READY, 3: READY, 4: READY}
    assert {of.seat(index).cause for index in (3, 4)} == {"replacement"}


def test_a_node_under_repair_that_nobody_needs_is_given_back() -> None:
    of = fleet(2)
    node = of.nodes()[1]
    node.phase = Phase.REPAIRING
    of.keeper.fail(of.seat(1))
    of.keeper.want(1, "less")
    assert (of.states(), of.phases()) == ({0: READY}, {0: "up"})


def test_a_spot_node_drains_when_it_is_said_that_it_will_be_taken() -> None:
    """Said after 380 s; a node takes 90 s, a start 30."""
    of = fleet(1, node={"spot_share": 1.0, "spot_life": 380.0, "notice_s": 120.0})
    of.until(375.0)
    busy(of, 1, answer=50)
    of.until(381.0)
    assert of.states() == {0: DRAINING, 1: STARTING}
    of.until(430.0)
    assert of.ends() == [(0, "completed", 425.0)]
    assert of.states() == {1: STARTING}
    assert near(of.provider.leases[0].released_at_s) == 425.0  # no longer than it was needed
    of.until(501.0)
    assert of.states() == {1: READY}
    assert of.told() == [(380.0, "notice"), (500.0, "ready")]


def test_what_is_left_when_a_spot_node_is_taken_fails() -> None:
    of = fleet(1, node={"spot_share": 1.0, "spot_life": 80.0, "notice_s": 20.0})
    of.until(70.0)
    busy(of, 1)
    of.until(99.0)
    assert of.states() == {0: DRAINING, 1: STARTING}
    of.until(101.0)
    assert of.ends() == [(0, "failed", 100.0)]
    assert near(of.provider.leases[0].released_at_s) == 100.0


def test_what_drains_already_goes_on_when_its_spot_node_will_be_taken() -> None:
    of = fleet(2, node={"spot_share": 1.0, "spot_life": 80.0, "notice_s": 20.0})
    of.until(78.0)
    busy(of, 2, answer=5)
    of.keeper.want(1, "less")
    of.until(90.0)
    assert [(n, outcome) for n, outcome, _ in of.ends()] == [(0, "completed"), (1, "completed")]


def test_refusals_are_told() -> None:
    of = fleet(1, node={"retry_after_s": 50.0})
    of.provider.out["a"] = 1
    of.keeper.want(2, "more")
    of.until(60.0)
    kinds = of.told()
    assert kinds == [(0.0, "scale"), (0.0, "no-capacity"), (50.0, "no-capacity")]
    assert "zone a" in of.keeper.events[1].reason


def test_what_is_wanted_already_is_not_told_again() -> None:
    of = fleet(2)
    of.keeper.want(2, "as it is")
    assert of.keeper.events == []


def test_a_lost_answer_is_the_client_s_to_ask_for_again() -> None:
    of = fleet(1)
    busy(of, 1)
    of.until(2.0)
    of.keeper.kill(of.seat(0))
    assert of.done[0].outcome is Outcome.FAILED
    assert of.pool.queue.length == 0
