"""What breaks, and when it is noticed (`sim.fleet.faults`).

Nodes come in 60 s, replicas load in 20 s, and a death is noticed after 5 s, unless changed.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any
from unittest import mock

import pytest
from simpy.events import Timeout

from sim.fleet.faults import LEAST_LOOK_S, Outage
from sim.laws.exponential import Exponential
from sim.serving.replica import Replica
from tests.unit.engines import ask
from tests.unit.fleets import FAILED, READY, STARTING, Fleet


def fleet(wanted: int = 1, **hazards: Any) -> Fleet:
    node = {"provision": 60.0, "slots": hazards.pop("slots", 1), **hazards.pop("node", {})}
    keep = {"load": 20.0, **hazards.pop("keep", {})}
    return Fleet(
        wanted, node=node, keep=keep, hangs=hazards.pop("hangs", False),
        hazards={"detection": 5.0, **hazards},
    )  # fmt: skip


# -- nodes ----------------------------------------------------------------------------------------


def test_a_node_fails_and_is_replaced_when_that_is_noticed() -> None:
    """At 100 s; noticed at 105; the new one is there at 165, and serves from 185 to its end, at
    265 s."""
    of = fleet(node_life=100.0)
    of.until(101.0)
    assert (of.states(), of.phases()) == ({0: FAILED}, {0: "failed"})
    of.until(106.0)
    assert (of.states(), of.phases()) == ({1: STARTING}, {1: "provisioning"})
    of.until(250.0)
    assert of.told() == [(100.0, "node-failure"), (185.0, "ready")]
    assert of.spent_s(250.0) == {"ready": 165.0, "failed": 5.0, "starting": 80.0}
    assert [lease.cause for lease in of.provider.leases] == ["start", "replacement"]
    of.until(266.0)
    assert of.states() == {1: FAILED}


def test_a_node_may_be_repaired_and_is_paid_meanwhile() -> None:
    of = fleet(node_life=100.0, repair=50.0)
    of.until(110.0)
    assert (of.states(), of.phases()) == ({0: FAILED}, {0: "repairing"})
    assert of.pool.routed == 0
    of.until(156.0)
    assert (of.states(), of.phases()) == ({0: STARTING}, {0: "up"})
    of.until(200.0)
    assert of.told() == [(100.0, "node-failure"), (155.0, "repair"), (175.0, "ready")]
    assert of.spent_s(200.0) == {"ready": 125.0, "failed": 55.0, "starting": 20.0}
    assert len(of.provider.leases) == 1


def test_it_fails_again_after_another_life() -> None:
    of = fleet(node_life=100.0, repair=50.0)
    of.until(600.0)
    failed = [at_s for at_s, kind in of.told() if kind == "node-failure"]
    assert failed == [100.0, 255.0, 410.0, 565.0]


def test_all_that_is_on_a_node_dies_with_it() -> None:
    of = fleet(2, node_life=100.0, slots=2, repair=10.0)
    of.send(ask(0, 95.0, 4, 99), ask(1, 95.0, 4, 99))
    of.until(101.0)
    assert of.states() == {0: FAILED, 1: FAILED}
    assert of.ends() == [(0, "failed", 100.0), (1, "failed", 100.0)]
    of.until(140.0)
    assert of.states() == {0: READY, 1: READY}


def test_a_node_under_repair_that_nobody_needs_is_given_back() -> None:
    """Not while its death is unnoticed; the crew goes on to the next."""
    of = fleet(2, node_life=100.0, repair=500.0)
    of.until(101.0)
    of.keeper.want(1, "less")
    assert sorted(of.phases().values()) == ["failed", "failed"]
    of.until(110.0)
    assert (of.states(), of.phases()) == ({0: FAILED}, {0: "repairing"})
    assert of.provider.leases[1].released_at_s == pytest.approx(105.0, abs=1e-3)
    of.keeper.want(0, "none")
    assert of.phases() == {}


def test_repairs_wait_for_a_crew() -> None:
    """Two nodes fail at 100 s; the one crew takes 50 s for each."""
    of = fleet(2, node_life=100.0, repair=50.0, crews=1)
    of.until(300.0)
    assert [at_s for at_s, kind in of.told() if kind == "repair"] == [155.0, 205.0]


def test_a_crew_does_not_repair_what_was_given_back() -> None:
    of = fleet(2, node_life=100.0, repair=50.0, crews=1)
    of.until(110.0)
    of.keeper.drop(of.nodes()[1])
    of.until(400.0)
    assert next(at_s for at_s, kind in of.told() if kind == "repair") == 155.0
    assert of.faults is not None
    assert of.faults.crews is not None
    assert of.faults.crews.count <= 1


def test_lemons_fail_sooner() -> None:
    """Half of 200 nodes, give or take 4 sigma (28), at a tenth of the others' life."""
    of = fleet(200, node_life=100.0, lemon_share=0.5, lemon_factor=10.0, detection=1e6)
    of.until(11.0)
    failed = list(of.states().values()).count(FAILED)
    assert abs(failed - 100) < 28
    of.until(101.0)
    assert list(of.states().values()).count(FAILED) == 200


