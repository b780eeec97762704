from dataclasses import replace
from typing import Any

import pytest
from usages import pool, route, scenario

from sim.scenario.arrivals import (
    ClosedArrivals,
    PoissonArrivals,
    TraceArrivals,
    VaryingArrivals,
)
from sim.scenario.document import MAX_HORIZON_S, Scenario
from sim.studies.curve import LEAST_S, curve, ended_tokens, scaled, scales_of
from sim.studies.replications import run
from sim.studies.result import Result

ENGINE = {"max_num_seqs": 64, "max_num_batched_tokens": 8192}


def arrivals_at(scale: float, **arrivals: Any) -> Any:
    of = scenario(routes={"chat": route(arrivals=arrivals)})
    return scaled(of, scale, 100.0, 1.0).routes["chat"].arrivals


def test_open_rates_are_multiplied() -> None:
    assert arrivals_at(2.5, rps=4.0) == PoissonArrivals(rps=10.0)


def test_a_count_becomes_a_rate() -> None:
    assert arrivals_at(0.5, rps=4.0, count=100) == PoissonArrivals(rps=2.0)


def test_a_day_curve_becomes_its_mean() -> None:
    steady = arrivals_at(2.0, mean_rps=4.0, day_curve=[1.0] * 12 + [3.0] * 12, gap_shape=0.5)
    assert steady == VaryingArrivals(mean_rps=8.0, gap_shape=0.5)


def test_what_does_not_average_out_within_a_point_is_left_out() -> None:
    uneven: dict[str, Any] = {
        "workload": "azure-conv-2023",
        "mean_rps": 4.0,
        "day_curve": "burstgpt-1",
        "utc_offset_hours": 3,
        "load_grows_by": "clients",
        "batches": {"mean_size": 3},
        "on_off": {"clients": 5, "on": "1m", "off": "1m"},
        "growth_percent_per_week": 5,
        "events": [{"at": 0, "for": "1h", "times": 5}],
    }
    steady = arrivals_at(2.0, **uneven)  # points of 100 s: its term of 0.7 s stays, 390 s goes
    assert steady == VaryingArrivals.model_validate(
        {
            "mean_rps": 8.0,
            "gap_shape": 0.95,
            "bursts": [{"variance": 0.031, "time": 0.7}],
            "load_grows_by": "clients",
            "bursts_at_rps": 5.53,
            "batches": {"mean_size": 3},
        }
    )
    slow = arrivals_at(2.0, mean_rps=4.0, bursts=[{"variance": 0.1, "time": 1.01}])
    assert slow == VaryingArrivals(mean_rps=8.0)


@pytest.mark.parametrize(("scale", "users"), [(2.0, 8), (0.5, 2), (0.01, 1)])
def test_closed_loops_get_more_users(scale: float, users: int) -> None:
    found = arrivals_at(scale, concurrency=4, think_time=2)
    assert found == ClosedArrivals(concurrency=users, think_time=2.0)


def trace_scenario(**changes: Any) -> Scenario:
    of = scenario(horizon=1000)
    route_ = of.routes["chat"]
    trace = TraceArrivals(trace="a.csv", speedup=2.0, **changes)
    route_ = route_.model_copy(
        update={"arrivals": trace, "input_tokens": None, "output_tokens": None}
    )
    return of.model_copy(update={"routes": {"chat": route_}})


def test_traces_play_faster_and_are_not_outlived() -> None:
    found = scaled(trace_scenario(), 4.0, 5000.0, 1.0)
    assert found.routes["chat"].arrivals == TraceArrivals(trace="a.csv", speedup=8.0)
    assert found.horizon == 250.0
    assert scaled(trace_scenario(repeat=True), 4.0, 5000.0, 1.0).horizon == 5000.0


def test_points_outlast_their_answers() -> None:
    of = scenario()
    assert scaled(of, 1.0, 10.0, 0.1).horizon == LEAST_S
    assert scaled(of, 1.0, 10.0, 30.0).horizon == 300.0
    assert scaled(of, 1.0, 10.0, 30.0).warmup == 150.0
    assert scaled(of, 1.0, 1e12, 1.0).horizon == MAX_HORIZON_S


@pytest.fixture(scope="module")
def result() -> Result:
    of = scenario(
        routes={"chat": route(arrivals={"rps": 3.0})},
        pools={"main": pool(engine=ENGINE)},
        horizon=900,
        warmup=60,
    )
    return run(of, replications=1)


def test_scales_reach_from_idle_to_full(result: Result) -> None:
    utilization = result.statement.utilization.benchmark
    assert utilization is not None
    scales = scales_of(result)
    assert scales == sorted(scales)
    assert 1.0 in scales
    assert scales[0] * utilization == pytest.approx(0.05, rel=0.05)
    assert scales[-1] * utilization == pytest.approx(1.0, rel=0.05)


def test_price_times_utilization_is_the_naive_price(result: Result) -> None:
    """With nodes alone on the bill the curve is a hyperbola, until the fleet is full."""
    naive = result.statement.naive.usd_per_million_tokens
    assert naive is not None
    points = curve(result, requests=600)
    assert len(points) >= 5
    for p in points:
        assert p.usd_per_million is not None
        assert p.utilization is not None
        assert p.usd_per_million * p.utilization == pytest.approx(naive)
        assert p.factor == pytest.approx(1 / p.utilization)
    utilizations = [p.utilization for p in points if p.utilization is not None]
    assert utilizations[0] == pytest.approx(0.05, rel=0.25)
    assert 0.85 < max(utilizations) < 1.05


def test_twice_the_load_is_half_the_price(result: Result) -> None:
    one, two = curve(result, [1.0, 2.0], requests=4000)
    assert one.usd_per_million is not None
    assert two.usd_per_million == pytest.approx(one.usd_per_million / 2, rel=0.1)


def test_points_do_not_depend_on_jobs(result: Result) -> None:
    assert curve(result, [1.0, 2.0], requests=200, jobs=2) == curve(
        result, [1.0, 2.0], requests=200
    )


def test_nothing_arrived_nothing_to_draw(result: Result) -> None:
    usage = result.usage
    overall = replace(usage.overall, requests=replace(usage.overall.requests, arrived=0.0))
    quiet = replace(result.runs[0], usage=replace(usage, overall=overall))
    assert curve(replace(result, runs=(quiet,))) == ()


def test_tokens_of_a_point_are_those_that_ended(result: Result) -> None:
    chat = result.usage.routes["chat"]
    assert ended_tokens(chat) == chat.ended_useful.prompt + chat.ended_useful.output
    assert ended_tokens(chat) == pytest.approx(chat.useful.input + chat.useful.output, rel=0.05)
