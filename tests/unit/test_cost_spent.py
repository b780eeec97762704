"""Spent: every dollar has gone somewhere, by hand and for any usage."""

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from usages import BENCHMARKS, WINDOW_S, accounts, hand_usage, pool, scenario

from sim.cost.spent import EARLIER, headroom_share, idle_usd
from sim.cost.statement import Statement, statement
from sim.ledger.usage import PoolUsage, Usage
from sim.scenario.document import Scenario


def by_hand(usage: Usage | None = None, of: Scenario | None = None) -> Statement:
    return statement(usage or hand_usage(), of or scenario(), {"main": BENCHMARKS["main"]})


def test_one_hour_by_hand() -> None:
    """$3.60 an hour is $0.001 a second: 34.2 s useful, 3.8 s wasted, 362 s slack, 3,200 s idle."""
    found = by_hand().spent
    assert found.useful_work == pytest.approx(0.0342)
    assert found.waste == pytest.approx({"timed_out": 0.0038})
    assert found.slack == pytest.approx(0.362)
    assert found.idle == pytest.approx(3.2)
    assert found.total_usd == pytest.approx(3.6)


def test_waste_goes_by_cause() -> None:
    """40,000 prompt tokens take 0.8 s of prefill; of 24,000 answers' tokens 2.4 s of decode."""
    usage = hand_usage()
    part = usage.routes["chat"].by_pool["main"]
    causes = {
        "wasted_input": {"timed_out": 40_000.0, "failed": 0.0, "preempted": 0.0},
        "wasted_output": {"timed_out": 0.0, "failed": 24_000.0, "preempted": 40_000.0},
    }
    usage.routes["chat"] = replace(usage.routes["chat"], by_pool={"main": replace(part, **causes)})
    found = by_hand(usage).spent.waste  # a preempted answer is computed again as a prompt
    seconds = {"timed_out": 0.8, "failed": 2.4, "preempted": 0.8}
    assert found == pytest.approx({cause: 0.0038 * s / 4.0 for cause, s in seconds.items()})


def test_waste_of_requests_that_came_before_the_window() -> None:
    usage = hand_usage()
    part = usage.routes["chat"].by_pool["main"]
    none = {"wasted_input": {}, "wasted_output": {}}
    usage.routes["chat"] = replace(usage.routes["chat"], by_pool={"main": replace(part, **none)})
    assert by_hand(usage).spent.waste == pytest.approx({EARLIER: 0.0038})


def test_commitments_and_other_lines_stand_apart() -> None:
    node = {"usd_per_hour": 3.6, "reserved": {"nodes": 3, "discount": 0.5}}
    lines = [
        {"line": "storage", "driver": "hours", "usd": 0.3},
        {"line": "team", "driver": "hours", "usd": 5.0, "kind": "people"},
    ]
    of = scenario(pools={"main": {**pool(), "node": node}}, bill=lines)
    usage = hand_usage()
    usage.pools["main"] = replace(usage.pools["main"], nodes_at_least_s=np.array([3600.0]))
    stated = by_hand(usage, of)
    found = stated.spent
    assert (found.infra, found.people, found.hosted) == (0.3, 5.0, 0.0)
    assert found.unused_commitment == pytest.approx(2 * 1.8)
    assert found.useful_work == pytest.approx(0.0342 / 2)  # at the price that is paid
    assert stated.gpu_hours.committed_unused == pytest.approx(2.0)
    assert stated.gpu_hours.paid == pytest.approx(3.0)
    assert stated.utilization.busy == pytest.approx(400 / (3 * 3600))
    assert stated.bill.list_node_usd("main") == pytest.approx(3.6)
    assert stated.bill.unused_usd("main") == pytest.approx(3.6)


@settings(max_examples=60, deadline=None)
@given(accounts())
def test_any_account_sums_to_its_bill(account: tuple[Scenario, Usage]) -> None:
    of, usage = account
    stated = statement(usage, of, BENCHMARKS)
    largest = max(abs(line.usd) for line in stated.bill.lines)
    parts = [v for v in vars(stated.spent).values() if isinstance(v, float)]
    largest = max([largest, *map(abs, parts)])  # slack may be far below 0 in such an account
    assert stated.spent.total_usd == pytest.approx(stated.bill.total_usd, abs=1e-9 * largest)
    assert all(usd >= 0.0 for usd in stated.spent.waste.values())
    hours = math.fsum(p.gpu_hours.reference_waste for p in stated.pools.values())
    assert (math.fsum(stated.spent.waste.values()) > 0) <= (hours > 0)


def test_headroom_is_what_nobody_needed() -> None:
    """Four intervals, the last of 100 s; one replica beyond the needed ones in all of them."""
    usage = PoolUsage(idle_s=2000.0, paid_by_interval=np.full(4, 3.0))
    assert headroom_share(usage, np.full(4, 2.0), WINDOW_S) == pytest.approx(1000 / 2000)
    assert headroom_share(usage, np.full(4, 5.0), WINDOW_S) == 0.0
    assert headroom_share(usage, np.zeros(4), WINDOW_S) == 1.0
    assert headroom_share(replace(usage, idle_s=0.0), np.zeros(4), WINDOW_S) == 0.0


@settings(max_examples=60)
@given(accounts())
def test_idle_is_valley_and_headroom(account: tuple[Scenario, Usage]) -> None:
    of, usage = account
    found = statement(usage, of, BENCHMARKS)
    hours = {name: pool.gpu_hours for name, pool in found.pools.items()}
    needed = {name: np.floor(pool.paid_by_interval) for name, pool in usage.pools.items()}
    split = idle_usd(usage, found.bill, hours, needed)
    assert math.fsum(split.values()) == pytest.approx(found.spent.idle, rel=1e-9, abs=1e-9)
    enough = {name: pool.paid_by_interval for name, pool in usage.pools.items()}
    assert idle_usd(usage, found.bill, hours, enough)["headroom"] == 0.0
    nothing = idle_usd(usage, found.bill, hours, {})
    assert nothing["headroom"] >= split["headroom"] >= 0.0