def test_lives_are_drawn_for_each_node() -> None:
    of = fleet(50, node_life=Exponential(1000.0), detection=1e6)
    of.until(100.0)
    failed = list(of.states().values()).count(FAILED)
    assert 0 < failed < 12  # 4.8 on average


def test_a_node_that_was_given_back_does_not_fail() -> None:
    of = fleet(2, node_life=100.0, repair=1.0)
    of.until(50.0)
    of.keeper.want(1, "less")
    of.until(300.0)
    assert [kind for _, kind in of.told()].count("node-failure") == 2  # of the one, twice


# -- processes ------------------------------------------------------------------------------------


def test_a_process_crashes_and_starts_again_on_its_node() -> None:
    of = fleet(replica_life=100.0)
    of.send(ask(0, 90.0, 4, 99))
    of.until(130.0)
    assert of.told() == [(100.0, "crash"), (125.0, "ready")]
    assert of.spent_s(130.0) == {"ready": 105.0, "failed": 5.0, "starting": 20.0}
    assert of.ends() == [(0, "failed", 100.0)]
    assert of.phases() == {0: "up"}
    of.until(226.0)
    assert of.told()[2:] == [(225.0, "crash")]


def test_a_process_that_drains_does_not_crash() -> None:
    of = fleet(2, replica_life=100.0, keep={"drain_s": 50.0})
    of.send(ask(0, 90.0, 4, 30), ask(1, 90.0, 4, 30))
    of.keeper.want(1, "less")
    of.until(130.0)
    assert of.ends() == [(0, "failed", 100.0), (1, "completed", 120.0)]


def test_a_process_that_went_does_not_come_back() -> None:
    of = fleet(2, replica_life=100.0)
    of.until(50.0)
    of.keeper.want(1, "less")
    of.until(120.0)
    assert list(of.states()) == [0]
    assert [kind for _, kind in of.told()] == ["scale", "crash"]


@pytest.mark.parametrize("repair", [None, 500.0])
def test_a_process_does_not_start_on_a_node_that_has_died_meanwhile(repair: float | None) -> None:
    """It crashes at 98 s, its node dies at 100 s; both are noticed 5 s later."""
    of = fleet(replica_life=98.0, node_life=100.0, repair=repair)
    of.until(104.0)
    assert of.states() == {0: FAILED}
    of.until(124.0)
    if repair is None:
        assert of.states() == {1: STARTING}
    else:
        assert of.states() == {0: FAILED}
        of.until(626.0)
        assert of.states() == {0: READY}


# -- outages --------------------------------------------------------------------------------------


def test_an_outage_takes_a_zone_and_what_is_replaced_goes_elsewhere() -> None:
    of = fleet(2, node={"zones": ("a", "b")}, outages=(Outage(50.0, 300.0, "a", None),))
    of.until(51.0)
    assert (of.states(), of.phases()) == ({0: FAILED, 1: READY}, {0: "failed", 1: "up"})
    of.until(200.0)
    assert [node.zone for node in of.nodes()] == ["b", "b"]
    of.until(400.0)
    assert of.told() == [
        (50.0, "outage"), (50.0, "node-failure"), (135.0, "ready"), (350.0, "outage-over"),
    ]  # fmt: skip


