"""The log of a run, and the loops and load tests that its sample goes through."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from usages import pool, route, scenario

from sim.fleet.build import build_batcher
from sim.scenario.document import Scenario
from sim.serving.turn import Turn
from sim.simulation import simulate
from sim.studies.gap_load import (
    TOLERANCE,
    LoadTest,
    has_target,
    largest_rate,
    small_fleet,
)
from sim.studies.gap_log import Sample, read_log
from sim.studies.gap_loop import Supply, full_throughput

STEP = {"knots_tokens": [1, 8192], "knots_s": [0.01, 0.01]}


def two_routes(**changes: Any) -> Scenario:
    return scenario(
        routes={
            "chat": route(arrivals={"rps": 2.0}, template_tokens=64),
            "user": route(arrivals={"concurrency": 3, "think_time": 5}),
        },
        pools={"main": pool(replicas=2), "idle": pool()},
        horizon=900,
        warmup=60,
        **changes,
    )


def test_the_log_is_what_arrived() -> None:
    of = two_routes()
    usage = simulate(of).usage
    log = read_log(of, 0, usage, 10_000)
    arrived = [usage.routes[name].requests.arrived for name in of.routes]
    assert log["main"].arrivals.sum(axis=0).tolist() == arrived
    assert log["main"].arrivals.shape == (3, 2)
    assert len(log["main"].sample) == sum(arrived)
    assert len(log["idle"].sample) == 0


def test_a_sample_is_of_stretches_and_every_request_is_as_likely() -> None:
    of = two_routes()
    usage = simulate(of).usage
    whole = read_log(of, 0, usage, 10_000)["main"].sample
    part = read_log(of, 0, usage, 500)["main"].sample
    assert len(part) == pytest.approx(500, abs=10)
    pairs = list(zip(whole.route, whole.number, strict=True))
    places = [pairs.index(one) for one in zip(part.route, part.number, strict=True)]
    breaks = sum(b - a != 1 for a, b in pairwise(places))
    assert 8 <= breaks <= 11
    assert places == sorted(places)


def sample(n: int, turns: bool = False) -> Sample:
    found = Sample()
    for i in range(n):
        found.route.append(0)
        found.number.append(i)
        found.input_tokens.append(100)
        found.output_tokens.append(10)
        found.prefix.append(((("template", "chat"), 32), (("doc", i), 16)))
        found.turn.append(Turn(("u", i // 2), ("u", i // 2), i % 2 == 0, True) if turns else None)
    return found


def test_a_second_time_round_is_said_by_others() -> None:
    longer = sample(2, turns=True).repeated(5)
    assert longer.number == [0, 1, 2, 3, 4]
    prefixes = [prefix for prefix in longer.prefix if prefix is not None]
    assert {prefix[0][0] for prefix in prefixes} == {("template", "chat")}
    assert len({prefix[1][0] for prefix in prefixes}) == 5
    turns = [turn for turn in longer.turn if turn is not None]
    assert turns[0].conversation == turns[1].conversation != turns[2].conversation
    assert len(sample(9).repeated(4)) == 4
    assert sample(3).mean_tokens == 110.0
    assert Sample().mean_tokens == 0.0
    assert not Sample().shares


def test_a_turn_waits_for_the_answer_before_it() -> None:
    supply = Supply(sample(4, turns=True), [0])
    first, third = supply.take(0.0), supply.take(0.0)
    assert first is not None
    assert third is not None
    assert (first.number, third.number) == (0, 2)
    assert supply.take(0.0) is None
    supply.answered(first)
    second = supply.take(1.0)
    assert second is not None
    assert second.number == 1
    supply.answered(second)
    assert supply.take(1.0) is None
    assert supply.over


def test_a_full_loop_by_hand() -> None:
    """Eight clients, ten steps of 10 ms each: 8 x 110 tokens a tenth of a second."""
    engine = {"max_num_seqs": 8, "max_num_batched_tokens": 8192, "prefix_caching": False}
    of = scenario(pools={"main": pool(engine=engine, timing=STEP)}).pools["main"]
    alone = Sample(*(list(c) for c in vars(sample(400)).values()))
    assert full_throughput(build_batcher(of), alone, 8, [0]) == pytest.approx(8800.0, rel=2e-3)
    talks = sample(400, turns=True)
    assert full_throughput(build_batcher(of), talks, 8, [0]) == pytest.approx(8800.0, rel=0.05)


def test_what_fits_no_cache_has_no_throughput() -> None:
    of = scenario(pools={"main": pool()}).pools["main"]
    huge = sample(20)
    huge.input_tokens[:] = [10**6] * 20
    assert full_throughput(build_batcher(of), huge, 4, [0]) is None


class Fake:
    """A load test that every rate below *limit* passes."""

    def __init__(self, limit: float) -> None:
        self.limit = limit
        self.sample = range(1000)
        self.asked = 0

    def meets(self, rate: float, requests: int) -> bool:
        self.asked += 1
        return rate < self.limit


@pytest.mark.parametrize("limit", [1.5, 3.7, 55.0, 99.9])
@pytest.mark.parametrize("near", [None, 0.5, 40.0])
def test_the_largest_rate_is_found(limit: float, near: float | None) -> None:
    test = Fake(limit)
    found = largest_rate(test, 100.0, near)  # type: ignore[arg-type]
    assert found is not None
    assert found < limit <= found * (1 + TOLERANCE) * (1 + 1e-9)


def test_a_rate_in_reach_of_the_guess_takes_few_runs() -> None:
    test = Fake(40.5)
    largest_rate(test, 100.0, 40.0)  # type: ignore[arg-type]
    assert test.asked <= 7


def test_no_more_than_a_full_batch_and_nothing_out_of_reach() -> None:
    assert largest_rate(Fake(1e9), 100.0, None) == 100.0  # type: ignore[arg-type]
    assert largest_rate(Fake(1e9), 100.0, 90.0) == 100.0  # type: ignore[arg-type]
    assert largest_rate(Fake(0.01), 100.0, None) is None  # type: ignore[arg-type]
    assert largest_rate(Fake(0.01), 100.0, 50.0) is None  # type: ignore[arg-type]


def test_a_small_fleet_has_nothing_but_replicas_and_patience() -> None:
    of = scenario(
        routes={"chat": route(patience="9s", retries={"max": 2}), "else": route("other")},
        pools={
            "main": pool(failures={"mtbf": "10h"}, queue_limit=3, replicas=4, startup="none"),
            "other": pool(),
        },
    )
    found = small_fleet(of, "main", 3)
    assert list(found.routes) == ["chat"]
    assert list(found.pools) == ["main"]
    assert found.routes["chat"].patience is None
    assert found.routes["chat"].retries is None
    still = found.pools["main"]
    assert (still.replicas, still.failures, still.queue_limit) == (3, None, None)
    assert still.is_fixed
    assert not has_target(of, "main")


def test_the_target_of_an_autoscaler_stands_in_for_an_slo() -> None:
    scaled = pool(
        replicas={"min": 1, "max": 3}, autoscaler={"kind": "p95", "target": "20ms"}, startup="none"
    )
    of = scenario(pools={"main": scaled})
    assert has_target(of, "main")
    slo = small_fleet(of, "main", 1).routes["chat"].slo
    assert slo is not None
    assert slo.tpot_p95 == pytest.approx(0.020)


def test_what_each_request_takes_sums_to_what_was_paid() -> None:
    of = two_routes()
    usage = simulate(of).usage
    taken = read_log(of, 0, usage, 600)["main"].sample
    test = LoadTest(of, "main", taken, 2, 0)
    run = test.run(6.0, len(taken))
    load = test.load(6.0)
    arrived = [run.routes[name].requests.arrived for name in of.routes]
    total_s = math.fsum(load.share_s[i] * n for i, n in enumerate(arrived))
    assert total_s == pytest.approx(2 * run.window_s, rel=1e-9)
    assert np.sum(arrived) == pytest.approx(0.9 * len(taken), abs=1)
    assert run.window_s == pytest.approx(0.9 * len(taken) / 6.0, rel=0.2)
