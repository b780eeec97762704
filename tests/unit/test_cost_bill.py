import math
from dataclasses import replace

import pytest
from hypothesis import given, settings
from usages import API, BENCHMARKS, FLEET, LIVING, hand_usage, pool, route, scenario, usages

from sim.cost.bill import HostedPart, bill
from sim.cost.line import Line
from sim.cost.quantity import gpu_hours
from sim.ledger.usage import HostedCounts, PoolUsage, Usage
from sim.scenario.document import Scenario


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


SPOT = {"usd_per_hour": 0.8, "mean_life": "12h"}


def with_spot() -> Scenario:
    lines = [{"line": "storage", "driver": "node_hours", "usd": 1.0}]
    node = {"usd_per_hour": 2.5, "spot": SPOT}
    return scenario(pools={"main": {**pool(startup="none"), "node": node}}, bill=lines)


@pytest.mark.parametrize("spot_h", [0.0, 3.0])
def test_spot_nodes_have_a_line_of_their_own(spot_h: float) -> None:
    usage = hand_usage()
    usage.pools["main"] = replace(usage.pools["main"], spot_node_s=3600.0 * spot_h)
    billed = bill(usage, with_spot())
    assert billed.lines == (
        Line("nodes", "node", "main", "node_hours", 1.0, 2.5),
        Line("spot nodes", "node", "main", "node_hours", spot_h, 0.8),
        Line("storage", "infra", None, "node_hours", 1.0 + spot_h, 1.0),
    )
    assert billed.specs[:2] == (None, None)
    assert billed.node_usd("main") == pytest.approx(2.5 + 0.8 * spot_h)


def test_a_hosted_api_has_a_line_for_each_kind_of_token() -> None:
    usage = hand_usage()
    hosted = HostedCounts(requests=40, input=20_000, cached_input=5_000, output=10_000)
    usage.routes["chat"] = replace(usage.routes["chat"], hosted=hosted)
    of = scenario(
        routes={"chat": route(overflow=API)}, bill=[{"line": "x", "driver": "hours", "usd": 1.0}]
    )
    billed = bill(usage, of)
    assert billed.lines[1:4] == (
        Line("hosted input (chat)", "hosted", None, "million_tokens", 0.015, 2.5),
        Line("hosted cached input (chat)", "hosted", None, "million_tokens", 0.005, 0.25),
        Line("hosted output (chat)", "hosted", None, "million_tokens", 0.01, 10.0),
    )
    kinds = ("input", "cached_input", "output")
    assert billed.specs[1:4] == tuple(HostedPart("chat", kind) for kind in kinds)
    assert billed.hosted_usd("chat") == pytest.approx(
        {"input": 0.0375, "cached_input": 0.00125, "output": 0.1}
    )
    assert billed.lines[4].line == "x"


def test_an_api_that_was_not_asked_is_not_on_the_bill() -> None:
    billed = bill(hand_usage(), scenario(routes={"chat": route(overflow=API)}))
    assert [line.line for line in billed.lines] == ["nodes"]
    assert billed.hosted_usd("chat") == {}


def test_without_a_price_of_its_own_cached_input_is_as_other_input() -> None:
    usage = hand_usage()
    hosted = HostedCounts(requests=1, input=2e6, cached_input=1e6)
    usage.routes["chat"] = replace(usage.routes["chat"], hosted=hosted)
    api = {k: v for k, v in API.items() if k != "usd_per_million_cached_input"}
    billed = bill(usage, scenario(routes={"chat": route(overflow=api)}))
    assert billed.hosted_usd("chat") == {"input": 2.5, "cached_input": 2.5}


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


@settings(max_examples=50, deadline=None)
@given(usages(LIVING))
def test_hosted_dollars_are_tokens_by_the_apis_prices(usage: Usage) -> None:
    billed = bill(usage, LIVING)
    for name in LIVING.routes:
        used = usage.routes[name].hosted
        own = (used.input - used.cached_input) * 2.5 + used.cached_input * 0.25 + used.output * 10
        assert math.fsum(billed.hosted_usd(name).values()) == pytest.approx(own / 1e6, rel=1e-12)
    spot_h = usage.pools["main"].spot_node_s / 3600
    paid_h = usage.pools["main"].node_s / 3600
    assert billed.node_usd("main") == pytest.approx(3.6 * paid_h + 1.2 * spot_h, rel=1e-12)