def test_a_repair_is_not_over_before_the_outage() -> None:
    of = fleet(outages=(Outage(50.0, 100.0, "a", None),), repair=1.0)
    of.until(149.0)
    assert of.phases() == {0: "repairing"}
    of.until(151.0)
    assert of.phases() == {0: "up"}


def test_a_repair_that_an_outage_meets_is_over_after_it() -> None:
    """The node fails at 100 s; its zone is out from 120 to 400 s and again to 420 s."""
    outages = (Outage(120.0, 280.0, "a", None), Outage(390.0, 30.0, "a", None))
    of = fleet(node_life=100.0, repair=50.0, outages=outages)
    of.until(419.0)
    assert of.phases() == {0: "repairing"}
    of.until(421.0)
    assert of.phases() == {0: "up"}


def test_a_node_on_its_way_is_lost_too_and_asked_for_again() -> None:
    """Ordered at 40 s, lost at 50 s, noticed at 55 s; from 80 s on there are nodes again."""
    of = fleet(outages=(Outage(50.0, 30.0, "a", None),), repair=1.0, node={"retry_after_s": 10.0})
    of.until(40.0)
    of.keeper.want(2, "more")
    of.until(51.0)
    assert of.phases() == {0: "failed", 1: "failed"}
    assert of.states() == {0: FAILED, 1: FAILED}
    of.until(56.0)
    assert of.phases() == {0: "repairing", 2: "ordered"}
    of.until(200.0)
    assert of.states() == {0: READY, 2: READY}
    refused = [at_s for at_s, kind in of.told() if kind == "no-capacity"]
    assert refused == [55.0, 65.0, 75.0]


def test_a_share_of_the_nodes_is_cut_off_and_comes_back_as_it_was() -> None:
    """Half of three, rounded up; for 5 s requests still go there, and fail."""
    of = fleet(3, outages=(Outage(50.0, 100.0, None, 0.5),))
    of.until(51.0)
    assert of.states() == {0: FAILED, 1: FAILED, 2: READY}
    assert of.pool.routed == 3
    of.until(56.0)
    assert of.pool.routed == 1
    of.until(151.0)
    assert of.states() == {0: READY, 1: READY, 2: READY}
    assert of.spent_s(200.0) == {"ready": 600.0 - 200.0, "failed": 200.0}
    assert [kind for _, kind in of.told()] == ["outage", "ready", "ready", "outage-over"]
    assert of.keeper.events[0].reason == "2 of 3 nodes are cut off"


def test_a_rollout_goes_on_when_those_that_were_cut_off_are_back() -> None:
    """New ones are ready at 80 and 100 s, and the third would be at 120, the last two on nodes that
    old ones have left. Both nodes are cut off from 110 to 130 s: it is not reached before, and the
    last old one, which is busy, stays until then."""
    of = fleet(3, outages=(Outage(110.0, 20.0, None, 0.5),), keep={"drain_s": 5.0})
    of.send(ask(0, 0.0, 4, 1), ask(1, 0.0, 4, 1), ask(2, 0.0, 4, 999))
    of.keeper.roll("a new version comes")
    of.until(129.0)
    assert of.states() == {2: READY, 3: READY, 4: FAILED, 5: STARTING}
    of.until(136.0)
    assert of.states() == {3: READY, 4: READY, 5: READY}


def test_a_cut_that_is_over_before_it_is_noticed() -> None:
    of = fleet(2, outages=(Outage(50.0, 3.0, None, 1.0),), hangs=True)
    (one,) = of.send(ask(0, 51.0, 4, 1))
    of.until(54.0)
    assert of.states() == {0: READY, 1: READY}
    assert of.ends() == [(0, "failed", 53.0)]
    assert one.replica == 0


