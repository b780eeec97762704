import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from usages import (
    API,
    BENCHMARKS,
    FLEET,
    LIVING,
    SPREAD,
    added,
    hand_usage,
    on_one_pool,
    placed,
    pool,
    route,
    scenario,
    usages,
)

from sim.cost.allocation import Allocation, SharesOf, allocate, peak_shares, shares, use_shares
from sim.cost.bill import bill
from sim.cost.reference import NO_RATES, ReferenceRates
from sim.ledger.usage import (
    HostedCounts,
    PoolUsage,
    ReferenceTokens,
    RequestCounts,
    RouteUsage,
    TokenCounts,
    Usage,
)
from sim.scenario.document import Scenario

RATES = {p: BENCHMARKS[p].rates if p in BENCHMARKS else NO_RATES for p in FLEET.pools}
WAYS = pytest.mark.parametrize("way", [use_shares, peak_shares])

PER_TOKEN = ReferenceRates(pre_s=1.0, rent_s=0.0, out_s=1.0)
"""A reference second per computed or generated token: shares are read off the token counts."""


def used(tokens: float, completed: float = 0.0, output: float = 0.0, hour: int = 0) -> RouteUsage:
    by_interval = np.zeros((12, 3))
    by_interval[hour, 0] = tokens
    return RouteUsage(
        requests=RequestCounts(arrived=completed, completed=completed),
        useful=TokenCounts(input=tokens, output=output),
        ended_useful=ReferenceTokens(uncached=tokens, prompt=tokens),
        ended_by_interval=by_interval,
    )


def paid(hours: float) -> PoolUsage:
    s = 3600.0 * hours
    return PoolUsage(paid_s=s, idle_s=s, node_s=s, paid_by_interval=np.full(12, hours))


TWO = {
    "routes": {"a": route("p"), "b": route("p"), "c": route("q")},
    "pools": {"p": pool(2.0), "q": pool(6.0)},
}


def two(**lines: object) -> tuple[Usage, Scenario]:
    """a and b share pool p 3:1, c has q alone; p costs $2, q $6; one more line of $8."""
    usage = Usage(
        3600.0,
        {"a": used(300, 90, 10), "b": used(100, 10, 30), "c": used(50, 100, 60)},
        {"p": paid(1.0), "q": paid(1.0)},
        RouteUsage(),
    )
    return usage, scenario(**TWO, bill=[{"line": "x", **lines}] if lines else [])


def allocated(usage: Usage, of: Scenario, way: SharesOf = use_shares) -> Allocation:
    """A route that does not say what it did on its only pool did it there."""
    unsaid = not any(route.by_pool for route in usage.routes.values())
    usage = placed(usage, of) if unsaid else usage
    return allocate(bill(usage, of), usage, of, dict.fromkeys(of.pools, PER_TOKEN), way)


def test_nodes_by_use() -> None:
    assert allocated(*two()).by_route == pytest.approx({"a": 1.5, "b": 0.5, "c": 6.0})


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ({"driver": "hours", "usd": 8}, {"a": 1.5, "b": 0.5, "c": 6.0}),  # by node dollars
        ({"driver": "hours", "usd": 8, "pool": "p"}, {"a": 6.0, "b": 2.0, "c": 0.0}),
        ({"driver": "hours", "usd": 8, "route": "b"}, {"a": 0.0, "b": 8.0, "c": 0.0}),
        ({"driver": "requests", "usd": 0.04}, {"a": 3.6, "b": 0.4, "c": 4.0}),
        ({"driver": "requests", "usd": 0.04, "pool": "p"}, {"a": 3.6, "b": 0.4, "c": 0.0}),
        ({"driver": "egress_gb", "usd": 1e9, "bytes_per_token": 1}, {"a": 10, "b": 30, "c": 60}),
        ({"driver": "million_tokens", "usd": 1e6}, {"a": 310, "b": 130, "c": 110}),
        ({"driver": "node_hours", "usd": 4}, {"a": 3.0, "b": 1.0, "c": 4.0}),
        ({"driver": "gpu_hours", "usd": 4, "route": "a"}, {"a": 4.0, "b": 0.0, "c": 0.0}),
    ],
)
def test_other_lines_by_driver_or_node_dollars(
    line: dict[str, object], expected: dict[str, float]
) -> None:
    nodes = {"a": 1.5, "b": 0.5, "c": 6.0}
    by_route = allocated(*two(**line)).by_route
    assert {r: by_route[r] - nodes[r] for r in nodes} == pytest.approx(expected)


