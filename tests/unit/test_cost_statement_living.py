"""The account of a fleet with a hosted API behind it, health checks and reasoning, by hand."""

from dataclasses import astuple, replace
from typing import Any

import numpy as np
import pytest
from usages import API, BENCHMARKS, hand_usage, pool, route, scenario, stated

from sim.cost.statement import Statement
from sim.ledger.usage import (
    HostedCounts,
    ReferenceTokens,
    RequestCounts,
    RouteUsage,
    TokenCounts,
    Usage,
)

HAND = {"main": BENCHMARKS["main"]}


def hosted_hour(**chat: Any) -> Statement:
    """The hour with another 100 requests of 500 in (50 cached) and 200 out at the API."""
    usage, hosted = hand_usage(), HostedCounts(100.0, 50_000.0, 5_000.0, 20_000.0)
    used = usage.routes["chat"]
    more = replace(
        used,
        requests=replace(used.requests, arrived=1100.0, completed=1000.0, attempts=1100.0),
        useful=TokenCounts(500_000.0, 95_000.0, 0.0, 245_000.0),
        hosted=hosted,
    )
    of = scenario(routes={"chat": route(overflow=API, **chat)})
    return stated(replace(usage, routes={"chat": more}), of, HAND)


def test_a_hosted_api_by_hand() -> None:
    """The fleet's money stays where it was; the API's goes by its own prices, into the same sums.

    API: 45,000 x $2.5 = $0.1125, 5,000 x $0.25 = $0.00125, 20,000 x $10 = $0.2, per million.
    """
    s, alone = hosted_hour(), stated(hand_usage(), scenario(), HAND)
    c = s.cost.by_use
    assert s.bill.total_usd == pytest.approx(3.6 + 0.31375)
    assert s.routes["chat"].hosted_usd == pytest.approx(0.31375)
    assert s.routes["chat"].by_use_usd == s.routes["chat"].by_peak_usd
    assert s.routes["chat"].by_use_usd == pytest.approx(3.91375)
    assert c.usd_per_million_useful_tokens == pytest.approx(3.91375 / 0.745)
    assert c.usd_per_thousand_requests == pytest.approx(3.91375)
    assert c.usd_per_million_input_tokens == pytest.approx((3.6 * 12 / 38 + 0.1125) / 0.405)
    cached = (3.6 * 1 / 38 + 0.00125) / 0.095
    assert c.usd_per_million_cached_input_tokens == pytest.approx(cached)
    assert c.usd_per_million_output_tokens == pytest.approx((3.6 * 25 / 38 + 0.2) / 0.245)
    assert c.unpriced_usd == 0.0
    assert astuple(s.cost.components_usd) == pytest.approx(astuple(alone.cost.components_usd))
    assert (s.naive, s.utilization, s.gpu_hours) == (
        alone.naive, alone.utilization, alone.gpu_hours
    )  # fmt: skip


def test_the_naive_price_weighs_what_the_fleet_served() -> None:
    """Pool q's route went to the API as a whole, so q's dear benchmark has no weight."""
    of = scenario(
        routes={"a": route("p"), "b": route("q", overflow=API)},
        pools={"p": pool(3.6), "q": pool(99.0)},
    )
    chat, main = hand_usage().routes["chat"], hand_usage().pools["main"]
    away = replace(chat, hosted=HostedCounts(900.0, 450_000.0, 90_000.0, 225_000.0))
    usage = Usage(3600.0, {"a": chat, "b": away}, {"p": main, "q": main}, chat)
    both = {"p": BENCHMARKS["main"], "q": BENCHMARKS["big"]}
    assert stated(usage, of, both).naive.usd_per_million_tokens == pytest.approx(3.6 / 67.5)


def test_health_checks_are_paid_by_whom_they_are_for() -> None:
    """They do a tenth of the work; their money is in the price of all, but not in that of a kind.

    Nor are they requests by which the bill is divided.
    """
    usage = hand_usage()
    chat = usage.routes["chat"]
    health = RouteUsage(
        requests=RequestCounts(arrived=50.0, completed=50.0, attempts=50.0),
        offered=TokenCounts(5_000.0, 0.0, 0.0, 50.0),
        wasted_input={"not_useful": 5_000.0},
        ended_waste=ReferenceTokens(38 / 9 / 3e-5, 38 / 9 / 3e-5, 0.0, 0.0),  # 38/9 of 38 seconds
        ended_by_interval=np.zeros((12, 3)),
    )
    of = scenario(routes={"chat": route(), "health": route(useful=False)})
    s = stated(replace(usage, routes={"chat": chat, "health": health}), of, HAND)
    assert s.routes["health"].by_use_usd == pytest.approx(0.36)
    assert s.cost.by_use.unpriced_usd == pytest.approx(0.36)
    assert s.cost.by_use.usd_per_million_useful_tokens == pytest.approx(3.6 / 0.675)
    assert s.cost.by_use.usd_per_thousand_requests == pytest.approx(4.0)
    assert s.routes["health"].cost.by_use.usd_per_thousand_requests == pytest.approx(7.2)
    assert s.routes["health"].cost.by_use.usd_per_million_useful_tokens is None
    assert s.cost.by_use.usd_per_million_output_tokens == pytest.approx(3.24 * 25 / 38 / 0.225)
    assert s.gpu_hours.reference_waste == pytest.approx((3.8 + 38 / 9) / 3600)


def test_reasoning_is_paid_by_what_one_sees_of_it() -> None:
    usage = hand_usage()
    chat = usage.routes["chat"]
    thinks = replace(chat, useful=replace(chat.useful, reasoning=180_000.0))
    c = stated(replace(usage, routes={"chat": thinks}), scenario(), HAND).cost
    visible = 3.6 * 25 / 38 / 0.045
    assert c.by_use.usd_per_million_visible_output_tokens == pytest.approx(visible)
    assert c.by_peak.usd_per_million_visible_output_tokens == pytest.approx(visible)
