import math
from typing import Any

import numpy as np
import pytest

from sim.scenario.document import Scenario
from sim.studies.break_even import BreakEven, _bracket, _first_for_good, break_even, grid
from sim.studies.break_even_fleet import (
    FIRST_GUESS,
    Carrying,
    busy_load,
    carrying,
    loads,
    sized,
    usage_at,
)
from sim.studies.demand import at_demand
from sim.studies.intervals import Interval
from sim.studies.paired_runs import PairedRuns
from sim.studies.result import Result
from tests.unit.break_even_fixture import level, levels
from tests.unit.usages import pool, route, scenario

NAIVE = {"total_tokens_per_s": 10_000}
USD_PER_REQUEST = 500 * 2.0 / 1e6 + 50 * 10.0 / 1e6


def fleet(people_usd: float = 0.0, **changes: Any) -> Scenario:
    """Two requests a second of 500 in and 50 out, on one replica at $3.60 an hour."""
    line = {"line": "people", "driver": "hours", "usd": people_usd, "remains": "50%"}
    return scenario(
        {"chat": route(output_tokens={"fixed": 50}, **changes)},
        {"main": pool(naive=NAIVE)},
        [line],
        horizon=600,
        warmup=10,
        hosted={"usd_per_million_input": 2.0, "usd_per_million_output": 10.0},
    )


def answer(people_usd: float, multiples: list[float]) -> tuple[Result, BreakEven]:
    """By arithmetic alone, but for the fleet as it is."""
    runs = PairedRuns(2)
    base = runs.result(fleet(people_usd))
    return base, break_even(base, runs=runs, multiples=multiples, requests=1)


@pytest.mark.parametrize(
    ("people_usd", "verdict"), [(40.0, "from"), (0.0, "always"), (1e6, "never")]
)
def test_the_crossing_is_where_it_is_by_hand(people_usd: float, verdict: str) -> None:
    """Without an SLO a pool keeps its utilization: ceil(m) replicas. The fleet costs
    3.6 ceil(m) + p an hour, the API m A + p/2, with A = $0.0015 x the requests of an hour."""
    multiples = grid(0.5, 20.0)
    base, found = answer(people_usd, multiples)
    requests = base.usage.routes["chat"].requests.completed
    api_usd = requests * USD_PER_REQUEST * 6
    own = [3.6 * math.ceil(m) + people_usd for m in multiples]
    api = [m * api_usd + people_usd / 2 for m in multiples]
    for at, a, b in zip(found.levels, own, api, strict=True):
        assert at.self_usd == pytest.approx(730 * a, rel=1e-9)
        assert at.api_usd == pytest.approx(730 * b, rel=1e-9)
    good = [all(a <= b for a, b in list(zip(own, api, strict=True))[i:]) for i in range(len(own))]
    wanted = multiples[good.index(True)] if any(good) else None
    assert (found.verdict, found.multiple) == (verdict, wanted)
    if verdict == "from":
        low, high = found.bracket
        assert low is not None
        assert high is not None
        assert low < found.multiple <= high


def test_whole_replicas_make_a_saw_and_the_last_crossing_counts() -> None:
    """Own costs of 10 a replica and 9.5 m of the API: cheaper at m = 1.9, dearer at 2.1."""
    marks = [(1.0, True), (1.9, True), (2.1, False), (3.9, True), (4.0, True)]
    saw = [level(m, -1.0 if cheap else 1.0) for m, cheap in marks]
    assert _first_for_good(saw) == 3
    assert _bracket(saw) == (2.1, 3.9)
    assert _first_for_good(saw[:3]) is None
    assert _first_for_good(saw[3:]) == 0


def test_levels_that_are_open_are_in_the_bracket() -> None:
    some = levels((1.0, 5.0, 1.0), (2.0, 0.5, 1.0), (3.0, -0.5, 1.0), (4.0, -5.0, 1.0))
    assert _first_for_good(some) == 2
    assert _bracket(some) == (1.0, 4.0)
    assert [lv.undecided for lv in some] == [False, True, True, False]
    assert _bracket(some[1:3]) == (None, None)


