import math
from dataclasses import astuple, replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from usages import BENCHMARKS, accounts, hand_usage, placed, pool, route, scenario, stated, usages

from sim.cost.pricing import Prices, kind_tokens
from sim.cost.statement import Statement, statement
from sim.ledger.average import mean
from sim.ledger.usage import (
    PoolUsage,
    RouteUsage,
    TokenCounts,
    Usage,
)
from sim.scenario.document import Scenario
from sim.scenario.node import Node

HAND = {"main": BENCHMARKS["main"]}


def test_one_hour_by_hand() -> None:
    """$3.6 for 675,000 useful tokens; reference seconds 8 input, 5 rent (1 cached), 25 output."""
    s = stated(hand_usage(), scenario(), HAND)
    c = s.cost.by_use
    assert s.bill.total_usd == pytest.approx(3.6)
    assert c.usd_per_million_useful_tokens == pytest.approx(3.6 / 0.675)
    assert c.usd_per_thousand_requests == pytest.approx(4.0)
    assert c.usd_per_million_goodput_tokens == pytest.approx(3.6 / 0.675)  # it has no SLO
    # input: 400 x 2e-5 x 1000 + 4/5 of 5 s = 12 of 38 s, over 360,000 uncached tokens
    assert c.usd_per_million_input_tokens == pytest.approx(3.6 * 12 / 38 / 0.36)
    assert c.usd_per_million_cached_input_tokens == pytest.approx(3.6 * 1 / 38 / 0.09)
    assert c.usd_per_million_output_tokens == pytest.approx(3.6 * 25 / 38 / 0.225)
    assert (c.unpriced_usd, c.unallocated_usd) == (0.0, 0.0)
    assert astuple(s.cost.components_usd) == pytest.approx(
        (3.6 * 8 / 38, 3.6 * 5 / 38, 0.0, 3.6 * 25 / 38)
    )
    assert s.naive.usd_per_million_tokens == pytest.approx(3.6 / 67.5)
    assert s.gap.factor == pytest.approx(100.0)
    assert s.gap.factor * s.utilization.benchmark == pytest.approx(1.0)
    assert s.gpu_hours.slack == pytest.approx(362 / 3600)
    assert s.routes["chat"].by_use_usd == s.routes["chat"].by_peak_usd == pytest.approx(3.6)
    assert s.pools["main"].usd == pytest.approx(3.6)


def test_mean_replicas() -> None:
    """Of three paid one starts and one drains, a third of the time at work."""
    usage = hand_usage()
    main = PoolUsage(
        paid_s=3 * 3600.0, busy_s=1800.0, idle_s=1200.0, starting_s=3600.0, draining_s=4200.0
    )
    s = stated(replace(usage, pools={"main": main}), scenario(), HAND)
    found = s.pools["main"]
    assert (found.paid_replicas, found.ready_replicas) == pytest.approx((3.0, 3000 / 3600))


def test_goodput_is_what_met_the_slo() -> None:
    of = scenario(routes={"chat": route(slo={"ttft_p95": 1})})
    c = stated(hand_usage(), of, HAND).cost.by_use
    assert c.usd_per_million_goodput_tokens == pytest.approx(3.6 / 0.45)


def test_halving_the_load_doubles_the_price() -> None:
    """The lesson that everything else refines: same fleet, half the tokens, twice the price."""
    full = hand_usage()
    quiet = RouteUsage(
        wasted_input={"timed_out": 0.0},
        wasted_output={"timed_out": 0.0},
        ended_by_interval=np.zeros((12, 3)),
    )
    silent = placed(replace(full, routes={"chat": quiet}, overall=quiet), scenario())
    half = mean([full, silent])
    assert half.routes["chat"].useful.input == full.routes["chat"].useful.input / 2
    whole, less = stated(full, scenario(), HAND), stated(half, scenario(), HAND)
    assert whole.utilization.benchmark is not None
    assert less.utilization.benchmark == pytest.approx(whole.utilization.benchmark / 2)
    assert whole.gap.real is not None
    assert less.gap.real == pytest.approx(2 * whole.gap.real)


def test_nothing_useful_has_no_price() -> None:
    quiet = replace(hand_usage(), routes={"chat": RouteUsage()}, overall=RouteUsage())
    s = stated(quiet, scenario(), {})
    assert s.cost.by_use == Prices(None, None, None, None, None, None, 0.0, s.bill.total_usd)
    assert s.gap.real is s.gap.naive is s.gap.factor is None
    assert s.utilization.benchmark == 0.0
    assert s.gpu_hours.idle == pytest.approx(3200 / 3600)


