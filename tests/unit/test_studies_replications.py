import math
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from usages import BENCHMARKS, hand_usage, pool, route, scenario

from sim.cost.benchmark import Benchmark
from sim.ledger.spool import read
from sim.ledger.usage import (
    OfferedCounts,
    RequestCounts,
    RouteOnPool,
    RouteUsage,
    TokenCounts,
    Usage,
)
from sim.scenario.document import Scenario
from sim.scenario.pool import Pool
from sim.studies.replications import benchmarks, mean_lengths, run

SMALL = {"horizon": 600, "warmup": 60}
LENGTHS = {
    "input_tokens": {"lognormal": {"median": 300, "p95": 900}},
    "output_tokens": {"exponential": 60},
}


def small(**changes: Any) -> Scenario:
    return scenario(routes={"chat": route(**LENGTHS)}, **SMALL, **changes)


def offered(arrived: float, input_tokens: float, output_tokens: float) -> RouteUsage:
    """A route's traffic, all of it on whichever pool it is asked of."""
    part = RouteOnPool(OfferedCounts(arrived, input_tokens, 0.0, output_tokens))
    return RouteUsage(
        requests=RequestCounts(arrived=arrived),
        offered=TokenCounts(input=input_tokens, output=output_tokens),
        by_pool=dict.fromkeys(("main", "p", "q"), part),
    )


def usage_of(**routes: RouteUsage) -> Usage:
    return Usage(3600.0, routes, {}, RouteUsage())


def test_mean_lengths_are_those_of_the_requests() -> None:
    """10 requests of 100/20 and 30 of 300/10: 250/12.5, whole tokens."""
    of = scenario(routes={"a": route(), "b": route()})
    usages = [usage_of(a=offered(10, 1000, 200), b=offered(30, 9000, 300))]
    assert mean_lengths(of, usages, "main") == (250, 12)
    twice = [usage_of(a=offered(10, 1000, 200), b=offered(0, 0, 0)), *usages]
    assert mean_lengths(of, twice, "main") == (220, 14)


def test_mean_lengths_are_of_what_came_to_the_pool() -> None:
    """2 requests of 100/20 went to p and 1 of 400/50 to q, of the same route."""
    split = {"split": {"p": 0.5, "q": 0.5}}
    of = scenario(routes={"a": route(split)}, pools={"p": pool(), "q": pool()})
    parts = {"p": offered(2, 200, 40), "q": offered(1, 400, 50)}
    on = {name: part.by_pool[name] for name, part in parts.items()}
    usages = [usage_of(a=replace(offered(3, 600, 90), by_pool=on))]
    assert mean_lengths(of, usages, "p") == (100, 20)
    assert mean_lengths(of, usages, "q") == (400, 50)


def test_mean_lengths_of_nobody() -> None:
    assert mean_lengths(scenario(), [usage_of(chat=offered(0, 0, 0))], "main") is None


def test_mean_lengths_are_at_least_one_token() -> None:
    assert mean_lengths(scenario(), [usage_of(chat=offered(9, 2, 3))], "main") == (1, 1)


def test_each_used_pool_has_a_benchmark() -> None:
    of = scenario(
        routes={"a": route("p"), "b": route("q")},
        pools={"p": pool(), "q": pool(2.0), "spare": pool()},
    )
    asked: list[tuple[float, int, int]] = []

    def measure(of_pool: Pool, input_tokens: int, output_tokens: int) -> Benchmark:
        asked.append((of_pool.node.usd_per_node_hour, input_tokens, output_tokens))
        return BENCHMARKS["main"]

    usages = [usage_of(a=offered(2, 200, 20), b=offered(1, 50, 5))]
    assert set(benchmarks(of, usages, measure)) == {"p", "q"}
    assert asked == [(3.6, 100, 10), (2.0, 50, 5)]