def test_waste_counts_as_use() -> None:
    usage, of = two()
    usage.routes["b"] = RouteUsage(ended_waste=ReferenceTokens(uncached=300, prompt=300))
    assert allocated(usage, of).by_route == pytest.approx({"a": 1.0, "b": 1.0, "c": 6.0})


@WAYS
def test_who_went_to_a_hosted_api_pays_it(way: SharesOf) -> None:
    """Whatever its part of the nodes, and of the lines that go by node dollars."""
    usage, _ = two()
    hosted = HostedCounts(requests=5, input=1e6, cached_input=0, output=1e5)
    usage.routes["b"] = replace(usage.routes["b"], hosted=hosted)
    routes = {**TWO["routes"], "b": route("p", overflow=API)}
    of = scenario(routes, TWO["pools"], [{"line": "x", "driver": "hours", "usd": 8}])
    found = allocated(usage, of, way)
    assert found.by_route == pytest.approx({"a": 3.0, "b": 1.0 + 2.5 + 1.0, "c": 12.0})


@WAYS
def test_spot_nodes_are_nodes_of_their_pool(way: SharesOf) -> None:
    usage, _ = two()
    usage.pools["p"] = replace(usage.pools["p"], node_s=1800.0, spot_node_s=1800.0)
    node = {"usd_per_hour": 2.0, "spot": {"usd_per_hour": 0.4, "mean_life": "12h"}}
    pools = {**TWO["pools"], "p": {**pool(startup="none"), "node": node}}
    of = scenario(TWO["routes"], pools, [{"line": "x", "driver": "hours", "usd": 7.2}])
    found = allocated(usage, of, way)  # p is paid 1.2, q 6: the other line goes by these
    assert found.by_route == pytest.approx({"a": 1.8, "b": 0.6, "c": 12.0})


SPLIT = {"split": {"p": 0.5, "q": 0.5}}


def spread(**lines: object) -> tuple[Usage, Scenario]:
    """a did 300 of pool p's 400 tokens, and 30 of q's 120; p costs $2, q $6; one line of $8."""
    usage, _ = two()
    on = {"p": on_one_pool(used(300, 90, 10)), "q": on_one_pool(used(30, 10, 10))}
    both = added(list(on.values()))
    whole = replace(
        usage.routes["a"],
        requests=RequestCounts(arrived=100, completed=100),
        useful=both.useful,
        by_pool=on,
    )
    rest = placed(replace(usage, routes={"b": used(100, 10, 30), "c": used(90, 20, 0)}), two()[1])
    routes = {"a": route(SPLIT), "b": route("p"), "c": route("q")}
    of = scenario(routes, TWO["pools"], [{"line": "x", **lines}] if lines else [])
    return replace(usage, routes={"a": whole, **rest.routes}), of


def test_a_route_over_two_pools_pays_its_part_of_each() -> None:
    """3/4 of $2 and 1/4 of $6."""
    found = allocated(*spread())
    assert found.by_route == pytest.approx({"a": 3.0, "b": 0.5, "c": 4.5})
    assert found.by_pool["a"] == pytest.approx({"p": 1.5, "q": 1.5})
    assert found.by_pool["b"] == pytest.approx({"p": 0.5})


@pytest.mark.parametrize(
    ("line", "a", "on_p"),
    [
        ({"driver": "hours", "usd": 8}, 3.0, 1.5),  # by node dollars, of route and of pool
        ({"driver": "hours", "usd": 8, "pool": "p"}, 6.0, 6.0),
        ({"driver": "node_hours", "usd": 4}, 4.0, 3.0),  # an hour each: 3/4 of p's, 1/4 of q's
        ({"driver": "requests", "usd": 1, "pool": "q"}, 10.0, 0.0),  # 10 of a's 100 were there
        ({"driver": "requests", "usd": 0.1}, 10.0, 5.0),
        ({"driver": "months", "usd": 730, "route": "a"}, 1.0, 0.5),
        ({"driver": "hours", "usd": 8, "split": "evenly"}, 8 / 3, 4 / 3),
        ({"driver": "hours", "usd": 8, "split": "requests", "pool": "p"}, 7.2, 7.2),
        ({"driver": "hours", "usd": 8, "split": "tokens", "pool": "q"}, 40 / 130 * 8, 0.0),
        ({"driver": "hours", "usd": 8, "split": {"a": 0.25, "c": 0.75}}, 2.0, 1.0),
        ({"driver": "hours", "usd": 8, "split": "nodes"}, 3.0, 1.5),
    ],
)
def test_other_lines_over_two_pools(line: dict[str, object], a: float, on_p: float) -> None:
    usage, of = spread(**line)
    found = allocated(usage, of)
    assert found.by_route["a"] - 3.0 == pytest.approx(a)
    assert found.by_pool["a"]["p"] - 1.5 == pytest.approx(on_p)
    whole = math.fsum([*found.by_route.values(), found.unallocated_usd])
    assert whole == pytest.approx(bill(usage, of).total_usd)