def test_what_starts_on_a_node_that_is_cut_off_is_not_ready_before_it_is_back() -> None:
    """It has loaded at 65 s; another takes a node of its own once the cut is noticed."""
    of = fleet(1, slots=3, outages=(Outage(50.0, 100.0, None, 1.0),))
    of.until(45.0)
    of.keeper.want(2, "more")
    of.until(60.0)
    assert of.states() == {0: FAILED, 1: STARTING}
    of.keeper.want(3, "more")
    of.until(149.0)
    assert of.states() == {0: FAILED, 1: STARTING, 2: READY}
    assert [len(node.seats) for node in of.nodes()] == [2, 1]
    of.until(151.0)
    assert of.states() == {0: READY, 1: READY, 2: READY}


def test_of_two_cuts_the_longer_one_counts() -> None:
    cuts = (Outage(50.0, 100.0, None, 1.0), Outage(60.0, 20.0, None, 1.0))
    of = fleet(outages=cuts)
    of.until(149.0)
    assert of.states() == {0: FAILED}
    of.until(151.0)
    assert of.states() == {0: READY}


def test_what_was_cut_off_does_not_come_back_on_a_node_that_has_died() -> None:
    of = fleet(outages=(Outage(50.0, 52.0, None, 1.0),), node_life=100.0)
    of.until(103.0)
    assert of.states() == {0: FAILED}


def test_zones_go_out_at_random_and_come_back() -> None:
    """Every 100 s for 10 s, each of two zones."""
    of = fleet(2, node={"zones": ("a", "b")}, zone_life=100.0, zone_outage=10.0, repair=0.0)
    of.until(215.0)
    outages = [(at_s, kind) for at_s, kind in of.told() if "outage" in kind]
    assert outages == [
        (100.0, "outage"), (100.0, "outage"), (110.0, "outage-over"), (110.0, "outage-over"),
        (210.0, "outage"), (210.0, "outage"),
    ]  # fmt: skip


def test_two_outages_at_one_instant_take_a_node_once() -> None:
    twice = (Outage(50.0, 10.0, "a", None), Outage(50.0, 20.0, "a", None))
    of = fleet(outages=twice, node={"retry_after_s": 10.0})
    of.until(200.0)
    assert [kind for _, kind in of.told()].count("node-failure") == 1
    assert list(of.states().values()) == [READY]


# -- stalls ---------------------------------------------------------------------------------------


def test_an_engine_hangs_after_so_much_busy_time_and_keeps_what_it_has() -> None:
    """Busy from 100 s on; after 3.5 s it hangs, from the next boundary on, for 10 s."""
    of = fleet(stall_gap=3.5, stall=10.0)
    (one,) = of.send(ask(0, 100.0, 4, 6))
    of.until(130.0)
    assert of.ends() == [(0, "completed", 116.0)]
    assert (one.outcome.name, one.generated) == ("COMPLETED", 6)
    assert of.occupancy.busy_s(of.seat(0).state) == pytest.approx(6.0, abs=1e-3)


def test_it_hangs_again_and_again() -> None:
    """Due after 3.5, 7 and 10.5 s of work: at the ends of steps 4, 7 and 11."""
    of = fleet(stall_gap=3.5, stall=10.0)
    of.send(ask(0, 0.0, 4, 12))
    of.until(200.0)
    assert of.ends() == [(0, "completed", 12.0 + 30.0)]


def test_an_idle_engine_does_not_hang() -> None:
    of = fleet(stall_gap=3.5, stall=1000.0)
    of.send(*(ask(n, 100.0 * n, 4, 3) for n in range(1)))
    of.until(900.0)
    assert of.ends() == [(0, "completed", 3.0)]


def test_a_stall_is_due_no_later_than_a_look_after_its_time() -> None:
    assert LEAST_LOOK_S <= 0.05


def test_nobody_looks_after_the_engine_of_one_that_has_gone() -> None:
    """A look each twentieth of a second, of all that went, would fill a month."""
    of = fleet(2, stall_gap=3.5, stall=1.0)
    of.send(ask(0, 0.0, 4, 3), ask(1, 0.0, 4, 3))
    of.until(10.0)
    of.keeper.want(0, "none")
    of.until(20.0)
    assert all(isinstance(event, Timeout) for *_, event in of.env._queue)
    assert len(of.env._queue) <= 1  # what let time go on until here