def test_a_run_accounts_for_itself() -> None:
    result = run(small(), replications=2, jobs=1)
    summary = result.summary()
    assert summary["replications"] == 2
    assert summary["bill"]["total_usd"] == pytest.approx(3.6 / 6)
    requests = summary["requests"]
    states = ("completed", "rejected", "timed_out", "failed", "cancelled", "in_flight")
    assert requests["arrived"] == sum(requests[s] for s in states)
    assert requests["arrived"] == pytest.approx(1200, rel=0.2)
    u = summary["utilization"]["benchmark"]
    assert summary["gap"]["factor"] == pytest.approx(1 / u)
    hours = dict(summary["gpu_hours"])
    assert math.fsum(hours.values()) - hours["paid"] == pytest.approx(hours["paid"])
    low, high = summary["cost"]["usd_per_million_useful_tokens"]["ci95"]
    assert low < high


def test_the_books_balance_in_an_odd_fleet() -> None:
    """Hidden prefixes, a KV cache that preempts, a queue that rejects, GPUs without a replica."""
    of = scenario(
        routes={
            "chat": route(template_tokens=160, slo={"ttft_p95": 1}, arrivals={"rps": 6}, **LENGTHS),
            "agents": route(arrivals={"concurrency": 9}, **LENGTHS),
            "batch": route("big", arrivals={"rps": 0.2}, priority=5, **LENGTHS),
        },
        pools={
            "main": pool(3.6, kv_tokens=4000, replicas=2, queue_limit=4),
            "big": pool(40.0, tensor_parallel=2, gpus=8, replicas=3),
            "spare": pool(1.0),
        },
        bill=[
            {"line": "storage", "driver": "node_hours", "usd": 0.05},
            {"line": "egress", "driver": "egress_gb", "usd": 90.0},
            {"line": "team", "driver": "months", "usd": 9000},
        ],
        **SMALL,
    )
    summary = run(of, replications=2, jobs=1).summary()
    total, cost = summary["bill"]["total_usd"], summary["cost"]
    assert summary["requests"]["rejected"] > 0
    assert summary["tokens"]["wasted"]["preempted"]["input"] > 0
    assert summary["tokens"]["useful"]["cached_input"] > 0
    assert math.fsum(line["usd"] for line in summary["bill"]["lines"]) == pytest.approx(total)
    assert cost["unallocated_usd"] == pytest.approx((1.0 + 0.05) / 6)
    useful = summary["tokens"]["useful"]
    for prices in (cost, cost["by_peak"]):
        whole = math.fsum(
            [
                prices["usd_per_million_input_tokens"]
                * (useful["input"] - useful["cached_input"])
                / 1e6,
                prices["usd_per_million_cached_input_tokens"] * useful["cached_input"] / 1e6,
                prices["usd_per_million_output_tokens"] * useful["output"] / 1e6,
                prices["unpriced_usd"],
                prices["unallocated_usd"],
            ]
        )
        assert whole == pytest.approx(total, rel=1e-9)
    for way in ("by_use", "by_peak"):
        of_routes = math.fsum(r["usd"][way] for r in summary["routes"].values())
        assert of_routes + cost["unallocated_usd"] == pytest.approx(total, rel=1e-9)
    assert math.fsum(cost["components_usd"].values()) + cost["unallocated_usd"] == (
        pytest.approx(total, rel=1e-9)
    )
    for owner in (summary, *summary["pools"].values()):
        paid, *states = owner["gpu_hours"].values()
        assert math.fsum(states) == pytest.approx(paid, rel=1e-9)
    assert summary["gpu_hours"]["unplaced"] == pytest.approx(2 / 6)
    assert summary["gap"]["factor"] > 1


def without_versions(summary: dict[str, Any]) -> dict[str, Any]:
    return {k: v for k, v in summary.items() if k != "versions"}


def test_the_same_seed_gives_the_same_result_for_any_jobs() -> None:
    here = run(small(), replications=3, jobs=1)
    there = run(small(), replications=3, jobs=2)
    assert without_versions(here.summary()) == without_versions(there.summary())


def test_replications_and_seeds_differ() -> None:
    a = run(small(), replications=2, jobs=1)
    b = run(small(), replications=1, seed=5)
    first, second = (r["tokens"]["useful"] for r in a.summary()["per_replication"])
    assert first != second
    assert b.scenario.seed == b.summary()["seed"] == 5
    assert b.summary()["tokens"]["useful"] != first


