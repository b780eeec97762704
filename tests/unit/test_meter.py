"""What a pool's paid time was in the window (`sim.fleet.meter`); steps of 1 s."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from sim.fleet.meter import PoolMeter
from sim.ledger.usage import PoolUsage
from tests.unit.engines import ask
from tests.unit.fleets import Fleet


class Metered:
    """The window is [0, *window_s*); the run begins 10 s before."""

    def __init__(self, wanted: int = 1, window_s: float = 100.0, **fleet: Any) -> None:
        self.window_s = window_s
        self.of = Fleet(wanted, at_s=-10.0, **fleet)
        self.meter = PoolMeter(self.of.occupancy, self.of.provider, self.of.keeper, window_s)
        self.of.env.process(self._window())

    def _window(self) -> Any:
        yield self.of.env.timeout(10.0)
        self.meter.open()
        yield self.of.env.timeout(self.window_s)
        self.meter.close()

    def usage(self, intervals: int = 1) -> PoolUsage:
        self.of.until(self.window_s + 1.0)
        return self.meter.usage(intervals)


def test_an_idle_replica() -> None:
    found = Metered().usage()
    assert (found.paid_s, found.idle_s, found.busy_s, found.node_s) == (100.0, 100.0, 0.0, 100.0)
    assert found.paid_by_interval.tolist() == [1.0]


def test_the_window_cuts_what_it_cuts() -> None:
    """Busy from -4 to 6 s with two blocks, three from 1 s on, and from 95 to 105 s."""
    at = Metered(engine={"blocks": 10})
    at.of.send(ask(0, -4.0, 4, 10), ask(1, 95.0, 4, 10))
    found = at.usage()
    assert found.busy_s == pytest.approx(6.0 + 5.0, abs=1e-3)
    assert found.idle_s == pytest.approx(89.0, abs=1e-3)
    assert found.kv_block_s == pytest.approx(1000.0)
    blocks = [2, 3, 3, 3, 3, 4, 1, 2, 2, 2, 2]  # 4 tokens, then one more a second; 4 to a block
    assert found.kv_used_block_s == pytest.approx(sum(blocks), abs=1e-2)


def test_every_state_has_its_seconds() -> None:
    """Starts at 10 s for 20; dies at 50 s for 5; drains from 70 to 79 s, of which busy."""
    at = Metered(wanted=1, keep={"load": 20.0})
    at.of.until(10.0)
    at.of.keeper.want(2, "more")
    at.of.until(50.0)
    at.of.keeper.fail(at.of.seat(1))
    at.of.until(55.0)
    at.of.keeper.kill(at.of.seat(1))
    at.of.keeper.want(1, "less")
    at.of.send(ask(0, 69.0, 4, 10))
    at.of.until(70.0)
    at.of.keeper.stop(at.of.seat(0), 60.0)
    found = at.usage()
    assert found.starting_s == pytest.approx(20.0 + 20.0, abs=1e-3)  # the second from 79 s on
    assert found.failed_s == pytest.approx(5.0, abs=1e-3)
    assert found.busy_s == pytest.approx(10.0, abs=1e-3)
    assert found.draining_s == pytest.approx(0.0, abs=1e-3)
    assert found.idle_s == pytest.approx(69.0 + 20.0 + 1.0, abs=1e-3)
    assert found.paid_s == pytest.approx(
        found.busy_s + found.idle_s + found.starting_s + found.draining_s + found.failed_s
    )


def test_what_is_paid_after_the_end_counts_as_draining() -> None:
    """Two replicas and a GPU on a node, given back at 30 s, paid in minutes: to 50 s."""
    node = {
        "slots": 2, "spare_gpus": 1, "gpus_per_replica": 4,
        "billed_s": lambda held_s: 60.0 * np.ceil(held_s / 60.0),
    }  # fmt: skip
    at = Metered(wanted=1, node=node)
    at.of.until(30.0)
    at.of.keeper.want(0, "none")
    found = at.usage()
    assert found.idle_s == pytest.approx(30.0, abs=1e-3)
    assert found.draining_s == pytest.approx(2 * 20.0, abs=1e-3)
    assert found.node_s == pytest.approx(50.0, abs=1e-3)
    assert found.unplaced_gpu_s == pytest.approx(30.0 * 5 + 20.0, abs=1e-2)
    gpu_s = found.paid_s * 4 + found.unplaced_gpu_s
    assert gpu_s == pytest.approx(found.node_s * 9, abs=1e-2)


def test_spot_nodes_are_counted_apart() -> None:
    at = Metered(wanted=4, node={"spot_share": 0.25})
    found = at.usage()
    assert (found.node_s, found.spot_node_s) == (300.0, 100.0)


def test_gpus_of_a_node_that_is_on_its_way_or_warm_are_unplaced() -> None:
    at = Metered(wanted=1, keep={"warm_nodes": 1}, node={"gpus_per_replica": 2})
    assert at.usage().unplaced_gpu_s == 200.0


def test_means_by_five_minutes_tails_included() -> None:
    """One to the end of 700 s; another to 150 s, paid to 450 s."""
    node = {"billed_s": lambda held_s: max(held_s, 460.0)}
    at = Metered(wanted=2, window_s=700.0, node=node)
    at.of.until(150.0)
    at.of.keeper.want(1, "less")
    found = at.usage(3)
    assert found.paid_by_interval == pytest.approx([2.0, 1.5, 1.0], abs=1e-4)
    assert found.paid_by_interval @ [300, 300, 100] == pytest.approx(found.paid_s, abs=1e-2)
