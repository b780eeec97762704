"""Notices: each warning appears when its reason does, and not without it."""

from datetime import date, timedelta

import pytest

from sim.catalog.prices import STALE_AFTER_DAYS, price
from sim.scenario.load import loads
from sim.scenario.notice import Notice
from sim.scenario.notices import warnings_of

TEXT = """
horizon: 7d
routes:
  chat:
    pool: main
    arrivals: {mean_rps: 4, day_curve: azure-conv-2024}
    input_tokens: {fixed: 500}
    output_tokens: {fixed: 200}
pools:
  main: {model: llama-3.1-8b, gpu: h100-nvl, node: {usd_per_hour: 4}}
"""
DAY = date(2026, 11, 24)


def notices(*overrides: str, today: date = DAY) -> list[Notice]:
    return list(warnings_of(loads(TEXT, overrides=overrides), today))


def codes(*overrides: str, today: date = DAY) -> list[str]:
    return [notice.code for notice in notices(*overrides, today=today)]


def test_a_sound_scenario_has_none() -> None:
    assert codes() == []


@pytest.mark.parametrize(
    ("overrides", "expected"),
    [
        (["horizon=36h"], ["partial-day"]),
        (["horizon=36h", "routes.chat.arrivals={rps: 4}"], []),
        (["horizon=1d"], ["partial-week"]),
        (["horizon=1d", "routes.chat.arrivals.day_curve=burstgpt-1"], []),  # has no weekends
        (["routes.chat.arrivals.events=[{at: 167h, for: 3h, times: 4}]"], []),
        (
            ["routes.chat.arrivals.events=[{at: 0, for: 1, times: 4}, {at: 7d, for: 1, times: 2}]"],
            ["event-beyond-horizon"],
        ),
        (["routes.chat.arrivals.bursts=azure-conv-2023"], []),
        (["routes.chat.arrivals.bursts=[{variance: 0.1, time: 13h}]"], ["stray-mean"]),
        (["routes.chat.arrivals.on_off={clients: 3, on: 1h, off: 12h}"], ["stray-mean"]),
        (["routes.chat.arrivals.on_off={clients: 300, on: 1h, off: 12h}"], []),
        (["routes.chat.slo={tpot_p95: 50ms}"], []),
        (
            ["routes.chat.slo={tpot_p95: 50ms}", "routes.chat.output_tokens.max=20"],
            ["short-answers"],
        ),
        (["routes.chat.slo={e2e_p95: 1s}", "routes.chat.output_tokens.max=20"], []),
        (["routes.chat.arrivals={rps: 1, count: 1e6}"], ["count-beyond-horizon"]),
        (["routes.chat.arrivals={rps: 1, count: 1e5}"], []),
        (["pools.main.gpu=h100-sxm"], ["guessed-compute-factor"]),
        (
            ["pools.main.model=qwen2.5-7b", "pools.main.timing=extrapolated"],
            ["extrapolated-timing"],
        ),
        (["pools.main.timing=extrapolated"], []),  # there is a table, so nothing is estimated
        (["pools.main.model=qwen3-30b-a3b"], []),
        (
            ["pools.main.model=qwen3-30b-a3b", "pools.main.gpu=h200-sxm"],
            ["guessed-compute-factor", "guessed-moe-factor"],
        ),
        (
            [
                "pools={main: {timing: {knots_tokens: [1], knots_s: [1]}, kv_tokens: 1k, "
                "node: {usd_per_hour: 4}}}"
            ],
            [],
        ),
    ],
)
def test_reasons(overrides: list[str], expected: list[str]) -> None:
    assert codes(*overrides) == expected


def test_an_event_too_late_is_named() -> None:
    late = "routes.chat.arrivals.events=[{at: 9d, for: 1h, times: 4, name: launch}]"
    assert notices(late) == [
        Notice(
            "event-beyond-horizon",
            "routes.chat.arrivals.events[0]",
            "launch begins at 9d, not before the horizon of 7d ends",
        )
    ]


def test_how_far_the_mean_strays_is_told() -> None:
    slow = "routes.chat.arrivals={mean_rps: 4, bursts: [{variance: 0.1, time: 13h}]}"
    (found,) = notices(slow)
    assert found.path == "routes.chat.arrivals"
    # 168 h are 12.9 times 13 h: e^0.1 - 1 over half of that, and a bit.
    assert found.text == (
        "bursts and on/off clients let the mean rate over 7d stray by 12% from mean_rps "
        "(one standard deviation), another way in each run"
    )


def test_unused_pools_are_paid() -> None:
    spare = "pools.spare={model: llama-3.1-8b, gpu: h100-nvl, node: {usd_per_hour: 4}}"
    assert notices(spare) == [
        Notice("unused-pool", "pools.spare", "no route uses this pool; it is paid all the same")
    ]


def test_prices_grow_stale() -> None:
    row = price("azure/nc40ads-h100-v5/h100-nvl/on-demand")
    override = f"pools.main.node={{price: {row.key}}}"
    last_fresh = row.as_of + timedelta(days=STALE_AFTER_DAYS)
    assert codes(override, today=last_fresh) == []
    (notice,) = notices(override, today=last_fresh + timedelta(days=1))
    assert (notice.code, notice.path) == ("stale-price", "pools.main.node.price")
    assert f"read {STALE_AFTER_DAYS + 1} days ago, on {row.as_of.isoformat()}" in notice.text


def test_prices_of_spot_nodes_grow_stale_too() -> None:
    row = price("coreweave/h100-sxm/spot")
    spot = f"{{price: {row.key}, mean_life: 12h}}"
    overrides = ("pools.main.gpu=h100-sxm", f"pools.main.node.spot={spot}")
    stale = row.as_of + timedelta(days=STALE_AFTER_DAYS + 1)
    assert "stale-price" not in codes(*overrides, today=row.as_of)
    paths = [n.path for n in notices(*overrides, today=stale) if n.code == "stale-price"]
    assert paths == ["pools.main.node.spot.price"]


def test_short_answers_say_how_short() -> None:
    (notice,) = notices(
        "routes.chat.slo={tpot_p95: 50ms}", "routes.chat.output_tokens={geometric: 9}"
    )
    assert "9 tokens on average" in notice.text
