"""What replicas are, second by second (`sim.fleet.occupancy`); steps last 1 s."""

from __future__ import annotations

import pytest

from sim.fleet.seat import State
from tests.unit.engines import ask
from tests.unit.fleets import READY, Fleet


def test_every_second_has_one_state() -> None:
    """Ready to 4 s, dead to 10 s, starting for 3 s."""
    of = Fleet(keep={"load": 3.0})
    of.until(4.0)
    of.keeper.fail(of.seat(0))
    of.until(10.0)
    of.keeper.restart(of.seat(0))
    of.until(20.0)
    assert of.spent_s(20.0) == {"ready": 11.0, "failed": 6.0, "starting": 3.0}


def test_busy_seconds_belong_to_the_state_in_which_they_ran() -> None:
    """Busy from 2 s on; from 5 s on it drains, and is done at 9 s."""
    of = Fleet()
    of.send(ask(0, 2.0, 4, 7))
    of.until(5.0)
    of.keeper.stop(of.seat(0), 60.0)
    assert of.occupancy.busy_s(State.READY) == pytest.approx(3.0, abs=1e-4)
    of.until(7.0)
    assert of.occupancy.busy_s(State.DRAINING) == pytest.approx(2.0, abs=1e-4)
    of.until(30.0)
    assert of.occupancy.busy_s(State.READY) == pytest.approx(3.0, abs=1e-4)
    assert of.occupancy.busy_s(State.DRAINING) == pytest.approx(4.0, abs=1e-4)
    assert of.spent_s(30.0) == pytest.approx({"ready": 5.0 + 21.0, "draining": 4.0}, abs=1e-3)


def test_a_step_that_a_crash_broke_was_busy_up_to_the_crash() -> None:
    of = Fleet()
    of.send(ask(0, 2.0, 4, 7))
    of.until(4.5)
    of.keeper.fail(of.seat(0))
    of.until(9.0)
    assert of.occupancy.busy_s(State.READY) == pytest.approx(2.5, abs=1e-4)


def test_blocks_in_use_and_blocks_that_there_are() -> None:
    """8 + 4 tokens: two blocks for a second, three for three; 50 blocks, 100 with the second."""
    of = Fleet(engine={"blocks": 50})
    of.send(ask(0, 0.0, 8, 4))
    of.until(10.0)
    of.keeper.want(2, "more")
    of.until(15.0)
    assert of.occupancy.used_block_s() == 2.0 + 3 * 3.0
    assert of.occupancy.blocks.integral(0.0, 15.0) == pytest.approx(500.0 + 500.0, abs=1e-2)
    of.keeper.want(1, "less")
    of.keeper.kill(of.seat(0))
    assert of.occupancy.used_block_s() == 2.0 + 3 * 3.0  # it is remembered of one that has gone


def test_blocks_of_one_that_is_dead_are_not_there() -> None:
    of = Fleet(2, engine={"blocks": 50})
    of.keeper.fail(of.seat(1))
    assert of.occupancy.blocks.now == 50.0


def test_counts_of_now() -> None:
    of = Fleet(3, keep={"load": 9.0})
    of.keeper.fail(of.seat(0))
    of.keeper.want(4, "more")
    of.until(1.0)
    counts = {state: of.occupancy.count(state) for state in State if of.occupancy.count(state)}
    assert counts == {State.READY: 2, State.FAILED: 1, State.STARTING: 1}


def test_a_change_of_state_voids_what_waited_for_the_one_before() -> None:
    of = Fleet()
    seat = of.seat(0)
    life = seat.life
    of.keeper.fail(seat)
    of.keeper.restart(seat)
    of.until(1.0)
    assert of.states() == {0: READY}
    assert seat.life == life + 3  # failed, starting, ready
