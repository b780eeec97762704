"""The ladder of whole runs: by hand on an engine with one step time, and on odd small fleets."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from usages import scenario

from sim.cost.ladder import CAUSES
from sim.scenario.arrivals import VaryingArrivals
from sim.scenario.document import Scenario
from sim.studies.gap import Gap, gap
from sim.studies.gap_facts import closed_form, facts, incidents
from sim.studies.gap_needs import Plan, Task, need, plan
from sim.studies.gap_removal import removals, without_one
from sim.studies.replications import run
from tests.properties.small_fleets import small_fleet

STEP = {"knots_tokens": [1, 8192], "knots_s": [0.01, 0.01]}
ENGINE = {"max_num_seqs": 8, "max_num_batched_tokens": 8192, "prefix_caching": False}


def plain(horizon: float = 600.0, **changes: Any) -> Scenario:
    """Every request is 100 + 10 tokens, so ten steps of 10 ms; eight at a time: 8,800 tokens/s."""
    route = {
        "pool": "main",
        "arrivals": {"rps": 0.5},
        "input_tokens": {"fixed": 100},
        "output_tokens": {"fixed": 10},
        **changes.pop("route", {}),
    }
    pool = {
        "timing": STEP,
        "kv_tokens": 100_000,
        "engine": ENGINE,
        "node": {"usd_per_hour": 3.6, "gpus": 1},
        "replicas": 2,
        **changes.pop("pool", {}),
    }
    bill = [
        {"line": "storage", "driver": "hours", "usd": 1.0},
        {"line": "crew", "driver": "hours", "usd": 2.0, "kind": "people"},
    ]
    return scenario({"chat": route}, {"main": pool}, bill, horizon=horizon, warmup=5, **changes)


def by_cause(found: Gap) -> dict[str, float]:
    assert found.ladder is not None
    return dict(zip(CAUSES[1:], found.ladder.rungs, strict=True))


def check(found: Gap) -> None:
    """From the naive price to the real one; the rungs sum to the gap, the months to the bill."""
    whole, account = found.ladder, found.summary()
    assert whole is not None
    naive, real = account["gap"]["naive"], account["gap"]["real"]
    assert whole.levels[0] == pytest.approx(naive, rel=1e-9)
    assert whole.levels[-1] == pytest.approx(real, rel=1e-9)
    told = account["gap"]["rungs"]
    assert math.fsum(r["usd_per_million"] for r in told) == pytest.approx(real - naive, rel=1e-9)
    month = account["bill"]["usd_per_month"]
    hours = whole.window_s / 3600
    cost = naive * whole.useful_tokens / 1e6 * 730 / hours
    assert math.fsum(r["usd_per_month"] for r in told) == pytest.approx(month - cost, rel=1e-9)


def test_a_ladder_by_hand() -> None:
    """X_0 = 8 x 110 tokens in ten steps of 10 ms. Without an SLO nothing changes up to rung 3;
    every 5 minutes need one whole replica of 300 s; two are paid; lines come to $1 and $2 an
    hour. All divided by 110 tokens x the requests that came."""
    result = run(plain(), replications=2)
    found = gap(result, requests=300)
    check(found)
    tokens = result.usage.overall.requests.arrived * 110.0
    hours = 600.0 / 3600.0
    levels = found.ladder.levels if found.ladder else ()
    naive = 3.6 / 3600.0 / 8800.0 * 1e6
    assert levels[:4] == pytest.approx([naive] * 4, rel=1e-4)  # a loop starts a tick late
    whole, nodes = 3.6 * hours / tokens * 1e6, 2 * 3.6 * hours / tokens * 1e6
    assert levels[4] == pytest.approx(whole, rel=1e-9)
    assert levels[5:11] == pytest.approx([nodes] * 6, rel=1e-9)
    assert levels[11] == pytest.approx(nodes + 1.0 * hours / tokens * 1e6, rel=1e-9)
    assert levels[12] == pytest.approx(nodes + 3.0 * hours / tokens * 1e6, rel=1e-9)
    assert found.perfect_replicas()["main"].tolist() == [1.0] * 2


def test_rungs_of_what_never_happens_are_exactly_nothing() -> None:
    found = by_cause(gap(run(plain(), replications=2), requests=200))
    for cause in ("real_lengths", "prefix_cache", "latency_slo", "cold_starts", "redundancy",
                  "failures", "clients", "purchase"):  # fmt: skip
        assert found[cause] == 0.0, cause


def test_an_slo_that_never_binds_and_one_that_nothing_keeps() -> None:
    """With 10 h for ten steps a replica may be full: 80 a second, as without an SLO. Nobody
    answers in 50 ms what takes 100 ms."""
    loose = gap(run(plain(route={"slo": {"e2e_p95": "10h"}}), replications=1), requests=400)
    assert loose.plans["main"].rate_per_s == pytest.approx(
        80.0 * loose.plans["main"].replicas, rel=1e-4
    )
    assert by_cause(loose)["latency_slo"] == pytest.approx(0.0, abs=0.02 * _naive(loose))
    strict = gap(run(plain(route={"slo": {"e2e_p95": "50ms"}}), replications=1), requests=400)
    assert strict.plans["main"].rate_per_s is None
    assert "no load is so low" in strict.plans["main"].reason
    assert by_cause(strict)["latency_slo"] == 0.0


def _naive(found: Gap) -> float:
    assert found.ladder is not None
    return found.ladder.levels[0]


def test_a_tighter_slo_costs_more() -> None:
    """Ten steps take 100 ms; whoever arrives waits for the next boundary, and for a free slot."""
    prices = []
    for target in ("10h", "115ms"):
        of = plain(400.0, route={"slo": {"e2e_p95": target}}, slo_windows=0)
        found = gap(run(of, replications=1), requests=250)
        assert found.plans["main"].rate_per_s is not None
        prices.append(by_cause(found)["latency_slo"])
    assert prices[0] < prices[1]


def test_a_benchmark_of_another_shape_makes_the_first_rung() -> None:
    """1,000 + 10 tokens in the same ten steps: 80,800 tokens a second, against 8,800."""
    own = {"naive": {"input_tokens": 1000, "output_tokens": 10}}
    found = gap(run(plain(pool=own), replications=1), requests=400)
    check(found)
    assert found.ladder is not None
    assert found.ladder.factors[0] == pytest.approx(80_800 / 8_800, rel=0.01)


def test_a_cache_makes_its_rung_negative() -> None:
    """A template of 4,000 tokens in steps that take as long as they have tokens: most is cached."""
    slow = {"knots_tokens": [1, 8192], "knots_s": [0.001, 0.8]}
    caching = {"timing": slow, "engine": {**ENGINE, "prefix_caching": True}}
    of = plain(pool=caching, route={"template_tokens": 4000})
    found = gap(run(of, replications=1), requests=300)
    check(found)
    assert by_cause(found)["prefix_cache"] < -0.5 * _naive(found)


@pytest.mark.parametrize("seed", [0, 3, 7, 12, 19])
def test_rungs_sum_to_the_gap_on_small_fleets_that_break(seed: int) -> None:
    found = gap(run(small_fleet(seed), replications=2), requests=100)
    check(found)


def test_intervals_need_replications() -> None:
    one = gap(run(plain(600.0), replications=1), requests=100)
    assert all(rung["ci95"] is None for rung in one.rungs())
    several = gap(run(plain(600.0), replications=3), requests=100)
    told = {rung["cause"]: rung["ci95"] for rung in several.rungs()}
    for cause in ("whole_replicas", "scaling_and_headroom", "people"):
        assert told[cause][0] < by_cause(several)[cause] < told[cause][1]
    assert told["failures"] is None


def test_the_same_run_gives_the_same_ladder() -> None:
    result = run(plain(300.0, route={"slo": {"e2e_p95": "130ms"}}), replications=1)
    assert gap(result, requests=60).rungs() == gap(result, requests=60).rungs()


def test_few_incidents_are_thin_and_formulas_beside() -> None:
    failing = {
        "failures": {"mtbf": "30m", "detection": "20s"},
        "startup": {"provision": "1m", "pull": 0, "load": 0, "init": 0, "first_request": 0},
    }
    result = run(plain(pool=failing), replications=2)
    found = gap(result, requests=100)
    check(found)
    told = {rung["cause"]: rung for rung in found.rungs()}
    assert told["failures"]["thin"]
    assert not told["cold_starts"]["thin"]  # it cannot happen, so 0 is exact
    assert incidents(result)["failures"] < 20
    # 2 nodes x 730 h x 2 an hour, each 80 s of $3.60 an hour, as far as they are there
    assert closed_form(result) == pytest.approx(2 * 730 * 2 * 80 / 3600 * 3.6, rel=0.05)
    assert told["failures"]["facts"]["expected_usd_per_month"] == closed_form(result)


def test_facts_are_of_the_run() -> None:
    found = gap(run(plain(), replications=1), requests=100)
    assert found.ladder is not None
    told = facts(found, found.ladder)
    assert told["scaling_and_headroom"]["paid_replicas"] == pytest.approx(2.0)
    assert told["whole_replicas"]["whole_replicas"] == pytest.approx(1.0)
    assert told["people"]["lines"] == ["crew"]
    assert told["people"]["usd_per_month"] == pytest.approx(2.0 * 730)


def test_a_least_number_of_replicas_is_redundancy() -> None:
    """Two are held where one would do: 600 s of one replica."""
    scaled = {
        "replicas": {"min": 2, "max": 3},
        "autoscaler": {"kind": "p95", "target": "1s"},
        "startup": "none",
        "weights": None,
    }
    scaled.pop("weights")
    found = gap(run(plain(pool=scaled), replications=1), requests=100)
    check(found)
    assert found.ladder is not None
    assert found.ladder.parts.floor_usd == pytest.approx(600 * 0.001)
    assert by_cause(found)["scaling_and_headroom"] == pytest.approx(0.0, abs=1e-9)


def test_a_plan_and_a_need_of_one_replication() -> None:
    result = run(plain(), replications=1)
    task = Task(result.scenario, 0, result.usage, result.benchmarks, 100, {"main": Plan()})
    planned = plan(task)["main"]
    assert (planned.rate_per_s, planned.reason) == (None, "there is no SLO to keep")
    found = need(replace(task, plans={"main": planned}))["main"]
    assert found is not None
    arrived = result.usage.overall.requests.arrived
    assert float(np.sum(found.need_by_interval) * 300) == pytest.approx(arrived / 80.0, rel=1e-4)


def test_removal_is_paired_and_leaves_out_what_is_not_there() -> None:
    patient = plain(600.0)
    assert list(without_one(patient)) == []
    of = plain(600.0, route={"patience": "5s"}, pool={"redundancy": {"spare_replicas": 1}})
    assert [cause for cause, _ in without_one(of)] == ["spares", "impatience and retries"]
    found = {r.without: r for r in removals(run(of, replications=2))}
    spares, patience = found["spares"].paired, found["impatience and retries"].paired
    assert spares is not None
    assert patience is not None
    assert spares.after / spares.before == pytest.approx((2 * 3.6 + 3) / (3 * 3.6 + 3), rel=1e-6)
    assert spares.shown
    assert patience.difference == 0.0
    assert patience.shown is False
    assert found["spares"].entry()["without"] == "spares"


def test_causes_that_can_be_removed() -> None:
    living = {
        "failures": {"mtbf": "10h"},
        "rollouts": {"every": "1h"},
        "warm_nodes": 1,
        "startup": {"provision": "1m", "pull": 0, "load": 0, "init": 0, "first_request": 0},
    }
    route = {"arrivals": {"mean_rps": 1.0, "day_curve": "azure-conv-2024"}, "patience": "9s"}
    found = dict(without_one(plain(pool=living, route=route)))
    assert list(found) == [
        "failures", "cold starts", "rollouts", "spares", "peaks and bursts",
        "impatience and retries",
    ]  # fmt: skip
    assert found["failures"].pools["main"].failures is None
    assert found["failures"].pools["main"].rollouts is not None
    steady = found["peaks and bursts"].routes["chat"].arrivals
    assert isinstance(steady, VaryingArrivals)
    assert steady.day_curve is None
