"""All that keeps a pool running, started in one place (`sim.fleet.site`)."""

from __future__ import annotations

from sim.fleet.faults import Faults, Hazards, Outage
from sim.fleet.history import History
from sim.fleet.meter import PoolMeter
from sim.fleet.scaler import Decision, Observation
from sim.fleet.scaling import Looks, Scaling
from sim.fleet.site import Rollouts, Site
from sim.laws.fixed import Fixed
from sim.streams import Keyed
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


class Three:
    """Wants three."""

    def decide(self, seen: Observation) -> Decision:
        return Decision(3, "three")


def site(of: Fleet, wanted: int) -> Site:
    meter = PoolMeter(of.occupancy, of.provider, of.keeper, 100.0)
    return Site(of.pool, of.provider, of.occupancy, of.keeper, meter, wanted)


def test_a_site_starts_what_it_has() -> None:
    """A rollout at 10 s, an outage from 20 to 30 s, a look at 40 s."""
    of = Fleet(0)
    full = site(of, 2)
    full.rollouts = Rollouts(of.env, of.keeper, 10.0, 1e9)
    hazards = Hazards(Fixed(0.0), outages=(Outage(20.0, 10.0, None, 1.0),))
    full.faults = Faults(of.env, of.keeper, hazards, Keyed(1))
    full.scaling = Scaling(of.env, of.keeper, Three(), Looks(40.0, 60.0, 0.0, 1.0), History(1e3, 2))
    full.start(of.env)
    assert of.states() == {0: READY, 1: READY}
    of.until(45.0)
    told = [(at_s, kind) for at_s, kind in of.told() if kind != "ready"]
    assert told == [(10.0, "rollout"), (20.0, "outage"), (30.0, "outage-over"), (40.0, "scale")]
    assert list(of.states().values()) == [READY] * 3


def test_a_plain_site_starts_its_replicas_and_nothing_else() -> None:
    of = Fleet(0)
    site(of, 2).start(of.env)
    of.until(1e6)
    assert of.states() == {0: READY, 1: READY}
    assert of.told() == []
