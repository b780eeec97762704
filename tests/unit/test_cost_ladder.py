"""The ladder by hand: one pool whose every second is known."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from usages import pool, route, scenario

from sim.cost.benchmark import Benchmark
from sim.cost.bill import bill
from sim.cost.ladder import CAUSES, Ladder, ladder
from sim.cost.ladder_need import Need, needed, whole_replicas
from sim.cost.ladder_parts import expected_failures_usd, parts
from sim.cost.reference import ReferenceRates
from sim.ledger.usage import (
    OfferedCounts,
    PoolUsage,
    ReferenceTokens,
    RouteOnPool,
    RouteUsage,
    TokenCounts,
    Usage,
)

OF = scenario(
    routes={"chat": route()},
    pools={"main": pool(3.6)},  # $0.001 a replica-second
    bill=[
        {"line": "storage", "driver": "hours", "usd": 0.5},
        {"line": "crew", "driver": "hours", "usd": 2.0, "kind": "people"},
    ],
)
BENCH = {"main": Benchmark(1000.0, ReferenceRates(1e-4, 0.0, 2e-3), 8, 500, 250, "by hand")}
NEED = Need(lengths=1.25, cache=0.8, slo_s=1500.0, whole_s=2400.0, held_by_min_s=50.0)
POOL = PoolUsage(
    paid_s=7000.0,
    node_s=7000.0,
    starting_by_cause_s={"start": 0.0, "scale": 300.0, "rollout": 60.0, "replacement": 40.0},
    tail_node_s=20.0,
    surge_s=80.0,
    spare_s=100.0,
    failed_s=10.0,
)


def usage(of: PoolUsage = POOL, useful: float = 0.9e6, waste_output: float = 50_000.0) -> Usage:
    """A million tokens came in an hour, of which *useful* were answered."""
    counts = TokenCounts(input=useful)
    on = RouteOnPool(
        offered=OfferedCounts(requests=1000, input=1e6),
        useful=counts,
        ended_waste=ReferenceTokens(output=waste_output),
    )
    whole = RouteUsage(offered=TokenCounts(input=1e6), useful=counts, by_pool={"main": on})
    return Usage(3600.0, {"chat": whole}, {"main": of}, whole)


def of(used: Usage, need: Need = NEED, naive: float = 1.0) -> Ladder:
    found = ladder(used, bill(used, OF), naive, OF, BENCH, {"main": need})
    assert found is not None
    return found


def test_every_level_by_hand() -> None:
    """$ in the window: 1.00 naive; x 1.25; x 0.8; 1500 s and 2400 s at $0.001; the list bill is
    $7.00, of which waste 50,000 x 2 ms = 100 s, failures 50 s, redundancy 80 + 100 + 50 s, cold
    starts 300 + 20 s. Then lines of $0.50 and $2.00."""
    found = of(usage())
    dollars = [1.0, 1.25, 1.0, 1.5, 2.4, 6.3, 6.62, 6.85, 6.9, 7.0, 7.0, 7.5, 9.5]
    assert found.usd == pytest.approx(dollars, abs=1e-12)
    per_million = [c if i < 9 else c / 0.9 for i, c in enumerate(dollars)]
    assert found.levels == pytest.approx(per_million, abs=1e-12)
    assert len(CAUSES) == len(found.levels)


def test_rungs_sum_to_the_gap_and_to_the_bill_less_the_naive_cost() -> None:
    found = of(usage())
    assert math.fsum(found.rungs) == pytest.approx(found.levels[-1] - found.levels[0], rel=1e-12)
    naive_month = 1.0 * 0.9 * 730
    assert math.fsum(found.usd_per_month) == pytest.approx(9.5 * 730 - naive_month, rel=1e-12)
    factors = [factor for factor in found.factors if factor is not None]
    assert math.prod(factors) == pytest.approx(found.levels[-1] / found.levels[0], rel=1e-12)


def test_without_an_slo_that_rung_is_exactly_nothing() -> None:
    assert of(usage(), replace(NEED, slo_s=None)).rungs[2] == 0.0


def test_without_failures_that_rung_is_nothing_and_the_rest_as_it_was() -> None:
    starting = {**POOL.starting_by_cause_s, "replacement": 0.0}
    fewer = replace(POOL, failed_s=0.0, starting_by_cause_s=starting, node_s=6950.0)
    before, after = of(usage()), of(usage(fewer))
    place = CAUSES.index("failures")
    assert after.levels[place] == pytest.approx(after.levels[place - 1], abs=1e-15)
    assert after.levels[:place] == pytest.approx(before.levels[:place], rel=1e-12)


def test_without_cold_starts_that_rung_is_nothing_and_the_rest_as_it_was() -> None:
    starting = {**POOL.starting_by_cause_s, "scale": 0.0}
    fewer = replace(POOL, tail_node_s=0.0, starting_by_cause_s=starting, node_s=6680.0)
    before, after = of(usage()), of(usage(fewer))
    place = CAUSES.index("cold_starts")
    assert after.levels[place] == after.levels[place - 1]
    assert after.levels[:place] == pytest.approx(before.levels[:place], rel=1e-12)


def test_perfect_clients_make_that_rung_exactly_nothing() -> None:
    found = of(usage(useful=1e6, waste_output=0.0))
    assert found.rungs[CAUSES.index("clients") - 1] == 0.0


def test_prices_times_k_scale_every_level() -> None:
    dear = scenario(routes={"chat": route()}, pools={"main": pool(36.0)})
    cheap = scenario(routes={"chat": route()}, pools={"main": pool(3.6)})
    used = usage()
    one = ladder(used, bill(used, cheap), 1.0, cheap, BENCH, {"main": NEED})
    ten = ladder(used, bill(used, dear), 10.0, dear, BENCH, {"main": NEED})
    assert one is not None
    assert ten is not None
    assert ten.levels == pytest.approx([10 * level for level in one.levels], rel=1e-12)


def test_several_pools_add_and_the_first_level_is_the_naive_price() -> None:
    two = scenario(
        routes={"chat": route("a"), "code": route("b")},
        pools={"a": pool(3.6), "b": pool(7.2), "spare": pool(1.0)},
    )
    one = usage().routes["chat"].by_pool["main"]
    routes = {
        name: replace(usage().routes["chat"], by_pool={p: one})
        for name, p in (("chat", "a"), ("code", "b"))
    }
    both = Usage(
        3600.0,
        routes,
        {"a": POOL, "b": POOL, "spare": PoolUsage(node_s=100.0)},
        replace(usage().overall, useful=TokenCounts(input=1.8e6)),
    )
    benches = {"a": BENCH["main"], "b": BENCH["main"]}
    found = ladder(both, bill(both, two), 0.7, two, benches, {"a": NEED, "b": NEED})
    assert found is not None
    assert found.levels[0] == pytest.approx(0.7, rel=1e-12)
    assert found.usd[3] == pytest.approx(1500 * 0.001 + 1500 * 0.002)
    assert found.usd[9] == pytest.approx(7 + 14 + 100 / 3600)


def test_there_is_no_ladder_of_nothing() -> None:
    used = usage(useful=0.0)
    assert ladder(used, bill(used, OF), 1.0, OF, BENCH, {"main": NEED}) is None
    assert ladder(usage(), bill(used, OF), None, OF, BENCH, {"main": NEED}) is None


def test_parts_are_named() -> None:
    found = parts(usage(), OF, BENCH, {"main": NEED})
    assert found.list_usd == pytest.approx(7.0)
    assert (found.starting_usd, found.tails_usd) == pytest.approx((0.3, 0.02))
    assert (found.surge_usd, found.spares_usd, found.floor_usd) == pytest.approx((0.08, 0.1, 0.05))
    assert (found.dead_usd, found.replacing_usd) == pytest.approx((0.01, 0.04))
    assert found.waste_usd == pytest.approx(0.1)


@pytest.mark.parametrize("seed", range(20))
def test_whole_replicas_by_brute_force(seed: int) -> None:
    """Add replicas one by one until they have time enough."""
    rng = np.random.default_rng(seed)
    lengths_s = np.array([300.0] * 9 + [rng.uniform(1, 300)])
    need_s = rng.uniform(0, 2000, 10) * rng.integers(0, 2, 10)
    need_s[0] = 300.0 * rng.integers(0, 5)  # right at a whole number
    for need, length, found in zip(
        need_s, lengths_s, whole_replicas(need_s, lengths_s), strict=True
    ):
        replicas = 0
        while replicas * length < need * (1 - 1e-9):
            replicas += 1
        assert found == replicas


def test_what_a_least_number_holds() -> None:
    """Three intervals with 2 ready by rule: none, one and three needed; the rule binds half of
    the last. So 2 x 300 s and 1 x 300 s are held by it."""
    found = needed(
        np.array([0.0, 200.0, 800.0]),
        np.array([300.0, 300.0, 300.0]),
        np.array([1.0, 1.0, 0.5]),
        np.array([2.0, 2.0, 1.0]),
        lengths=1.0,
        cache=1.0,
        has_slo=True,
    )
    assert found.held_by_min_s == 900.0
    assert found.whole_by_interval.tolist() == [0.0, 1.0, 3.0]
    assert (found.slo_s, found.whole_s) == (1000.0, 1200.0)


def test_failures_by_formula() -> None:
    """2 nodes for 1000 h at an MTBF of 100 h: 20 times 60 + 240 s at $3.60 an hour."""
    startup = {"provision": "3m", "pull": 0, "load": "1m", "init": 0, "first_request": 0}
    failing = pool(failures={"mtbf": "100h", "detection": "60s"}, startup=startup)
    of = scenario(pools={"main": failing}).pools["main"]
    assert expected_failures_usd(of, 2 * 1000 * 3600.0) == pytest.approx(20 * 300 * 0.001)
    assert expected_failures_usd(OF.pools["main"], 1e6) is None