def test_replication_zero_does_not_depend_on_how_many_there_are() -> None:
    one = run(small(), replications=1)
    two = run(small(), replications=2, jobs=1)
    assert (
        one.summary()["per_replication"][0]["tokens"]
        == two.summary()["per_replication"][0]["tokens"]
    )


def attempts(folder: Path) -> int:
    return sum(len(chunk["arrived_at_s"]) for chunk in read(folder))


def test_only_replication_zero_is_spooled_and_sampled(tmp_path: Path) -> None:
    result = run(small(), replications=2, jobs=1, spool=tmp_path / "spool", sample_every_s=60)
    alone = run(small(), replications=1, spool=tmp_path / "alone")
    assert attempts(tmp_path / "spool") == attempts(tmp_path / "alone")
    assert attempts(tmp_path / "spool") >= alone.summary()["requests"]["arrived"]
    assert result.runs[0].timeseries
    assert not result.runs[1].timeseries


def test_progress_is_told() -> None:
    told: list[tuple[int, int]] = []
    run(small(), replications=2, jobs=1, progress=lambda *p: told.append(p))
    assert told == [(1, 2), (2, 2)]


def test_nothing_random_is_said_to_be_so() -> None:
    of = scenario(routes={"chat": route(arrivals={"concurrency": 4})}, **SMALL)
    summary = run(of, replications=2, jobs=1).summary()
    assert set(summary["intervals"].values()) == {None}
    assert "same-replications" in {w["code"] for w in summary["warnings"]}


def test_a_saturated_closed_loop_reaches_its_benchmark() -> None:
    """As many users as the engine has slots, all of mean length: the naive estimate come true."""
    engine = {"max_num_seqs": 32, "max_num_batched_tokens": 4096, "prefix_caching": False}
    of = scenario(
        routes={"chat": route(arrivals={"concurrency": 32})},
        pools={"main": pool(engine=engine)},
        horizon=1800,
        warmup=300,
    )
    summary = run(of, replications=1).summary()
    assert summary["utilization"]["benchmark"] == pytest.approx(1.0, abs=0.02)
    assert summary["gap"]["factor"] == pytest.approx(1.0, abs=0.02)
    slack = summary["gpu_hours"]["slack"] / summary["gpu_hours"]["paid"]
    assert slack == pytest.approx(0.0, abs=0.02)


@pytest.mark.parametrize("replications", [0, -1])
def test_there_is_at_least_one_replication(replications: int) -> None:
    with pytest.raises(ValueError, match="replications"):
        run(small(), replications=replications)


def test_one_replication_needs_no_processes() -> None:
    began = time.perf_counter()
    run(small(), replications=1, jobs=4)
    assert time.perf_counter() - began < 5.0


def test_measured_usages_may_be_replaced() -> None:
    base = run(small(), replications=1)
    usage = hand_usage()
    other = replace(base, runs=(replace(base.runs[0], usage=usage),))
    assert other.summary()["requests"]["arrived"] == usage.overall.requests.arrived
    made: Callable[[], dict[str, Any]] = other.summary
    assert made()["bill"]["total_usd"] == pytest.approx(3.6)


def test_what_draws_nothing_is_simulated_once(tmp_path: Path) -> None:
    """A trace on a fleet that draws nothing: five replications are one, five times."""
    trace = tmp_path / "trace.csv"
    rows = "".join(f"{second},100,20\n" for second in range(0, 500, 5))
    trace.write_text(f"arrived_at_s,input_tokens,output_tokens\n{rows}", encoding="utf-8")
    played = {"pool": "main", "arrivals": {"trace": str(trace)}}
    done: list[tuple[int, int]] = []
    result = run(
        scenario(routes={"chat": played}, **SMALL),
        replications=5,
        jobs=1,
        progress=lambda *told: done.append(told),
    )
    assert done == [(1, 1)]
    assert len(result.usages) == 5
    assert result.summary()["replications"] == 5
    assert result.summary()["requests"]["arrived"] == 100
