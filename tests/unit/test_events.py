from dataclasses import FrozenInstanceError

import pytest

from sim.ledger.events import FleetEvent
from tests.unit.fleets import Fleet


def test_an_event_stays_as_it_was() -> None:
    event = FleetEvent(1.0, "main", "scale", "more is asked for", 2, 1)
    with pytest.raises(FrozenInstanceError):
        event.wanted = 3  # type: ignore[misc]


def test_it_tells_what_is_wanted_and_what_is_ready_after_it() -> None:
    of = Fleet(1, keep={"load": 5.0})
    of.until(2.0)
    of.keeper.want(3, "more is asked for")
    of.until(9.0)
    told = [(e.kind, e.reason, e.wanted, e.ready) for e in of.keeper.events]
    assert told == [
        ("scale", "more is asked for", 3, 1),
        ("ready", "replica 1 is ready (scale)", 3, 2),
        ("ready", "replica 2 is ready (scale)", 3, 3),
    ]
    assert {event.pool for event in of.keeper.events} == {"main"}
