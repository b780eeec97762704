"""Identities of the whole bill: every driver, every way to buy and to split, any usage."""

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from usages import API, BENCHMARKS, WINDOW_S, hand_usage, pool, route, scenario, usages

from sim.cost.bill import bill
from sim.cost.statement import Statement, statement
from sim.cost.teams import by_team, teams_of
from sim.ledger.usage import PoolUsage, Usage
from sim.scenario.document import Scenario


def whole(k: float = 1.0) -> Scenario:
    """All there is, at *k* times the prices (a percentage and a discount have no price)."""
    spot = {"share": 0.5, "usd_per_hour": 1.2 * k, "mean_life": "12h"}
    owned = {
        "nodes": 3, "purchase_usd": 100_000 * k, "years": 4, "salvage_usd": 5_000 * k,
        "cost_of_capital": 0.08, "kw": 2, "unused_kw": 1, "pue": 1.3, "usd_per_kwh": 0.1 * k,
        "space_usd_per_month": 300 * k, "spares": 1,
    }  # fmt: skip
    upfront = {"nodes": 40, "upfront_usd": 9_000 * k, "term": "365d", "usd_per_hour": 8 * k}
    nodes = {
        "main": {"usd_per_hour": 3.6 * k, "spot": spot, "owned": owned,
                 "reserved": {"nodes": 50, "discount": 0.4}, "zones": ["a", "b", "c"]},
        "big": {"usd_per_hour": 40.0 * k, "gpus": 8, "reserved": upfront},
    }  # fmt: skip
    api = {key: v * k if key.startswith("usd") else v for key, v in API.items()}  # type: ignore[operator]
    return scenario(
        routes={
            "chat": route(slo={"ttft_p95": 1}, overflow=api, team="search"),
            "code": route({"split": {"main": 0.7, "big": 0.3}}, team="tools"),
            "review": route({"cascade": ["main", "big"], "escalates": 0.25}, team="search"),
            "health": route(useful=False),
        },
        pools={
            "main": {**pool(startup="none"), "node": nodes["main"]},
            "big": {**pool(tensor_parallel=2), "node": nodes["big"]},
            "spare": pool(k),
        },
        bill=lines(k),
    )


def lines(k: float) -> list[dict[str, Any]]:
    """A line of every driver, some of one pool or route, and of every split."""
    plain = {
        "node_hours": {}, "gpu_hours": {"pool": "big"}, "replica_hours": {}, "hours": {},
        "months": {"split": {"chat": 0.25, "code": 0.75}}, "requests": {},
        "million_tokens": {"pool": "main"}, "egress_gb": {}, "log_gb": {"pool": "main"},
        "cross_zone_gb": {}, "stored_gb_months": {"gb_per_node": 9, "retention": "7d"},
    }  # fmt: skip
    found: list[dict[str, Any]] = [
        {"line": driver, "driver": driver, "usd": 0.3 * k, **more} for driver, more in plain.items()
    ]
    return [
        *found,
        *(
            {"line": f"by {split}", "driver": "hours", "usd": k, "split": split}
            for split in ("requests", "tokens", "nodes", "evenly")
        ),
        {"line": "moved", "one_time": {"usd": 9_000 * k, "months": 12}, "route": "code"},
        {"line": "pooled", "driver": "hours", "usd": k, "pool": "spare", "split": "evenly"},
        {"line": "support", "percent": "10%"},
        {"line": "agency", "percent": "5%", "of": ["people"], "split": "requests"},
    ]


WHOLE, DOUBLED = whole(), whole(2.0)


def bought(usage: Usage) -> Usage:
    """*usage* with its nodes paid one after the other, each for the whole window but the last."""
    return replace(usage, pools={name: _bought(used) for name, used in usage.pools.items()})


def _bought(used: PoolUsage) -> PoolUsage:
    full, rest_s = divmod(used.node_s, WINDOW_S)
    return replace(used, nodes_at_least_s=np.array([WINDOW_S] * int(full) + [rest_s]))


def stated(usage: Usage, of: Scenario = WHOLE) -> Statement:
    return statement(usage, of, BENCHMARKS)


def scale(of: Statement) -> float:
    """The largest amount of money in it: sums are as good as that allows."""
    return max(abs(line.usd) for line in of.bill.lines)


