from dataclasses import replace

import pytest
from usages import API, BENCHMARKS, hand_usage, route, scenario, stated

from sim.ledger.usage import (
    Figures,
    HostedCounts,
    PoolUsage,
    RouteUsage,
    SloFigure,
    Usage,
    WindowCounts,
)
from sim.scenario.document import Scenario
from sim.studies.summary import (
    Tree,
    account,
    fill_ci95,
    leaves,
    measured,
    number,
    remarkable,
    undefined,
)

HAND = {"main": BENCHMARKS["main"]}


def tree_of(usage: Usage, of: Scenario | None = None) -> Tree:
    of = of or scenario()
    return account(usage, stated(usage, of, HAND), of)


def with_slo(value_s: float | None, share: float | None) -> Usage:
    usage = hand_usage()
    slo = (SloFigure("ttft_s", 0.95, 1.0, value_s, share),)
    chat = usage.routes["chat"]
    return Usage(
        3600.0,
        {"chat": type(chat)(**{**chat.__dict__, "slo": slo})},
        usage.pools,
        usage.overall,
    )


def test_sections_by_hand() -> None:
    tree = tree_of(hand_usage())
    assert tree["requests"]["arrived"] == 1000
    assert isinstance(tree["requests"]["arrived"], int)
    assert tree["tokens"]["useful"] == {
        "input": 450_000,
        "cached_input": 90_000,
        "template": 0,
        "output": 225_000,
        "reasoning": 0,
    }
    assert tree["tokens"]["useful_per_hour"] == 675_000
    assert tree["tokens"]["wasted"]["timed_out"] == {"input": 40_000, "output": 25_000}
    assert tree["tokens"]["wasted"]["preempted"] == {"input": 0, "output": 0}
    assert tree["latency"]["ttft_s"]["p95"] == 0.5
    assert tree["bill"]["lines"] == [
        {
            "line": "nodes",
            "kind": "node",
            "pool": "main",
            "driver": "node_hours",
            "quantity": 1.0,
            "unit_usd": 3.6,
            "source": "yours",
            "price_row": None,
            "usd": 3.6,
        }
    ]
    assert tree["gap"]["rungs"] == []
    assert tree["hosted"] is None
    assert tree["routes"]["chat"]["pool"] == "main"
    usd = {"by_use": 3.6, "by_peak": 3.6, "hosted": 0.0}
    assert tree["routes"]["chat"]["usd"] == pytest.approx(usd)


def test_prices_by_peak_have_the_same_keys() -> None:
    cost = tree_of(hand_usage())["cost"]
    assert set(cost) - set(cost["by_peak"]) == {"components_usd", "by_peak"}
    assert set(cost["by_peak"]) < set(cost)


def test_slos_stand_in_the_whole_and_in_their_route() -> None:
    tree = tree_of(with_slo(0.9, 0.98))
    assert tree["slo"] == tree["routes"]["chat"]["slo"]
    assert (tree["slo"][0]["route"], tree["slo"][0]["met"]) == ("chat", False)


def test_only_a_route_with_an_slo_has_an_error_budget() -> None:
    usage = hand_usage()
    usage.routes["chat"] = replace(usage.routes["chat"], windows=WindowCounts(12.0, 3.0))
    assert "slo_budget" not in tree_of(usage)["routes"]["chat"]
    strict = scenario(routes={"chat": route(slo={"ttft_p95": 1})}, slo_windows=0.5)
    tree = tree_of(usage, strict)
    budget = {"windows": 12.0, "bad": 3.0, "allowed": 6.0, "used": 0.5}
    assert tree["routes"]["chat"]["slo_budget"] == budget
    assert measured(tree)["routes.chat.slo_budget.used"] == 0.5


def test_a_budget_that_is_none_says_why() -> None:
    strict = scenario(routes={"chat": route(slo={"ttft_p95": 1})}, slo_windows=1.0)
    reasons = {w["path"]: w["text"] for w in undefined(tree_of(hand_usage(), strict))}
    assert "no window that may miss" in reasons["routes.chat.slo_budget.used"]


def test_what_a_hosted_api_answered() -> None:
    usage, hosted = hand_usage(), HostedCounts(9.0, 4_500.0, 500.0, 2_000.0)
    chat = replace(usage.routes["chat"], hosted=hosted)
    tree = tree_of(
        replace(usage, routes={"chat": chat}, overall=chat),
        scenario(routes={"chat": route(overflow=API)}),
    )
    for place in (tree, tree["routes"]["chat"]):
        assert place["requests"]["hosted"] == 9
        assert place["tokens"]["hosted"] == {"input": 4_500, "cached_input": 500, "output": 2_000}
    usd = (4_000 * 2.5 + 500 * 0.25 + 2_000 * 10) / 1e6
    assert tree["routes"]["chat"]["usd"]["hosted"] == pytest.approx(usd)
    assert tree["bill"]["total_usd"] == pytest.approx(3.6 + usd)


