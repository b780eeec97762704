"""P95: each clause of the law by itself, and the law around a queue."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from sim.fleet.p95 import (
    AT_LEAST,
    AT_MOST,
    DOWN,
    HOLD,
    HOLD_DRAINING,
    HOLD_ONCE,
    HOLD_STARTING,
    HOLD_UNREADY,
    HOLD_VOID,
    P95,
    REMEMBERED_S,
    UP_STARVED,
    UP_TPOT,
    UP_TTFT,
)
from sim.fleet.scaler import Decision, Observation
from sim.scenario.autoscaler import P95Scaler

TARGET_S = 0.040
FLOOR_S = 0.010
GUARD_S = 1.0
HELD = 10
"""Requests that a busy replica of the queue holds."""

CLEAN_S = 75.0
"""Window and metric delay: from then on, all that is measured comes from the new replicas."""


def law(least: int = 1, most: int = 100, guard: float | None = GUARD_S, **spec: Any) -> P95:
    return P95(
        P95Scaler(kind="p95", **spec),
        target_tpot_s=TARGET_S,
        guard_ttft_s=guard,
        least=least,
        most=most,
    )


def look(scaler: P95, now_s: float, ready: int, p95: float | None = 0.030, **seen: Any) -> Decision:
    observation = Observation(
        now_s=now_s, ready=ready, p95_tpot_s=p95, floor_tpot_s=FLOOR_S, **{"held": 10, **seen}
    )
    return scaler.decide(observation)


def looks(
    scaler: P95, ready: int, until_s: float, from_s: float = 0.0, **seen: Any
) -> list[Decision]:
    """Look every 15 s within [from, until) at a pool that stays as it is."""
    times = range(int(from_s), int(until_s), 15)
    return [look(scaler, float(now), ready, **seen) for now in times]


def settled(ready: int, scaler: P95 | None = None, **seen: Any) -> P95:
    """Return a law that has just seen *ready* for long enough to trust what is measured."""
    scaler = scaler or law()
    assert {d.reason for d in looks(scaler, ready, CLEAN_S, **seen)} == {HOLD_VOID}
    return scaler


# -- up


def test_up_takes_two_looks_running() -> None:
    scaler = settled(4)
    assert look(scaler, 75, 4, 0.050) == Decision(4, HOLD_ONCE)
    assert look(scaler, 90, 4, 0.050).reason == UP_TPOT


def test_a_look_that_asks_for_nothing_starts_the_count_again() -> None:
    scaler = settled(4)
    for now, p95, reason in (
        (75, 0.050, HOLD_ONCE),
        (90, 0.044, HOLD),
        (105, 0.050, HOLD_ONCE),
        (120, None, HOLD),
        (135, 0.050, HOLD_ONCE),
        (150, 0.050, UP_TPOT),
    ):
        assert look(scaler, now, 4, p95).reason == reason


@pytest.mark.parametrize(("p95", "up"), [(0.0440, False), (0.0441, True)])
def test_up_is_above_1_1_targets(p95: float, up: bool) -> None:
    """1.1 x 40 ms = 44 ms, which itself is let pass."""
    scaler = settled(10)
    assert looks(scaler, 10, 105, 75, p95=p95)[-1].replicas == (11 if up else 10)


@pytest.mark.parametrize(
    ("p95", "replicas"),
    [
        # floor 10, target 40: (p - 10)(10/n)^1.5 <= 30  <=>  n >= 10 ((p - 10)/30)^(2/3)
        (0.0445, 11),  # (34.5/30)^(2/3) = 1.0977: 10.98
        (0.0460, 12),  # 1.2^(2/3) = 1.1292: 11.29
        (0.0700, 16),  # 2^(2/3) = 1.5874: 15.87
        (0.0800, 18),  # (7/3)^(2/3) = 1.7592: 17.59
        (0.0900, 20),  # (8/3)^(2/3) = 1.9230: 19.23
        (0.5000, 20),  # 6.4 times: but twice at most
    ],
)
def test_up_goes_to_the_least_that_meets_the_target(p95: float, replicas: int) -> None:
    scaler = settled(10)
    assert looks(scaler, 10, 105, 75, p95=p95)[-1] == Decision(replicas, UP_TPOT)


def test_an_exact_prediction_is_enough() -> None:
    """(p - floor) = 8 x 30 ms on 1: n = 4 meets 40 ms exactly, if four times were allowed."""
    scaler = settled(1, law(step=100.0))
    assert looks(scaler, 1, 105, 75, p95=FLOOR_S + 8 * 0.030)[-1].replicas == 4


def test_a_target_below_the_floor_is_never_met_and_doubles() -> None:
    scaler = P95(P95Scaler(kind="p95"), target_tpot_s=0.005, guard_ttft_s=None, least=1, most=99)
    settled(3, scaler)
    assert looks(scaler, 3, 105, 75, p95=0.011)[-1].replicas == 6


def test_starting_replicas_count() -> None:
    """16 are needed: with 5 starting beside 10 ready one more is ordered, with 6 none."""
    scaler = settled(10, starting=5)
    assert looks(scaler, 10, 105, 75, p95=0.070, starting=5)[-1] == Decision(16, UP_TPOT)
    assert look(scaler, 105, 10, 0.070, starting=6) == Decision(16, HOLD_STARTING)
    assert look(scaler, 120, 10, 0.090, starting=6) == Decision(20, UP_TPOT)


def test_one_ready_replica_may_become_two_even_with_a_small_step() -> None:
    scaler = settled(1, law(step=1.2))
    assert looks(scaler, 1, 105, 75, p95=0.2)[-1].replicas == 2


# -- a change of the ready replicas


def test_a_change_voids_what_was_measured() -> None:
    """At 90 s 5 are ready: until 165 s the window still holds requests of 4."""
    scaler = settled(4)
    assert look(scaler, 75, 4, 0.050).reason == HOLD_ONCE
    found = looks(scaler, 5, 165, 90, p95=0.050)
    assert {d.reason for d in found} == {HOLD_VOID}
    assert look(scaler, 165, 5, 0.050).reason == HOLD_ONCE
    assert look(scaler, 180, 5, 0.050).reason == UP_TPOT


def test_the_wait_is_window_and_delay() -> None:
    scaler = law(window="30s", metric_delay="45s")
    assert look(scaler, 0, 4, 0.050).reason == HOLD_VOID
    assert look(scaler, 74.9, 4, 0.050).reason == HOLD_VOID
    assert look(scaler, 75, 4, 0.050).reason == HOLD_ONCE


def test_ordered_replicas_are_no_change_until_they_are_ready() -> None:
    scaler = settled(4)
    looks(scaler, 4, 105, 75, p95=0.050)
    assert look(scaler, 105, 4, 0.050, starting=1).reason == HOLD_STARTING
    assert look(scaler, 120, 4, 0.090, starting=1).replicas == 8


def test_without_a_ready_replica_nothing_is_known() -> None:
    assert look(law(), 0, 0, None, starting=2) == Decision(2, HOLD_UNREADY)


# -- down


def test_down_by_one_after_ten_minutes() -> None:
    """pred(9) = 10 + (p - 10)(10/9)^1.5 <= 36  <=>  p <= 32.2 ms."""
    scaler = law()
    found = looks(scaler, 10, 600, p95=0.032)
    assert {d.replicas for d in found} == {10}
    assert look(scaler, 600, 10, 0.032) == Decision(9, DOWN)


@pytest.mark.parametrize(("p95", "replicas"), [(0.03219, 9), (0.03221, 10)])
def test_down_only_if_one_fewer_stays_below_0_9_targets(p95: float, replicas: int) -> None:
    """26 ms / (10/9)^1.5 = 22.199 ms above the floor."""
    assert looks(law(), 10, 615, p95=p95)[-1].replicas == replicas


def test_down_looks_at_the_90th_percentile_of_the_stable_time() -> None:
    """36 looks count, from 75 s to 600 s; 3 high ones are within a tenth (3.6), 4 are not."""
    for high, replicas in ((3, 9), (4, 10)):
        scaler = settled(10, p95=0.020)
        looks(scaler, 10, 75 + 15 * high, 75, p95=0.040)
        looks(scaler, 10, 600, 75 + 15 * high, p95=0.020)
        assert look(scaler, 600, 10, 0.020).replicas == replicas


def test_what_is_older_than_the_stable_time_does_not_hold_it_up() -> None:
    """p fell at 1500 s: of the 40 looks within 600 s, 4 may be of before: 1440 s to 1485 s."""
    scaler = law()
    assert {d.replicas for d in looks(scaler, 10, 1500, p95=0.040)} == {10}
    found = looks(scaler, 10, 2100, 1500, p95=0.020)
    first = next(i for i, d in enumerate(found) if d.reason == DOWN)
    assert 1500 + 15 * first == 2025  # looks of (1425, 2025]: 4 high, 36 low


def test_no_down_while_something_starts() -> None:
    found = looks(law(), 10, 900, p95=0.020, starting=1)
    assert {d.replicas for d in found} == {11}


def test_no_down_below_the_least() -> None:
    assert {d.replicas for d in looks(law(least=3), 3, 900, p95=0.020)} == {3}


def test_the_last_replica_stays() -> None:
    assert {d.replicas for d in looks(law(least=0), 1, 900, p95=None, held=0)} == {1}
    assert look(law(least=0), 0, 0, None, held=0) == Decision(0, HOLD_UNREADY)


def test_after_a_step_down_ten_minutes_pass_again() -> None:
    scaler = law()
    looks(scaler, 10, 615, p95=0.020)
    found = looks(scaler, 9, 1230, 615, p95=0.020)
    assert [d.replicas for d in found] == [9] * 40 + [8]


def test_an_empty_pool_goes_down() -> None:
    """Nothing finishes and nothing is held: each look counts as a lone request."""
    assert looks(law(), 2, 615, p95=None, held=0)[-1] == Decision(1, DOWN)


def test_work_that_has_not_finished_says_nothing() -> None:
    """Long answers: nothing finished, nothing waits, but work is held: neither up nor down."""
    assert {d.reason for d in looks(law(), 2, 900, 75, p95=None)} == {HOLD_VOID, HOLD}


# -- guard


@pytest.mark.parametrize("seen", [{"p95_ttft_s": 1.5}, {"oldest_wait_s": 1.5}])
def test_the_guard_scales_up_by_the_same_law(seen: dict[str, float]) -> None:
    """1.5 (10/n)^1.5 <= 1  <=>  n >= 10 x 1.5^(2/3) = 13.1: 14; TPOT is fine."""
    scaler = settled(10)
    assert look(scaler, 75, 10, 0.030, **seen) == Decision(10, HOLD_ONCE)
    assert look(scaler, 90, 10, 0.030, **seen) == Decision(14, UP_TTFT)


def test_the_floor_of_ttft_is_0() -> None:
    """50 ms of 20 ms: 2.5^(2/3) = 1.842: 19; above a floor of 10 ms it would be 20."""
    scaler = settled(10, law(guard=0.020))
    assert looks(scaler, 10, 105, 75, p95_ttft_s=0.050)[-1] == Decision(19, UP_TTFT)


def test_the_guard_at_most_doubles() -> None:
    scaler = settled(10)
    assert looks(scaler, 10, 105, 75, p95_ttft_s=60.0)[-1] == Decision(20, UP_TTFT)


def test_the_larger_need_counts() -> None:
    """TPOT asks for 16, TTFT for 14, and the other way round (1.1^(2/3) = 1.066: 11 and 12)."""
    scaler = settled(10)
    both = looks(scaler, 10, 105, 75, p95=0.070, p95_ttft_s=1.5)
    assert both[-1] == Decision(16, UP_TPOT)
    scaler = settled(10)
    assert looks(scaler, 10, 105, 75, p95=0.0445, p95_ttft_s=1.3)[-1] == Decision(12, UP_TTFT)


def test_the_guard_forbids_down() -> None:
    scaler = law()
    looks(scaler, 10, 600, p95=0.020)
    assert look(scaler, 600, 10, 0.020, oldest_wait_s=1.1) == Decision(10, HOLD_ONCE)
    assert look(scaler, 615, 10, 0.020, oldest_wait_s=1.0) == Decision(9, DOWN)


def test_nothing_finishing_while_work_waits_is_up() -> None:
    scaler = settled(4)
    assert looks(scaler, 4, 105, 75, p95=None, oldest_wait_s=90.0)[-1] == Decision(8, UP_STARVED)


def test_nothing_finishing_while_work_waits_is_up_without_a_guard() -> None:
    """A whole window of waiting, and nothing finished in it."""
    scaler = settled(4, law(guard=None))
    found = looks(scaler, 4, 105, 75, p95=None, oldest_wait_s=60.0)
    assert found[-1] == Decision(8, UP_STARVED)
    scaler = settled(4, law(guard=None))
    found = looks(scaler, 4, 105, 75, p95=None, oldest_wait_s=59.0)
    assert found[-1] == Decision(4, HOLD)


def test_without_a_guard_ttft_is_nothing() -> None:
    scaler = settled(4, law(guard=None))
    assert looks(scaler, 4, 105, 75, p95_ttft_s=99.0, oldest_wait_s=99.0)[-1].replicas == 4


# -- what the guard learns


def test_a_backlog_that_is_worked_off_is_no_reason_to_grow() -> None:
    """Within a minute 110 of 1,200 have gone: empty in less than the stable ten minutes."""
    scaler = settled(4)
    for now_s, held in ((75, 1200), (90, 1170), (105, 1140), (120, 1110)):
        look(scaler, now_s, 4, held=held)
    assert look(scaler, 135, 4, held=1090, oldest_wait_s=9.0) == Decision(4, HOLD_DRAINING)


def test_a_backlog_that_is_hardly_worked_off_is_one() -> None:
    """100 of 1,200 a minute: it would take eleven minutes more."""
    scaler = settled(4)
    for now_s, held in ((75, 1200), (90, 1175), (105, 1150), (120, 1125)):
        look(scaler, now_s, 4, held=held)
    assert look(scaler, 135, 4, held=1100, oldest_wait_s=9.0) == Decision(4, HOLD_ONCE)
    assert look(scaler, 150, 4, held=1075, oldest_wait_s=9.0) == Decision(8, UP_TTFT)


def test_a_look_at_a_backlog_that_is_worked_off_starts_the_count_again() -> None:
    scaler = settled(4, held=400)
    assert look(scaler, 75, 4, held=400, oldest_wait_s=9.0) == Decision(4, HOLD_ONCE)
    assert look(scaler, 90, 4, held=100, oldest_wait_s=9.0) == Decision(4, HOLD_DRAINING)
    assert look(scaler, 105, 4, held=500, oldest_wait_s=9.0) == Decision(4, HOLD_ONCE)


def test_where_the_guard_fired_is_not_gone_down_to_for_some_hours() -> None:
    """At three, with TPOT content; four stay, and then three are tried again."""
    scaler = settled(3)
    fired_s = 90
    assert looks(scaler, 3, fired_s + 15, 75, p95=0.020, oldest_wait_s=1.1)[-1].replicas == 4
    held = looks(scaler, 4, fired_s + REMEMBERED_S, fired_s + 15, p95=0.020)
    assert DOWN not in {d.reason for d in held}
    assert look(scaler, fired_s + REMEMBERED_S, 4, 0.020) == Decision(3, DOWN)


def test_what_is_not_where_it_fired_is_gone_down_to() -> None:
    scaler = settled(3)
    looks(scaler, 3, 105, 75, p95=0.020, oldest_wait_s=1.1)
    assert looks(scaler, 5, 105 + 615, 105, p95=0.020)[-1] == Decision(4, DOWN)


# -- bounds


def test_never_more_than_the_most() -> None:
    scaler = settled(10, law(most=12))
    assert looks(scaler, 10, 105, 75, p95=0.5)[-1] == Decision(12, UP_TPOT)
    assert look(scaler, 105, 10, 0.5, starting=2) == Decision(12, AT_MOST)


def test_bounds_come_first() -> None:
    assert look(law(least=3), 0, 1) == Decision(3, AT_LEAST)
    assert look(law(most=5), 0, 6, starting=1) == Decision(5, AT_MOST)


# -- the law around a queue


@dataclass
class Toy:
    """A processor-sharing queue: TPOT = floor/(1 - load), one request a second fills a replica.

    Above *fullest* the batch is full and the rest waits. New replicas take 4 minutes. What is
    measured is 15 s old and the worst of the minute before.
    """

    load: Callable[[float], float]
    scaler: P95
    ready: int
    fullest: float = 0.95
    starting: list[float] = field(default_factory=list)
    changes: list[tuple[float, int]] = field(default_factory=list)
    late: int = 0
    paid_s: float = 0.0
    backlog: float = 0.0
    measured: list[tuple[float, float]] = field(default_factory=list)

    def run(self, until_s: float) -> Toy:
        for now in range(0, int(until_s), 15):
            self.ready += sum(at <= now for at in self.starting)
            self.starting = [at for at in self.starting if at > now]
            self.serve(float(now))
            self.scale(float(now))
        return self

    def serve(self, now: float) -> None:
        most = self.fullest * self.ready
        served = min(self.load(now) + self.backlog / 15, most)
        self.backlog += 15 * (self.load(now) - served)
        tpot = FLOOR_S / (1 - served / self.ready)
        self.measured.append((tpot, self.backlog / most))
        self.late += self.backlog / most > GUARD_S or tpot > TARGET_S / 0.75
        self.paid_s += 15 * (self.ready + len(self.starting))

    def scale(self, now: float) -> None:
        minute = self.measured[-6:-1] or self.measured
        wanted = self.ready + len(self.starting)
        decision = self.scaler.decide(
            Observation(
                now_s=now,
                ready=self.ready,
                starting=len(self.starting),
                p95_tpot_s=max(tpot for tpot, _ in minute),
                p95_ttft_s=0.1 + max(wait for _, wait in minute),
                oldest_wait_s=self.measured[-1][1],
                held=int(HELD * (self.backlog + min(self.load(now), self.fullest * self.ready))),
                floor_tpot_s=FLOOR_S,
            )
        )
        if decision.replicas != wanted:
            self.changes.append((now, decision.replicas - wanted))
        self.starting += [now + 240] * (decision.replicas - wanted)
        self.ready -= max(wanted - decision.replicas, 0)


def moderate() -> P95:
    """Target 2.5 floors: the law's exponent is then no smaller than the queue's own growth."""
    spec = P95Scaler(kind="p95")
    return P95(spec, target_tpot_s=0.025, guard_ttft_s=GUARD_S, least=1, most=100)


@pytest.mark.parametrize("load", [0.3, 0.7, 1.5, 2.5, 4.0, 7.3, 12.0, 25.0])
@pytest.mark.parametrize("start", [1, 8, 60])
def test_a_constant_load_settles_and_stays(load: float, start: int) -> None:
    """However far it overshot, it comes down by one in ten minutes, never up again, and stays.

    In the end TPOT is below 1.1 targets, and one replica fewer would pass 0.9 targets.
    """
    toy = Toy(lambda _: load, moderate(), start).run(24 * 3600)
    assert not [change for at, change in toy.changes if at > 20 * 3600]
    ups = [at for at, change in toy.changes if change > 0]
    downs = [at for at, change in toy.changes if change < 0]
    assert not ups or not downs or max(ups) < min(downs)  # never up again after a step down
    assert FLOOR_S / (1 - load / toy.ready) <= 1.1 * 0.025
    fewer = toy.ready - 1
    predicted = FLOOR_S + (FLOOR_S / (1 - load / toy.ready) - FLOOR_S) * (
        math.inf if fewer == 0 else (toy.ready / fewer) ** 1.5
    )
    assert fewer == 0 or predicted > 0.9 * 0.025


def test_a_day_is_followed_without_flapping() -> None:
    """Three days between 0.6 and 12.6 replicas' worth. The ideal pays load/(1 - 1/2.5)."""
    toy = Toy(lambda t: 6.0 * (1.1 - math.cos(2 * math.pi * t / 86_400)), moderate(), 2)
    toy.run(3 * 86_400)
    assert toy.late == 0
    assert len(toy.changes) <= 3 * 40
    turns = sum(
        (one > 0) != (two > 0)
        for (_, one), (_, two) in zip(toy.changes, toy.changes[1:], strict=False)
    )
    assert turns <= 6  # up and down once a day
    assert toy.paid_s <= 1.2 * 3 * 86_400 * 6.6 / 0.6


