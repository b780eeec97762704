"""A pool's levels and flows as rows (`sim.fleet.sampling`); steps of 1 s, one slot."""

from __future__ import annotations

from typing import Any

import pytest

from sim.fleet.meter import PoolMeter
from sim.fleet.sampling import Sampler
from sim.fleet.site import Site
from sim.serving.sequence import Outcome, Sequence
from tests.unit.engines import ask
from tests.unit.fleets import Fleet


class Sampled:
    """Rows every 10 s up to 40 s; a node costs 3 USD an hour, on spot 1."""

    def __init__(self, wanted: int = 1, ends: Any = None, **fleet: Any) -> None:
        self.of = of = Fleet(wanted, at_s=-5.0, **fleet)
        meter = PoolMeter(of.occupancy, of.provider, of.keeper, 40.0)
        site = Site(of.pool, of.provider, of.occupancy, of.keeper, meter, wanted)
        self.sampler = Sampler(of.env, site, 10.0, {False: 3.0, True: 1.0})
        self.submit = self.sampler.submitting(of.pool.submit)
        of.pool.on_done = self.sampler.ending(ends or of.pool.on_done)
        of.env.process(self.sampler.run(40.0))

    def send(self, *asks: Sequence) -> None:
        for sequence in asks:
            self.of.until(sequence.arrived_at_s)
            self.submit(sequence)

    def column(self, name: str) -> list[Any]:
        self.of.until(60.0)
        return [row[name] for row in self.sampler.rows]


def test_a_row_every_so_often_from_the_window_s_start_on() -> None:
    at = Sampled()
    assert at.column("t_s") == [0.0, 10.0, 20.0, 30.0]
    assert set(at.column("pool")) == {"main"}


def test_rates_are_of_the_interval_before() -> None:
    """What came before 0 s is in no row; two come by 10 s, one by 20 s."""
    at = Sampled()
    at.send(*(ask(n, at_s, 4, 2) for n, at_s in enumerate((-3.0, 1.0, 7.0, 15.0))))
    assert at.column("offered_rps") == [0.0, 0.2, 0.1, 0.0]
    assert at.column("completed_rps") == [0.0, 0.2, 0.1, 0.0]
    assert at.column("failed_rps") == [0.0] * 4
    ttft_s = at.column("ttft_p95_s")
    assert (ttft_s[0], ttft_s[3]) == (None, None)
    assert ttft_s[1:3] == pytest.approx([1.0, 1.0], abs=1e-3)
    assert at.column("tpot_p95_s")[1] == pytest.approx(1.0, abs=1e-3)


def test_what_ends_badly_is_counted_apart() -> None:
    at = Sampled(wanted=0)
    at.send(ask(0, 1.0, 4, 2), ask(1, 2.0, 4, 2))
    assert at.column("failed_rps") == [0.0, 0.2, 0.0, 0.0]
    assert at.column("completed_rps") == [0.0] * 4


def test_an_answer_that_was_of_no_use_is_no_success() -> None:
    """Whoever gets it says so: it failed with its prefill, or its client had gone."""

    def failed(sequence: Sequence) -> None:
        sequence.outcome = Outcome.FAILED

    at = Sampled(ends=failed)
    at.send(ask(0, 1.0, 4, 2))
    assert at.column("failed_rps") == [0.0, 0.1, 0.0, 0.0]
    assert at.column("completed_rps") == [0.0] * 4


def test_levels_of_the_fleet() -> None:
    """Two ready; at 5 s a third is wanted, ready 20 s later; at 15 s one dies."""
    at = Sampled(wanted=2, keep={"load": 20.0}, node={"spot_share": 0.5})
    at.of.until(5.0)
    at.of.keeper.want(3, "more")
    at.of.until(15.0)
    at.of.keeper.fail(at.of.seat(0))
    assert at.column("replicas_wanted") == [2.0, 3.0, 3.0, 3.0]
    assert at.column("replicas_ready") == [2.0, 2.0, 1.0, 2.0]
    assert at.column("replicas_starting") == [0.0, 1.0, 1.0, 0.0]
    assert at.column("replicas_failed") == [0.0, 0.0, 1.0, 1.0]
    assert at.column("replicas_draining") == [0.0] * 4
    assert at.column("nodes") == [2.0, 3.0, 3.0, 3.0]
    assert at.column("usd_per_hour") == [4.0, 7.0, 7.0, 7.0]


def test_levels_of_the_engines() -> None:
    """From 2 s on one runs and one waits, until 14 s; the other then until 26 s."""
    at = Sampled(engine={"blocks": 10})
    at.send(ask(0, 2.0, 8, 12), ask(1, 2.0, 8, 12))
    assert at.column("vllm:num_requests_running") == [0.0, 1.0, 1.0, 0.0]
    assert at.column("vllm:num_requests_waiting") == [0.0, 1.0, 0.0, 0.0]
    assert at.column("vllm:num_preemptions_total") == [0.0] * 4
    assert at.column("busy_replica_s") == pytest.approx([0.0, 8.0, 18.0, 24.0], abs=1e-3)
    used = at.column("vllm:kv_cache_usage_perc")
    assert (used[0], used[3]) == (0.0, 0.0)
    assert used[1] == pytest.approx(0.2, abs=0.21)


def test_busy_seconds_are_those_of_replicas_that_went_too() -> None:
    at = Sampled()
    at.send(ask(0, 2.0, 4, 99))
    at.of.until(8.0)
    at.of.keeper.kill(at.of.seat(0))
    assert at.column("busy_replica_s")[1:] == pytest.approx([6.0] * 3, abs=1e-3)