some = usages(WHOLE).map(bought)
SLOW = settings(max_examples=40, deadline=None)


@SLOW
@given(some)
def test_all_of_it_sums_to_the_bill(usage: Usage) -> None:
    found = stated(usage)
    total, nearly = found.bill.total_usd, {"abs": 1e-9 * scale(found)}
    unallocated = found.cost.by_use.unallocated_usd
    for way in ("by_use_usd", "by_peak_usd"):
        paid = {name: getattr(route, way) for name, route in found.routes.items()}
        assert math.fsum(paid.values()) + unallocated == pytest.approx(total, **nearly)
        teams = by_team(teams_of(WHOLE.routes), paid)
        assert math.fsum(teams.values()) + unallocated == pytest.approx(total, **nearly)
        assert set(teams) == {"search", "tools", "(no team)"}
    largest = max(scale(found), abs(found.spent.slack))
    assert found.spent.total_usd == pytest.approx(total, abs=1e-9 * largest)
    by_kind = [found.bill.kind_usd(k) for k in ("node", "commitment", "infra", "people", "hosted")]
    assert math.fsum(by_kind) == pytest.approx(total, **nearly)


@SLOW
@given(some)
def test_the_nine_states_sum_to_paid(usage: Usage) -> None:
    found = stated(usage)
    for name, of in WHOLE.pools.items():
        hours = vars(found.pools[name].gpu_hours)
        states = [h for state, h in hours.items() if state != "paid"]
        largest = max(map(abs, states))
        assert math.fsum(states) == pytest.approx(hours["paid"], abs=1e-9 * largest)
        unused_h = max(0.0, of.node.committed_nodes * WINDOW_S - usage.pools[name].node_s) / 3600
        assert hours["committed_unused"] == pytest.approx(unused_h * of.node.gpus, abs=1e-9)


@SLOW
@given(some)
def test_prices_twice_as_high_are_money_twice_as_much(usage: Usage) -> None:
    once, twice = stated(usage), stated(usage, DOUBLED)
    nearly = {"abs": 1e-9 * scale(twice)}
    for before, after in zip(once.bill.lines, twice.bill.lines, strict=True):
        assert after.usd == pytest.approx(2 * before.usd, **nearly), after.line
    for name, of_route in once.routes.items():
        for way in ("by_use_usd", "by_peak_usd"):
            assert getattr(twice.routes[name], way) == pytest.approx(
                2 * getattr(of_route, way), **nearly
            )


def test_four_dollars_an_hour_at_two_million_tokens_an_hour_is_two_dollars() -> None:
    usage = hand_usage()
    useful = replace(usage.routes["chat"].useful, input=1.5e6, output=0.5e6)
    usage.routes["chat"] = replace(usage.routes["chat"], useful=useful)
    of = scenario(pools={"main": pool(4.0)})
    found = statement(usage, of, {"main": BENCHMARKS["main"]})
    assert found.cost.by_use.usd_per_million_useful_tokens == pytest.approx(2.0)


@given(st.floats(0.01, 1.0))
def test_what_time_drives_costs_twice_as_much_per_token_at_half_the_load(load: float) -> None:
    """On a fixed fleet: the line is the same, the tokens are half; others fall with the load."""
    drivers = ("node_hours", "gpu_hours", "replica_hours", "hours", "months")
    by_load = ("requests", "million_tokens", "egress_gb")
    of = scenario(bill=[{"line": d, "driver": d, "usd": 1.0} for d in (*drivers, *by_load)])

    def per_token(part: float) -> dict[str, float]:
        usage = hand_usage()
        chat = usage.routes["chat"]
        useful = replace(
            chat.useful, input=chat.useful.input * part, output=chat.useful.output * part
        )
        requests = replace(chat.requests, completed=chat.requests.completed * part)
        usage.routes["chat"] = replace(
            chat, useful=useful, requests=requests, wasted_output={}, wasted_input={}
        )
        tokens = useful.input + useful.output
        return {line.line: line.usd / tokens for line in bill(usage, of).lines}

    full, half = per_token(load), per_token(load / 2)
    for driver in ("nodes", *drivers):
        assert half[driver] == pytest.approx(2 * full[driver])
    for driver in by_load:
        assert half[driver] == pytest.approx(full[driver])