def test_visible_output_has_a_price_only_where_some_is_not_seen() -> None:
    key, usage = "usd_per_million_visible_output_tokens", hand_usage()
    plain = tree_of(usage)
    costs = [plain["cost"], plain["routes"]["chat"]["cost"]]
    assert not any(key in place for cost in costs for place in (cost, cost["by_peak"]))
    assert plain["tokens"]["useful"]["reasoning"] == 0
    chat = usage.routes["chat"]
    thinks = replace(chat, useful=replace(chat.useful, reasoning=180_000.0))
    of = scenario(routes={"chat": route(reasoning_share=0.8)})
    tree = tree_of(replace(usage, routes={"chat": thinks}, overall=thinks), of)
    price = 3.6 * 25 / 38 / 0.045
    for cost in (tree["cost"], tree["routes"]["chat"]["cost"]):
        assert cost[key] == cost["by_peak"][key] == pytest.approx(price)
    assert tree["tokens"]["useful"]["reasoning"] == 180_000


def test_mean_replicas_of_a_pool() -> None:
    assert tree_of(hand_usage())["pools"]["main"]["replicas"] == {"paid": 1.0, "ready": 1.0}


def test_the_scenario_says_how_many_windows() -> None:
    lax = scenario(routes={"chat": route(slo={"ttft_p95": 1})}, slo_windows=0.9)
    assert tree_of(with_slo(0.9, 0.95), lax)["slo"][0]["met"] is True


def test_every_none_has_a_reason() -> None:
    tree = tree_of(hand_usage())
    reasons = {w["path"]: (w["code"], w["text"]) for w in undefined(tree)}
    nones = {path for path, value in measured(tree).items() if value is None}
    assert set(reasons) == nones
    assert reasons["latency.ttft_s.p99"] == ("thin-tail", "undefined: fewer than 1,000 samples")
    assert reasons["latency.e2e_s.mean"][0] == "undefined"
    assert "routes.chat.latency.tpot_s.p50" in reasons


def test_a_defined_account_has_no_reasons() -> None:
    figures = Figures(1.0, 1.0, 1.0, 1.0, 1000.0)
    tree = tree_of(with_slo(0.5, 1.0))
    for place in (tree, tree["routes"]["chat"]):
        for metric in place["latency"]:
            place["latency"][metric] = dict(figures.__dict__)
    assert list(undefined(tree)) == []


def test_undecided_slos_have_a_reason() -> None:
    codes = [w["code"] for w in undefined(tree_of(with_slo(None, None))) if "slo" in w["path"]]
    assert codes == ["undefined"]
    (lost,) = [w for w in undefined(tree_of(with_slo(None, 0.0))) if "slo" in w["path"]]
    assert lost["text"] == "missed: no completed request has a ttft_s"
    (thin,) = [w for w in undefined(tree_of(with_slo(0.5, None))) if "slo" in w["path"]]
    assert (thin["code"], thin["path"]) == ("thin-windows", "slo.0.windows_met_share")


def test_unpaid_and_useless_runs_say_why() -> None:
    nothing = Usage(3600.0, {"chat": RouteUsage()}, {"main": PoolUsage()}, RouteUsage())
    of = scenario()
    tree = account(nothing, stated(nothing, of, {}), of)
    reasons = {w["path"]: w["text"] for w in undefined(tree)}
    assert reasons["utilization.busy"] == "undefined: nothing was paid for"
    assert "no such tokens" in reasons["cost.usd_per_million_useful_tokens.value"]
    assert "no request" in reasons["cost.usd_per_thousand_requests.value"]
    assert "lengths" in reasons["naive.tokens_per_s"]
    assert "lengths" in reasons["pools.main.naive.usd_per_million_tokens"]
    assert reasons["gap.factor"] == "undefined: the naive or the real price is"
    assert set(reasons) == {path for path, value in measured(tree).items() if value is None}


def test_intervals_are_filled_in_beside_their_values() -> None:
    tree = {
        "cost": {"x": {"value": 1.0, "ci95": None}, "by_peak": {"x": {"value": 2.0, "ci95": 0}}}
    }
    fill_ci95(tree, {"cost.x.value": [0.5, 1.5]})
    assert tree["cost"]["x"] == {"value": 1.0, "ci95": [0.5, 1.5]}
    assert tree["cost"]["by_peak"] == {"x": {"value": 2.0, "ci95": None}}


def test_leaves_are_numbers_by_path() -> None:
    tree = {"a": {"b": 1, "c": None, "ci95": None}, "d": [1], "e": "text"}
    assert dict(leaves(tree)) == {"a.b": 1, "a.c": None}


def test_whole_counts_read_as_such() -> None:
    assert repr(number(3.0)) == "3"
    assert repr(number(0.5)) == "0.5"


def test_a_utilization_above_one_is_explained() -> None:
    tree = tree_of(hand_usage())
    assert list(remarkable(tree)) == []
    tree["utilization"]["benchmark"] = 1.2
    (said,) = remarkable(tree)
    assert (said["code"], said["path"]) == ("above-benchmark", "utilization.benchmark")
    assert "20% of useful input came from the prefix cache" in said["text"]
    tree["tokens"]["useful"]["cached_input"] = 0
    (said,) = remarkable(tree)
    assert "lighter than the mean request" in said["text"]
    tree["utilization"]["benchmark"] = None
    assert list(remarkable(tree)) == []
