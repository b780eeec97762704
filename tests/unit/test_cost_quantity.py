"""Quantity: every driver by hand."""

from dataclasses import replace
from typing import Any

import pytest
from usages import hand_usage, placed, pool, route, scenario

from sim.cost.bill import bill
from sim.cost.quantity import crossing_share, gpu_hours, quantity, route_quantity
from sim.ledger.usage import OfferedCounts, PoolUsage, RouteOnPool, TokenCounts, Usage
from sim.scenario.bill import BillLine
from sim.scenario.document import Scenario


def amount(zones: int = 1, **line: Any) -> float:
    names = [f"z{i}" for i in range(zones)]
    node = {"usd_per_hour": 3.6, "zones": names}
    of = scenario(pools={"main": {**pool(), "node": node}}, bill=[{"line": "x", **line}])
    return quantity(of.bill[0], hand_usage(), of)


@pytest.mark.parametrize(
    ("driver", "expected"),
    [
        ("node_hours", 1.0),
        ("gpu_hours", 1.0),
        ("replica_hours", 1.0),
        ("hours", 1.0),
        ("months", 1 / 730),
        ("requests", 900.0),
        ("million_tokens", 0.675),
        ("egress_gb", 250_000 * 4 / 1e9),  # 225,000 useful tokens and 25,000 sent in vain
        ("log_gb", 1000 * 1000 / 1e9),  # 1,000 attempts of 1,000 bytes each
    ],
)
def test_quantity_of_each_driver(driver: str, expected: float) -> None:
    assert amount(driver=driver, usd=1.0) == pytest.approx(expected)


def test_several_of_it() -> None:
    assert amount(driver="hours", usd=1, count=3) == pytest.approx(3.0)
    assert amount(driver="node_hours", usd=1, count=96) == pytest.approx(96.0)  # vCPUs


def test_bytes_of_requests_and_tokens() -> None:
    both = {"bytes_per_token": 2, "bytes_per_request": 100, "usd": 1}
    assert amount(driver="egress_gb", **both) == pytest.approx((250_000 * 2 + 900 * 100) / 1e9)
    # A log of prompts and answers: 500,000 tokens asked, 250,000 sent.
    assert amount(driver="log_gb", **both) == pytest.approx((750_000 * 2 + 1000 * 100) / 1e9)


def test_traffic_between_zones() -> None:
    every = 750_000 * 4 / 1e9
    assert amount(zones=1, driver="cross_zone_gb", usd=1) == 0.0
    assert amount(zones=3, driver="cross_zone_gb", usd=1) == pytest.approx(every * 2 / 3)
    told = amount(zones=3, driver="cross_zone_gb", usd=1, crossing="10%")
    assert told == pytest.approx(every * 0.1)
    line = BillLine(line="x", driver="cross_zone_gb", usd=1)
    assert [crossing_share(line, z) for z in (1, 2, 4)] == [0.0, 0.5, 0.75]


def test_what_is_stored() -> None:
    month = 1 / 730  # of the window of an hour
    kept = {"driver": "stored_gb_months", "usd": 1}
    assert amount(**kept, gb=40) == pytest.approx(40 * month)
    assert amount(**kept, gb_per_node=200) == pytest.approx(200 * month)  # one node all the time
    # 1,000 attempts of 1 kB, each kept for 730 h.
    assert amount(**kept, retention="730h") == pytest.approx(1e-3)
    assert amount(**kept, gb=40, gb_per_node=200, retention="730h") == pytest.approx(
        240 * month + 1e-3
    )


def test_a_percentage_is_of_the_other_lines() -> None:
    lines = [
        {"line": "support", "percent": "10%"},
        {"line": "storage", "driver": "hours", "usd": 1.0},
        {"line": "people", "driver": "hours", "usd": 7.0, "kind": "people"},
        {"line": "tax", "percent": "20%", "of": ["people"]},
        {"line": "of the pool", "percent": "50%", "pool": "main"},
    ]
    billed = {line.line: line.usd for line in bill(hand_usage(), scenario(bill=lines)).lines}
    assert billed["support"] == pytest.approx(0.1 * (3.6 + 1.0))
    assert billed["tax"] == pytest.approx(0.2 * 7.0)
    assert billed["of the pool"] == pytest.approx(0.5 * 3.6)


def test_a_line_of_one_of_several_pools_counts_what_that_pool_did() -> None:
    parts = {
        "small": RouteOnPool(OfferedCounts(70.0), 60.0, TokenCounts(6e6, output=1e6)),
        "large": RouteOnPool(OfferedCounts(30.0), 30.0, TokenCounts(4e6, output=1e6)),
    }
    chat = replace(hand_usage().routes["chat"], by_pool=parts)
    pools = {"small": PoolUsage(), "large": PoolUsage()}
    usage = Usage(3600.0, {"chat": chat}, pools, chat)
    of: Scenario = scenario(
        routes={"chat": route({"split": {"small": 0.7, "large": 0.3}})},
        pools={"small": pool(), "large": pool()},
    )

    def on(driver: str) -> float:
        line = BillLine.model_validate({"line": "x", "driver": driver, "usd": 1, "pool": "small"})
        return route_quantity(line, "chat", usage, of)

    assert (on("requests"), on("million_tokens")) == (60.0, 7.0)
    assert on("log_gb") == pytest.approx(70 * 1000 / 1e9)


def test_gpus_without_a_replica_are_paid() -> None:
    used = PoolUsage(paid_s=7200.0, unplaced_gpu_s=3600.0)
    assert gpu_hours(used, tensor_parallel=3) == pytest.approx(7.0)
    assert placed(hand_usage(), scenario()).pools["main"].paid_s == 3600.0