def test_a_crash_ends_the_stall_before_it() -> None:
    """Hangs at 4 s for 100, dies at 50 s, noticed at 55 s, ready at 75 s."""
    of = fleet(stall_gap=3.5, stall=100.0, replica_life=50.0)
    of.send(ask(0, 0.0, 4, 9))
    of.until(76.0)
    assert of.ends() == [(0, "failed", 50.0)]
    (later,) = of.send(ask(1, 80.0, 4, 2))
    of.until(90.0)
    assert later.outcome.name == "COMPLETED"


def test_a_node_that_was_lost_on_its_way_does_not_come_up_unnoticed() -> None:
    """Ordered at 40 s, lost at 50 s, due at 100 s, noticed at 150 s."""
    of = fleet(outages=(Outage(50.0, 30.0, "a", None),), detection=100.0)
    of.until(40.0)
    of.keeper.want(2, "more")
    of.until(149.0)
    assert of.phases() == {0: "failed", 1: "failed"}
    assert of.states() == {0: FAILED, 1: FAILED}


def test_what_drained_on_a_node_that_died_is_made_up_for_when_that_is_noticed() -> None:
    """Not when the node is repaired: that may be days later."""
    of = fleet(node_life=100.0, repair=1000.0, keep={"surge": 0, "unavailable": 1})
    of.send(ask(0, 95.0, 4, 99))
    of.keeper.roll("a new version comes")
    of.until(104.0)
    assert (of.states(), of.phases()) == ({}, {0: "failed"})
    of.until(106.0)
    assert (of.states(), of.phases()) == ({1: STARTING}, {1: "provisioning"})


def test_each_death_is_noticed_after_a_time_of_its_own() -> None:
    of = fleet(20, node_life=100.0, repair=0.0, detection=Exponential(50.0))
    of.until(2000.0)
    delays = {
        round(repaired_s - 100.0, 3)
        for repaired_s, kind in of.told()
        if kind == "repair" and repaired_s < 200.0
    }
    assert len(delays) > 10


def test_scripted_times_count_from_the_start_of_the_window() -> None:
    of = Fleet(
        1, at_s=-30.0, hazards={"detection": 5.0, "outages": (Outage(50.0, 10.0, None, 1.0),)}
    )
    of.until(70.0)
    assert [(at_s, kind) for at_s, kind in of.told() if "outage" in kind] == [
        (50.0, "outage"), (60.0, "outage-over"),
    ]  # fmt: skip


def test_a_share_is_of_the_nodes_that_serve() -> None:
    """Of two with a replica one is cut off, the warm ones do not count."""
    of = fleet(2, outages=(Outage(50.0, 100.0, None, 0.5),), keep={"warm_nodes": 4})
    of.until(51.0)
    assert list(of.states().values()) == [FAILED, READY]
    assert of.keeper.events[0].reason == "1 of 2 nodes are cut off"


@pytest.mark.parametrize(
    ("cause", "kind"), [("node_life", "node-failure"), ("zone_life", "outage")]
)
def test_each_time_it_takes_another_time(cause: str, kind: str) -> None:
    """Nodes and zones that break again and again, after 20 s on average."""
    law = {cause: Exponential(20.0)}
    of = fleet(repair=0.0, detection=0.0, zone_outage=1.0, **law)
    of.until(2000.0)
    times = [at_s for at_s, told in of.told() if told == kind]
    gaps = {round(after - before, 2) for before, after in pairwise(times)}
    assert len(gaps) > 0.9 * len(times) > 30


def test_an_engine_hangs_after_another_time_each_time() -> None:
    """Some 45 times in 900 steps, after 20 s of work on average, for 20 s on average."""
    of = fleet(stall_gap=Exponential(20.0), stall=Exponential(20.0))
    seen: list[float] = []
    hang = Replica.stall
    with mock.patch.object(Replica, "stall", lambda r, s: (seen.append(s), hang(r, s))):
        of.send(ask(0, 0.0, 4, 900))
        of.until(9000.0)
    assert len(set(seen)) == len(seen)
    assert 25 < len(seen) < 70
    assert of.ends() == [(0, "completed", pytest.approx(900.0 + sum(seen), abs=0.01))]