def test_all_in_vain_is_unpriced() -> None:
    usage = hand_usage()
    chat = replace(usage.routes["chat"], useful=TokenCounts(), goodput=TokenCounts())
    s = stated(replace(usage, routes={"chat": chat}), scenario(), HAND)
    assert s.cost.by_use.unpriced_usd == pytest.approx(3.6)
    assert s.naive.usd_per_million_tokens == pytest.approx(3.6 / 67.5)
    assert s.gap.factor is None


def test_unplaced_gpus_are_in_the_pools_bill() -> None:
    of = scenario(pools={"main": pool(8.0, gpus=4, tensor_parallel=1, replicas=1)})
    usage = hand_usage()
    used = replace(usage.pools["main"], unplaced_gpu_s=3 * 3600.0)
    s = stated(replace(usage, pools={"main": used}), of, HAND)
    assert s.bill.total_usd == s.routes["chat"].by_use_usd == pytest.approx(8.0)
    assert s.gpu_hours.paid == pytest.approx(4.0)
    assert s.gpu_hours.unplaced == pytest.approx(3.0)
    assert s.naive.usd_per_million_tokens == pytest.approx(2.0 / 67.5)
    assert s.routes["chat"].by_peak_usd == pytest.approx(8.0)


def test_two_pools_without_a_common_benchmark() -> None:
    """A pool that got nothing has no benchmark; the other's estimate stands alone."""
    of = scenario(pools={"main": pool(), "spare": pool()})
    usage = hand_usage()
    idle = PoolUsage(paid_s=3600.0, idle_s=3600.0, node_s=3600.0)
    s = stated(replace(usage, pools={**usage.pools, "spare": idle}), of, HAND)
    assert s.cost.by_use.unallocated_usd == pytest.approx(3.6)
    assert s.pools["spare"].naive.usd_per_million_tokens is None
    assert s.naive.usd_per_million_tokens == pytest.approx(3.6 / 67.5)
    assert s.utilization.benchmark == pytest.approx(0.005)


def test_the_naive_price_is_of_the_useful_tokens() -> None:
    """Pool p served all of its requests, pool q none: q's dear benchmark has no weight."""
    of = scenario(
        routes={"a": route("p"), "b": route("q")}, pools={"p": pool(3.6), "q": pool(99.0)}
    )
    chat, main = hand_usage().routes["chat"], hand_usage().pools["main"]
    in_vain = replace(chat, useful=TokenCounts(), goodput=TokenCounts())
    both = {"p": BENCHMARKS["main"], "q": BENCHMARKS["big"]}

    def naive(b: RouteUsage, a: RouteUsage = chat) -> float | None:
        usage = Usage(3600.0, {"a": a, "b": b}, {"p": main, "q": main}, chat)
        return stated(usage, of, both).naive.usd_per_million_tokens

    assert naive(in_vain) == pytest.approx(3.6 / 67.5)
    assert naive(chat) == pytest.approx((3.6 / 67.5 + 99 / 18) / 2)
    # by what was offered, if nothing was useful
    assert naive(in_vain, in_vain) == pytest.approx((3.6 / 67.5 + 99 / 18) / 2)


def close(value: float, expected: float, scale: float = 0.0) -> None:
    assert value == pytest.approx(expected, rel=1e-9, abs=1e-12 + 1e-10 * scale)


def made_up(p: Prices, useful: list[TokenCounts]) -> float:
    tokens = [kind_tokens(u) for u in useful]
    by_kind = [
        (p.usd_per_million_input_tokens or 0.0) * math.fsum(t.input for t in tokens) / 1e6,
        (p.usd_per_million_cached_input_tokens or 0.0)
        * math.fsum(t.cached_input for t in tokens)
        / 1e6,
        (p.usd_per_million_output_tokens or 0.0) * math.fsum(t.output for t in tokens) / 1e6,
    ]
    return math.fsum([*by_kind, p.unpriced_usd, p.unallocated_usd])


@settings(max_examples=50, deadline=None)
@given(accounts())
def test_prices_make_up_the_bill_by_use_and_by_peak(account: tuple[Scenario, Usage]) -> None:
    of, usage = account
    s = statement(usage, of, BENCHMARKS)
    useful = [usage.routes[r].useful for r in of.routes]
    for prices in (s.cost.by_use, s.cost.by_peak):
        close(made_up(prices, useful), s.bill.total_usd)
    for name, of_route in s.routes.items():
        own = [usage.routes[name].useful]
        close(made_up(of_route.cost.by_use, own), of_route.by_use_usd)
        close(made_up(of_route.cost.by_peak, own), of_route.by_peak_usd)


