import pytest

from sim.fleet.node import Node, Phase
from sim.fleet.seat import Seat
from tests.unit.fleets import Fleet


def node(slots: int = 2) -> Node:
    return Node(7, "a", slots, spot=False, slow=1.0, cause="start")


def test_it_has_room_for_its_slots() -> None:
    of, machine = Fleet(), node()
    for expected in (True, True, False):
        assert machine.has_room is expected
        machine.seats.append(Seat(of.make_replica(1.0), machine, 0, "start"))


@pytest.mark.parametrize("phase", Phase)
def test_it_has_room_before_it_is_up_but_not_when_it_has_failed(phase: Phase) -> None:
    machine = node()
    machine.phase = phase
    assert machine.has_room is (phase in (Phase.ORDERED, Phase.PROVISIONING, Phase.UP))


def test_nothing_is_started_on_one_that_will_be_taken_away() -> None:
    machine = node()
    machine.phase, machine.leaving = Phase.UP, True
    assert not machine.has_room
