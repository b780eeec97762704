import math

import pytest
from hypothesis import given, settings
from usages import BENCHMARKS, FLEET, hand_usage, pool, route, scenario, usages

from sim.cost.bill import Line, bill, gpu_hours
from sim.ledger.usage import PoolUsage, Usage


def line_of(name: str, usd: float, driver: str, **changes: object) -> Line:
    of = scenario(bill=[{"line": name, "driver": driver, "usd": usd, **changes}])
    return bill(hand_usage(), of).lines[-1]


def test_nodes_are_paid_by_the_node_hour() -> None:
    billed = bill(hand_usage(), scenario(pools={"main": pool(2.5)}))
    assert billed.lines == (Line("nodes", "node", "main", "node_hours", 1.0, 2.5),)
    assert billed.total_usd == billed.node_usd("main") == 2.5


def test_total_per_hour_and_month() -> None:
    billed = bill(hand_usage(), scenario())
    assert billed.usd_per_hour == pytest.approx(3.6)
    assert billed.usd_per_month == pytest.approx(3.6 * 730)


@pytest.mark.parametrize(
    ("driver", "quantity"),
    [
        ("node_hours", 1.0),
        ("gpu_hours", 1.0),
        ("hours", 1.0),
        ("months", 1 / 730),
        ("requests", 900.0),
        ("million_tokens", 0.675),
        ("egress_gb", 250_000 * 4 / 1e9),  # 225,000 useful and 25,000 that were sent in vain
    ],
)
def test_quantity_of_each_driver(driver: str, quantity: float) -> None:
    line = line_of("x", 2.0, driver)
    assert line.quantity == pytest.approx(quantity)
    assert line.usd == pytest.approx(2 * quantity)
    assert (line.line, line.driver, line.unit_usd) == ("x", driver, 2.0)


def test_recomputation_is_not_sent() -> None:
    usage = hand_usage()
    usage.routes["chat"].wasted_output["preempted"] = 1e9
    of = scenario(bill=[{"line": "egress", "driver": "egress_gb", "usd": 1.0}])
    assert bill(usage, of).lines[-1].quantity == pytest.approx(1e-3)


def test_bytes_per_token() -> None:
    line = line_of("egress", 0.09, "egress_gb", bytes_per_token=8)
    assert line.quantity == pytest.approx(2e-3)


def test_people_come_by_the_month() -> None:
    assert line_of("team", 9000, "months").kind == "people"
    assert line_of("team", 9000, "hours").kind == "infra"
    assert line_of("licence", 9000, "months", kind="infra").kind == "infra"


def test_lines_of_a_pool_or_a_route_count_that_one_only() -> None:
    usage = hand_usage()
    chat, main = usage.routes["chat"], usage.pools["main"]
    two = Usage(3600.0, {"a": chat, "b": chat}, {"p": main, "q": main}, chat)
    of = scenario(
        routes={"a": route("p"), "b": route("q")},
        pools={"p": pool(1.0), "q": pool(1.0)},
        bill=[
            {"line": "all", "driver": "requests", "usd": 1.0},
            {"line": "pool", "driver": "requests", "usd": 1.0, "pool": "p"},
            {"line": "route", "driver": "requests", "usd": 1.0, "route": "b"},
            {"line": "nodes of all", "driver": "node_hours", "usd": 1.0},
            {"line": "nodes of b", "driver": "node_hours", "usd": 1.0, "route": "b"},
        ],
    )
    quantities = [line.quantity for line in bill(two, of).lines[2:]]
    assert quantities == [1800.0, 900.0, 900.0, 2.0, 1.0]


def test_gpus_without_a_replica_are_paid() -> None:
    used = PoolUsage(paid_s=7200.0, unplaced_gpu_s=3600.0)
    assert gpu_hours(used, tensor_parallel=3) == pytest.approx(7.0)


@settings(max_examples=50, deadline=None)
@given(usages())
def test_total_is_the_sum_of_the_lines(usage: Usage) -> None:
    billed = bill(usage, FLEET)
    assert len(billed.lines) == len(billed.specs) == 3 + 9
    by_hand = math.fsum(line.quantity * line.unit_usd for line in billed.lines)
    assert billed.total_usd == pytest.approx(by_hand, rel=1e-12)
    named = math.fsum(billed.pool_usd(p) for p in FLEET.pools)
    spanning = math.fsum(line.usd for line in billed.lines if line.pool is None)
    assert named + spanning == pytest.approx(billed.total_usd, rel=1e-12)
    assert set(BENCHMARKS) < set(FLEET.pools)
