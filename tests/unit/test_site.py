"""All that keeps a pool running, started in one place (`sim.fleet.site`)."""

from __future__ import annotations

from sim.fleet.meter import PoolMeter
from sim.fleet.site import Rollouts, Site
from tests.unit.fleets import READY, Fleet


def test_new_versions_come_at_regular_times() -> None:
    of = Fleet(1, at_s=-50.0)
    of.env.process(Rollouts(of.env, of.keeper, 30.0, 100.0).run())
    of.until(250.0)
    assert [at_s for at_s, kind in of.told() if kind == "rollout"] == [30.0, 130.0, 230.0]
    assert {seat.version for seat in of.keeper.seats} == {3}


def test_one_that_was_due_before_the_start_comes_at_once() -> None:
    of = Fleet(1)
    of.until(40.0)
    of.env.process(Rollouts(of.env, of.keeper, 30.0, 100.0).run())
    of.until(50.0)
    assert [at_s for at_s, kind in of.told() if kind == "rollout"] == [40.0]


def test_a_site_starts_what_it_has() -> None:
    of = Fleet(0, hazards={"node_life": 1000.0})
    meter = PoolMeter(of.occupancy, of.provider, of.keeper, 100.0)
    site = Site(of.pool, of.provider, of.occupancy, of.keeper, meter, 2, faults=of.faults)
    site.rollouts = Rollouts(of.env, of.keeper, 10.0, 1e9)
    site.start(of.env)
    assert of.states() == {0: READY, 1: READY}
    of.until(20.0)
    assert [kind for _, kind in of.told()] == ["rollout", "ready", "ready"]
