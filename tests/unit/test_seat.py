from sim.fleet.seat import PAID, State
from tests.unit.engines import ask
from tests.unit.fleets import Fleet


def test_what_is_only_ordered_or_gone_is_not_paid() -> None:
    assert set(State) - set(PAID) == {State.ORDERED, State.GONE}


def test_it_holds_what_runs_and_what_waits_seen_or_not() -> None:
    of = Fleet()
    seat = of.seat(0)
    of.send(*(ask(n, 0.0, 4, 3) for n in range(3)))
    assert seat.held == 3
    of.until(1.5)
    of.send(ask(3, 1.5, 4, 3))
    assert seat.held == 4  # one runs, two wait, one is not seen yet
    of.until(3.5)
    assert seat.held == 3
    of.until(20.0)
    assert seat.held == 0


def test_it_says_what_it_is() -> None:
    of = Fleet()
    assert repr(of.seat(0)) == "Seat(0, READY, node 0)"