@WAYS
def test_a_pool_without_traffic_is_nobodys(way: SharesOf) -> None:
    usage, of = two(driver="hours", usd=8)
    usage.routes["c"] = RouteUsage(ended_by_interval=np.zeros((12, 3)))
    found = allocated(usage, of, way)
    assert found.unallocated_usd == pytest.approx(6.0)
    assert sum(found.by_route.values()) == pytest.approx(2.0 + 8.0)
    assert found.by_route["c"] == 0.0


@WAYS
def test_without_any_traffic_all_is_nobodys(way: SharesOf) -> None:
    usage, of = two(driver="hours", usd=8)
    for name in usage.routes:
        usage.routes[name] = RouteUsage(ended_by_interval=np.zeros((12, 3)))
    found = allocated(usage, of, way)
    assert found.unallocated_usd == pytest.approx(16.0)
    assert set(found.by_route.values()) == {0.0}


def test_by_peak_equals_by_use_at_one_profile() -> None:
    usage, of = two()
    assert allocated(usage, of, peak_shares).by_route == pytest.approx(
        allocated(usage, of).by_route
    )


def test_who_comes_at_the_peak_pays_more() -> None:
    """One replica, an hour: a ends 300 s of work in each of 4 intervals, b only in the first.

    Load there is 2 of 1 replica: H_1 is all four intervals; unused: 3,600 - 4 x 300 = 2,400 s.
    Mean shares: a (1/2 + 3)/4 = 7/8, b 1/8. a: 1,200 + 2,100; b: 300 + 300, of 3,900 in all.
    """
    a, b = np.zeros((12, 3)), np.zeros((12, 3))
    a[:4, 0], b[0, 0] = 300.0, 300.0
    usage = Usage(
        3600.0,
        {
            "a": RouteUsage(ended_useful=ReferenceTokens(1200, 1200), ended_by_interval=a),
            "b": RouteUsage(ended_useful=ReferenceTokens(300, 300), ended_by_interval=b),
        },
        {"p": paid(1.0)},
        RouteUsage(),
    )
    of = scenario(routes={"a": route("p"), "b": route("p")}, pools={"p": pool(3.9)})
    assert allocated(usage, of).by_route == pytest.approx({"a": 3.12, "b": 0.78})
    assert allocated(usage, of, peak_shares).by_route == pytest.approx({"a": 3.3, "b": 0.6})


def test_by_peak_without_intervals_is_by_use() -> None:
    usage = hand_usage()
    assert peak_shares(usage, scenario(), "main", PER_TOKEN) == {"chat": 1.0}
    empty = Usage(3600.0, usage.routes, {"main": PoolUsage(paid_s=1.0)}, usage.overall)
    assert peak_shares(empty, scenario(), "main", PER_TOKEN) == {"chat": 1.0}


def test_shares_of_nothing() -> None:
    assert shares({}) == shares({"a": 0.0, "b": 0.0}) == {}


@WAYS
@pytest.mark.parametrize("of", [FLEET, LIVING, SPREAD], ids=["plain", "living", "spread"])
@settings(max_examples=50, deadline=None)
@given(data=st.data())
def test_everything_sums_to_the_bill(way: SharesOf, of: Scenario, data: st.DataObject) -> None:
    usage = data.draw(usages(of))
    billed = bill(usage, of)
    found = allocate(billed, usage, of, RATES, way)
    whole = math.fsum([*found.by_route.values(), found.unallocated_usd])
    assert whole == pytest.approx(billed.total_usd, rel=1e-9, abs=1e-12)
    for name, by_pool in found.by_pool.items():
        own_usd = found.by_route[name] - math.fsum(billed.hosted_usd(name).values())
        assert tuple(by_pool) == of.routes[name].pools
        assert math.fsum(by_pool.values()) == pytest.approx(own_usd, rel=1e-9, abs=1e-9)
    idle = billed.pool_usd("spare")
    assert found.unallocated_usd >= idle - 1e-9 * abs(idle)