@settings(max_examples=50, deadline=None)
@given(accounts())
def test_routes_and_the_unallocated_sum_to_the_bill(account: tuple[Scenario, Usage]) -> None:
    of, usage = account
    s = statement(usage, of, BENCHMARKS)
    by_use = [r.by_use_usd for r in s.routes.values()]
    by_peak = [r.by_peak_usd for r in s.routes.values()]
    close(math.fsum([*by_use, s.cost.by_use.unallocated_usd]), s.bill.total_usd)
    close(math.fsum([*by_peak, s.cost.by_peak.unallocated_usd]), s.bill.total_usd)


@settings(max_examples=50, deadline=None)
@given(accounts())
def test_components_are_the_priced_and_unpriced_money(account: tuple[Scenario, Usage]) -> None:
    of, usage = account
    s = statement(usage, of, BENCHMARKS)
    for name, of_route in s.routes.items():
        used = usage.routes[name]
        ended = sum(astuple(used.ended_useful)) + sum(astuple(used.ended_waste))
        whole = math.fsum(astuple(of_route.cost.components_usd))
        own_usd = of_route.by_use_usd - of_route.hosted_usd
        close(whole, own_usd if ended else 0.0, s.bill.total_usd)


@settings(max_examples=50, deadline=None)
@given(accounts())
def test_states_of_every_pool_sum_to_paid(account: tuple[Scenario, Usage]) -> None:
    of, usage = account
    s = statement(usage, of, BENCHMARKS)
    for hours in (s.gpu_hours, *(p.gpu_hours for p in s.pools.values())):
        paid, *states = astuple(hours)
        close(math.fsum(states), paid, math.fsum(abs(x) for x in states))
    close(math.fsum(p.gpu_hours.paid for p in s.pools.values()), s.gpu_hours.paid)


@settings(max_examples=50, deadline=None)
@given(accounts())
def test_pools_and_spanning_lines_sum_to_the_bill(account: tuple[Scenario, Usage]) -> None:
    of, usage = account
    s = statement(usage, of, BENCHMARKS)
    spanning = [line.usd for line in s.bill.lines if line.pool is None]
    close(math.fsum([*(p.usd for p in s.pools.values()), *spanning]), s.bill.total_usd)


def dearer(of: Scenario, k: float) -> Scenario:
    """The same with every price *k* times as high."""

    def raised(spec: Any) -> Any:
        usd = {
            key: value * k
            for key, value in spec
            if key.startswith("usd") and isinstance(value, float)
        }
        return spec.model_copy(update=usd)

    def nodes(node: Node) -> Node:
        return raised(node).model_copy(update={"spot": node.spot and raised(node.spot)})

    pools = {n: p.model_copy(update={"node": nodes(p.node)}) for n, p in of.pools.items()}
    routes = {
        n: r.model_copy(update={"overflow": r.overflow and raised(r.overflow)})
        for n, r in of.routes.items()
    }
    lines = tuple(raised(line) for line in of.bill)
    return of.model_copy(update={"pools": pools, "routes": routes, "bill": lines})


def dollars(s: Statement) -> list[float | None]:
    costs = [s.cost, *(r.cost for r in s.routes.values())]
    return [
        s.bill.total_usd,
        *(p.usd for p in s.pools.values()),
        s.naive.usd_per_million_tokens,
        *(
            x
            for c in costs
            for part in (c.by_use, c.by_peak, c.components_usd)
            for x in astuple(part)
        ),
    ]


@settings(max_examples=50, deadline=None)
@given(accounts(), st.floats(0.1, 10.0))
def test_all_dollars_scale_with_all_prices(account: tuple[Scenario, Usage], k: float) -> None:
    of, usage = account
    before, after = (
        statement(usage, of, BENCHMARKS),
        statement(usage, dearer(of, k), BENCHMARKS),
    )
    for x, y in zip(dollars(before), dollars(after), strict=True):
        if x is None or y is None:
            assert x is y
        else:
            close(y, k * x, abs(k * before.bill.total_usd))
    assert after.gpu_hours == before.gpu_hours
    assert after.utilization == before.utilization


@settings(max_examples=50, deadline=None)
@given(accounts())
def test_the_mean_of_equal_usages_is_the_same_account(account: tuple[Scenario, Usage]) -> None:
    of, usage = account
    one, same = (
        statement(usage, of, BENCHMARKS),
        statement(mean([usage, usage]), of, BENCHMARKS),
    )
    assert same == one


@settings(max_examples=50, deadline=None)
@given(usages())
def test_the_real_price_is_the_naive_one_over_utilization(usage: Usage) -> None:
    """With nodes alone on the bill, at one pool: $ real = $ naive / benchmark utilization."""
    of = scenario()
    alone = Usage(
        usage.window_s, {"chat": usage.routes["chat"]}, {"main": usage.pools["main"]}, usage.overall
    )
    s = statement(alone, of, HAND)
    if s.gap.real and s.utilization.benchmark:
        close(s.gap.real * s.utilization.benchmark, s.naive.usd_per_million_tokens or 0.0)
