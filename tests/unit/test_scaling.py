"""An autoscaler at work, and a pool that falls asleep (`sim.fleet.scaling`); steps of 1 s."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from sim.fleet.history import History
from sim.fleet.scaler import Decision, Observation
from sim.fleet.scaling import Looks, Scaling, Sleep
from sim.serving.sequence import Outcome, Sequence
from tests.unit.engines import ask
from tests.unit.fleets import READY, STARTING, Fleet


class Told:
    """Wants what it was told, one number a look; remembers what it saw."""

    def __init__(self, *wanted: int) -> None:
        self.wanted: Iterator[int] = iter(wanted)
        self.last = wanted[-1] if wanted else 1
        self.seen: list[Observation] = []

    def decide(self, seen: Observation) -> Decision:
        self.seen.append(seen)
        self.last = next(self.wanted, self.last)
        return Decision(self.last, "as told")


class Watched:
    """A pool under an autoscaler that looks every 10 s, at the 20 s before *delay_s* ago."""

    def __init__(
        self,
        scaler: Told,
        wanted: int = 1,
        delay_s: float = 0.0,
        keep_s: float = 1e9,
        plans: bool = False,
        **fleet: Any,
    ) -> None:
        self.of = of = Fleet(wanted, **fleet)
        self.scaler = scaler
        looks = Looks(10.0, 20.0, delay_s, 0.25)
        self.scaling = Scaling(of.env, of.keeper, scaler, looks, History(keep_s, 2), plans=plans)
        self.submit = self.scaling.submitting(of.pool.submit)
        of.pool.on_done = self.scaling.ending(of.pool.on_done)
        of.env.process(self.scaling.run())

    def send(self, *asks: Sequence) -> None:
        for sequence in asks:
            self.of.until(sequence.arrived_at_s)
            self.submit(sequence)

    def at(self, look: int) -> Observation:
        """What was seen at the *look*-th look, from 1."""
        self.of.until(10.0 * look)
        return self.scaler.seen[look - 1]


def test_it_looks_again_and_again_and_what_it_wants_is_done() -> None:
    at = Watched(Told(1, 3, 2))
    at.of.until(35.0)
    assert [seen.now_s for seen in at.scaler.seen] == [10.0, 20.0, 30.0]
    assert list(at.of.states().values()) == [READY, READY]
    assert at.of.told() == [(20.0, "scale"), (20.0, "ready"), (20.0, "ready"), (30.0, "scale")]
    assert at.of.keeper.events[0].reason == "as told"


def test_it_sees_who_is_ready_and_who_is_coming() -> None:
    at = Watched(Told(3, 3, 3), keep={"load": 15.0})
    assert (at.at(1).ready, at.at(1).starting) == (1, 0)
    assert (at.at(2).ready, at.at(2).starting, at.at(2).wanted) == (1, 2, 3)
    assert (at.at(3).ready, at.at(3).starting) == (3, 0)


def test_spare_ones_and_those_of_a_rollout_are_not_its_business() -> None:
    """Else it would hold them for ever."""
    at = Watched(Told(2), wanted=2, keep={"total": lambda n: n + 1, "surge": 2, "load": 15.0})
    assert (at.at(1).ready, at.at(1).starting) == (2, 0)
    at.of.keeper.roll("a new version comes")
    assert (at.at(2).ready, at.at(2).starting) == (2, 0)


def test_dead_ones_count_as_ready_until_it_is_noticed() -> None:
    at = Watched(Told(2), wanted=2, keep={"load": 15.0})
    at.of.keeper.fail(at.of.seat(0))
    assert (at.at(1).ready, at.at(1).starting) == (2, 0)
    at.of.keeper.restart(at.of.seat(0))
    assert (at.at(2).ready, at.at(2).starting) == (1, 1)


def test_it_sees_how_fast_answers_are_and_how_long_others_wait() -> None:
    """One from 1 to 5 s; another, behind it, to 9 s; the third waits from 3 s on."""
    at = Watched(Told(1))
    at.send(*(ask(n, 1.0 + n, 4, 4) for n in range(3)))
    assert (at.at(1).held, at.of.ends()[0]) == (1, (0, "completed", 5.0))
    seen = at.at(1)
    assert seen.p95_tpot_s == pytest.approx(1.0, abs=1e-3)
    assert seen.p95_ttft_s == pytest.approx(1.0 + 0.95 * 3.0, abs=1e-3)
    assert (seen.held, seen.oldest_wait_s) == (1, 0.0)
    assert seen.floor_tpot_s == 0.25
    assert seen.requests_per_s == pytest.approx(3 / 20)
    assert seen.tokens_per_s == pytest.approx((3 * 4 + 2 * 4) / 20)


def test_what_runs_and_what_waits_is_held() -> None:
    at = Watched(Told(1))
    at.send(*(ask(n, 5.0, 4, 99) for n in range(3)))
    assert (at.at(1).held, at.at(1).oldest_wait_s) == (3, pytest.approx(5.0, abs=1e-3))


def test_what_is_old_is_forgotten() -> None:
    at = Watched(Told(1), keep_s=30.0)
    at.send(*(ask(n, 5.0 * n, 4, 1) for n in range(40)))
    assert len(at.scaling.history._came) <= 8
    assert len(at.scaling.history._finished) <= 8


def test_what_it_sees_is_as_old_as_a_scrape() -> None:
    """Answered at 12 s: not yet seen at 20 s, if that shows the 20 s before 10 s."""
    at = Watched(Told(1), delay_s=10.0)
    at.send(ask(0, 8.0, 4, 4))
    assert at.at(2).p95_tpot_s is None
    assert at.at(2).requests_per_s == pytest.approx(1 / 20)
    assert at.at(3).p95_tpot_s == pytest.approx(1.0, abs=1e-3)


def test_nothing_that_it_sees_tells_how_long_answers_will_be() -> None:
    """Two worlds that differ in the lengths of answers which are still being made."""
    seen = []
    for answer in (50, 90):
        at = Watched(Told(1))
        at.send(ask(0, 1.0, 4, 2), ask(1, 2.0, 4, answer), ask(2, 3.0, 4, answer))
        seen += [(at.at(look), at.at(look)) for look in (1, 2, 3)]
    assert seen[:3] == seen[3:]


def test_gauges_of_the_replicas_that_answer() -> None:
    """Two on the one, of which one waits; the other has died; a third is on its way."""
    at = Watched(Told(1), engine={"blocks": 10}, node={"provision": 60.0})
    at.send(ask(0, 9.0, 16, 9), ask(1, 9.5, 4, 9))
    at.of.keeper.want(2, "more")
    gauges = at.at(1).gauges
    assert gauges["requests_running"].values == [1.0]
    assert gauges["requests_waiting"].values == [1.0]
    assert gauges["kv_usage"].values == [pytest.approx(0.4)]
    assert gauges["requests_per_s"].values == [pytest.approx(0.1)]
    assert (gauges["kv_usage"].missing, gauges["kv_usage"].pending) == (1, 0)


def test_ordered_ones_are_pending_and_dead_ones_missing() -> None:
    at = Watched(Told(3), wanted=2, node={"retry_after_s": 99.0})
    at.of.provider.out["a"] = 1
    at.of.keeper.fail(at.of.seat(0))
    at.of.keeper.want(3, "more")
    gauge = at.at(1).gauges["requests_running"]
    assert (gauge.values, gauge.missing, gauge.pending) == ([0.0], 1, 1)


def test_gauges_are_as_old_as_the_delay_too() -> None:
    at = Watched(Told(1), delay_s=10.0)
    at.send(ask(0, 9.0, 4, 99))
    assert at.at(1).gauges["requests_running"].values == [1.0]  # the first look has nothing older
    (one,) = at.of.seat(0).replica.batcher.running
    at.of.pool.abort(one, Outcome.CANCELLED)
    assert at.at(2).gauges["requests_running"].values == [1.0]
    assert at.at(3).gauges["requests_running"].values == [0.0]


def test_a_pool_that_is_asleep_is_left_asleep() -> None:
    """Its autoscaler, which would have at least one, looks on."""
    at = Watched(Told(1), wanted=0)
    at.of.until(45.0)
    assert at.of.states() == {}
    assert len(at.scaler.seen) == 4
    at.of.keeper.want(1, "a request has come")
    at.of.until(55.0)
    assert list(at.of.states().values()) == [READY]


def test_one_that_plans_wakes_a_pool_before_anybody_asks() -> None:
    """At 30 s; and it is for those who ask to put it to sleep again."""
    at = Watched(Told(0, 0, 2, 0), wanted=0, plans=True)
    at.of.until(25.0)
    assert at.of.states() == {}
    at.of.until(30.0)
    assert list(at.of.states().values()) == [READY, READY]
    at.of.until(45.0)
    assert list(at.of.states().values()) == [READY]


def test_a_pool_sleeps_only_when_nothing_is_planned() -> None:
    """It is empty from the beginning; from 30 s on none is planned, and 7 s later it sleeps."""
    at = Watched(Told(1, 1, 0), plans=True)
    Sleep(at.of.env, at.of.keeper, 7.0, at.scaling)
    at.of.until(29.0)
    assert list(at.of.states().values()) == [READY]
    at.of.until(36.0)
    assert list(at.of.states().values()) == [READY]
    at.of.until(37.0)
    assert at.of.states() == {}


# -- sleep ----------------------------------------------------------------------------------------


class Sleeper:
    """A pool that falls asleep after 10 s, and takes 4 s to wake."""

    def __init__(self, wanted: int = 1, after_s: float = 10.0, **fleet: Any) -> None:
        keep = {"load": 4.0, **fleet.pop("keep", {})}
        self.of = of = Fleet(0, holds=True, keep=keep, **fleet)
        self.sleep = Sleep(of.env, of.keeper, after_s)
        self.submit = self.sleep.submitting(of.pool.submit)
        of.pool.on_done = self.sleep.ending(of.pool.on_done)
        of.keeper.begin(wanted)

    def send(self, *asks: Sequence) -> None:
        for sequence in asks:
            self.of.until(sequence.arrived_at_s)
            self.submit(sequence)

    def scales(self) -> list[tuple[float, int]]:
        return [(round(e.at_s, 3), e.wanted) for e in self.of.keeper.events if e.kind == "scale"]


def test_a_pool_falls_asleep_some_time_after_its_last_answer() -> None:
    at = Sleeper()
    at.send(ask(0, 3.0, 4, 5), ask(1, 9.0, 4, 2))
    at.of.until(60.0)
    assert at.of.ends()[-1] == (1, "completed", 11.0)
    assert at.scales() == [(21.0, 0)]
    assert at.of.states() == {}


def test_one_that_nobody_ever_asks_falls_asleep_too() -> None:
    at = Sleeper()
    at.of.until(60.0)
    assert at.scales() == [(10.0, 0)]


def test_who_comes_in_time_keeps_it_awake() -> None:
    at = Sleeper()
    at.send(*(ask(n, 8.0 * n, 4, 2) for n in range(5)))
    assert at.scales() == []
    at.of.until(60.0)
    assert at.scales() == [(44.0, 0)]  # the last answer is there at 34 s


def test_a_long_answer_keeps_it_awake() -> None:
    at = Sleeper()
    at.send(ask(0, 0.0, 4, 40))
    at.of.until(60.0)
    assert at.scales() == [(50.0, 0)]


def test_the_first_who_comes_wakes_it_and_waits() -> None:
    at = Sleeper(wanted=0)
    at.send(ask(0, 20.0, 4, 2), ask(1, 21.0, 4, 2))
    at.of.until(60.0)
    assert at.of.ends() == [(0, "completed", 26.0), (1, "completed", 28.0)]
    assert at.scales() == [(20.0, 1), (38.0, 0)]


def test_who_is_turned_away_wakes_it_too() -> None:
    """Nobody may wait, so else it would sleep for ever."""
    at = Sleeper(wanted=0, limits=0)
    at.send(ask(0, 20.0, 4, 2))
    assert at.of.ends() == [(0, "rejected", 20.0)]
    at.send(ask(1, 25.0, 4, 2))
    at.of.until(60.0)
    assert at.of.ends()[1:] == [(1, "completed", 27.0)]
    assert at.scales() == [(20.0, 1), (37.0, 0)]


def test_one_that_was_woken_for_nothing_falls_asleep_again() -> None:
    """It is ready at 24 s and again at 64 s; who woke it has gone elsewhere."""
    at = Sleeper(wanted=0)
    for at_s in (20.0, 60.0):
        at.of.until(at_s)
        at.of.pool.on_missed()
    at.of.until(100.0)
    assert at.scales() == [(20.0, 1), (34.0, 0), (60.0, 1), (74.0, 0)]


def test_who_gives_up_while_it_wakes_leaves_it_to_sleep() -> None:
    at = Sleeper(wanted=0, keep={"load": 40.0})
    one = ask(0, 20.0, 4, 2)
    at.send(one)
    at.of.until(25.0)
    at.of.pool.abort(one, Outcome.CANCELLED)
    at.of.until(90.0)
    assert at.scales() == [(20.0, 1), (35.0, 0)]


def test_a_rollout_does_not_keep_it_awake() -> None:
    at = Sleeper()
    at.of.until(5.0)
    at.of.keeper.roll("a new version comes")
    at.of.until(60.0)
    assert at.scales() == [(10.0, 0)]


def test_one_that_hangs_with_a_request_is_not_empty() -> None:
    at = Sleeper(hangs=True)
    at.of.keeper.fail(at.of.seat(0))
    at.send(ask(0, 5.0, 4, 2))
    at.of.until(40.0)
    assert at.scales() == []


def test_it_may_sleep_at_once() -> None:
    at = Sleeper(wanted=0, after_s=0.0)
    at.send(ask(0, 20.0, 4, 2), ask(1, 40.0, 4, 2))
    at.of.until(60.0)
    assert at.scales() == [(20.0, 1), (26.0, 0), (40.0, 1), (46.0, 0)]


def test_a_pool_asleep_is_not_woken_by_a_node_that_fails() -> None:
    at = Sleeper(hazards={"node_life": 8.0, "detection": 30.0})
    at.of.until(60.0)
    assert at.of.states() == {}
    assert at.of.phases() == {}
    assert STARTING not in at.of.states().values()