def test_the_crossing_is_simulated_on_resized_fleets() -> None:
    runs = PairedRuns(2)
    base = runs.result(fleet(40.0, slo={"ttft_p95": "1s"}))
    found = break_even(base, runs=runs, multiples=grid(0.5, 4.0, 8), requests=10_000)
    assert found.verdict == "from"
    seen = [lv.multiple for lv in found.levels if lv.simulated]
    place = [lv.multiple for lv in found.levels].index(found.multiple)
    assert {found.levels[place - 1].multiple, found.multiple, 1.0} <= set(seen)
    assert all(lv.met for lv in found.levels if lv.simulated)
    assert found.requests_per_s == pytest.approx(2.0, rel=0.1)
    assert found.tokens_per_day == pytest.approx(found.requests_per_s * 550 * 86_400)


def test_a_route_without_an_api_cannot_be_compared() -> None:
    runs = PairedRuns(1)
    plain = scenario({"chat": route()}, {"main": pool(naive=NAIVE)}, horizon=60, warmup=0)
    with pytest.raises(ValueError, match="no API is named for chat"):
        break_even(runs.result(plain), runs=runs)


def test_the_grid_is_geometric_and_has_today_in_it() -> None:
    assert grid(0.1, 10.0, 2) == [0.1, 0.316, 1.0, 3.16, 10.0]
    assert 1.0 in grid()
    assert (grid()[0], grid()[-1]) == (0.1, 100.0)


def test_a_bill_at_another_demand_has_that_many_requests_and_nodes() -> None:
    base = PairedRuns(1).result(fleet())
    usage, said = base.usage, base.scenario
    of = loads(usage, said, base.benchmarks)["main"]
    bears = Carrying(load=busy_load(of, 0.99) / 3.0)  # three replicas at 1
    size = sized(said, "main", of, busy_load(of, 0.99), 2.0, bears)
    assert set(size.replicas) == {6.0}
    there = usage_at(usage, said, 2.0, {"main": size})
    assert there.routes["chat"].requests.completed == 2 * usage.routes["chat"].requests.completed
    assert there.routes["chat"].ttft_s == usage.routes["chat"].ttft_s
    assert there.pools["main"].node_s == pytest.approx(6 * 600)
    assert there.pools["main"].nodes_at_least_s.tolist() == [600.0] * 6


def test_what_replicas_carry_is_learnt_from_more_than_one() -> None:
    base = PairedRuns(1).result(fleet())
    load = {"main": np.full(2, 1.8)}
    one = carrying(base.scenario, "main", base.usages, [{"main": np.full(2, 0.1)}])
    assert (one.load, one.sure) == (FIRST_GUESS, False)
    pools = {"main": base.scenario.pools["main"].model_copy(update={"replicas": 3})}
    three = carrying(base.scenario.model_copy(update={"pools": pools}), "main", base.usages, [load])
    assert (three.load, three.sure) == (pytest.approx(0.6), True)


@pytest.mark.parametrize(
    ("arrivals", "key", "value"),
    [
        ({"rps": 2.0}, "rps", 3.0),
        ({"rps": 2.0, "count": 100}, "count", 150),
        ({"mean_rps": 2.0}, "mean_rps", 3.0),
        ({"concurrency": 5}, "concurrency", 8),
    ],
)
def test_demand_multiplies_every_rate(arrivals: dict, key: str, value: float) -> None:
    more = at_demand(scenario({"chat": route(arrivals=arrivals)}), 1.5)
    assert getattr(more.routes["chat"].arrivals, key) == value
    with pytest.raises(ValueError, match="above 0"):
        at_demand(more, 0.0)


def test_intervals_decide_only_without_zero() -> None:
    assert not level(1.0, 1.0).undecided
    assert level(1.0, 1.0, Interval(-1.0, 3.0)).undecided