def test_an_overload_is_left_behind() -> None:
    """Ten times the load at once: replicas double until the backlog is gone, and no more is late.

    1 -> 2 -> 4 -> 8 -> 16 takes four times (looks, window, delay, cold start), some 26 minutes.
    """
    toy = Toy(lambda t: 0.5 if t < 3600 else 5.0, moderate(), 1).run(2 * 3600)
    assert toy.backlog == 0.0
    assert [change for _, change in toy.changes[:4]] == [1, 2, 4, 8]
    assert toy.measured[-1][0] <= 1.1 * 0.025


def test_a_batch_that_fills_before_the_target_saws_some_times_a_day() -> None:
    """A known limit: TPOT stays low in a full batch, so the law goes down until the guard acts.

    At 0.5 load the batch is full (20 ms, target 40 ms), and 15 replicas are needed. It tries 14
    some times a day, doubles, and comes down again; few requests are late.
    """
    toy = Toy(lambda _: 7.3, law(), 16, fullest=0.5).run(24 * 3600)
    assert 2 <= sum(change > 0 for _, change in toy.changes) <= 4
    assert toy.late < 0.02 * len(toy.measured)
    assert toy.backlog == pytest.approx(0.0, abs=1e-9)


def test_a_backlog_is_not_overshot() -> None:
    """Ten times the load at once, and a batch that is full at half load: 10 are needed."""
    toy = Toy(lambda t: 0.5 if t < 3600 else 5.0, law(), 1, fullest=0.5).run(3 * 3600)
    assert [change for _, change in toy.changes[:4]] == [1, 2, 4, 8]
    assert max(at for at, change in toy.changes if change > 0) < 2 * 3600
    assert toy.backlog == 0.0
