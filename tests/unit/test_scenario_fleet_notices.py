"""Fleet notices: each warning about clients, failures and starts when its reason is there."""

from datetime import date

import pytest

from sim.scenario.fleet_notices import FEW_FAILURES, lone_token_s, pool_notices, route_notices
from sim.scenario.load import loads
from sim.scenario.notice import Notice
from sim.scenario.notices import warnings_of

TEXT = """
horizon: 10d
routes:
  chat:
    pool: main
    arrivals: {rps: 4}
    input_tokens: {fixed: 500}
    output_tokens: {fixed: 200}
pools:
  main:
    model: llama-3.1-8b
    gpu: h100-nvl
    node: {usd_per_hour: 4}
    replicas: 2
"""
OWN = "pools.main={timing: {knots_tokens: [1], knots_s: [0.01]}, kv_tokens: 9k, node: {price: 4}%s}"


def notices(*overrides: str) -> list[Notice]:
    scenario = loads(TEXT, overrides=overrides)
    route, pool = scenario.routes["chat"], scenario.pools["main"]
    found = [*route_notices("routes.chat", route, [pool])]
    found += pool_notices("pools.main", pool, scenario.horizon)
    assert set(found) <= set(warnings_of(scenario, date(2026, 11, 24)))
    return found


def test_a_plain_fleet_has_none() -> None:
    assert notices() == []


CHAT = "routes.chat."
MAIN = "pools.main."


@pytest.mark.parametrize(
    ("overrides", "expected"),
    [
        ([f"{CHAT}patience=60s"], []),
        ([f"{CHAT}patience=1.1s"], ["short-patience"]),
        ([f"{CHAT}patience=1.6s"], []),  # it takes 1.3 s
        ([f"{CHAT}patience={{exponential: 1s}}"], ["short-patience"]),
        ([f"{CHAT}patience=1s", f"{CHAT}output_tokens.fixed=20"], []),
        ([f"{CHAT}retries={{}}"], []),  # nothing times out
        ([f"{CHAT}patience=60s", f"{CHAT}retries={{}}"], ["retry-storm"]),
        ([f"{CHAT}ttft_patience=60s", f"{CHAT}retries={{}}"], ["retry-storm"]),
        ([f"{CHAT}patience=60s", f"{CHAT}retries={{budget: 10%}}"], []),
        ([f"{CHAT}patience=60s", f"{CHAT}retries={{max: 0}}"], []),
        ([f"{CHAT}patience=60s", f"{CHAT}retries={{on: [rejected]}}"], []),
        (
            [f"{CHAT}patience=60s", f"{CHAT}retries={{}}", f"{CHAT}arrivals={{concurrency: 9}}"],
            [],  # users who wait ask nothing else
        ),
        ([f"{CHAT}deferrable={{deadline: 8h}}"], []),
        ([f"{CHAT}deferrable={{}}"], ["no-deadline"]),
        ([f"{MAIN}rollouts={{every: 7d}}"], []),
        ([f"{MAIN}rollouts={{every: 10d}}"], ["rollout-beyond-horizon"]),
        ([f"{MAIN}rollouts={{every: 10d, first: 1h}}"], []),
        (
            [f"{MAIN}rollouts={{every: 1m}}", f"{MAIN}startup={{init: 11d}}"],
            ["startup-beyond-horizon"],
        ),
        ([f"{MAIN}startup={{init: 11d}}"], []),  # nothing ever starts
        ([f"{MAIN}failures={{mtbf: 400d}}"], []),  # 2 nodes: one in 20 runs
        ([f"{MAIN}failures={{mtbf: 401d}}"], ["rare-failures"]),
        ([f"{MAIN}failures={{replica_mtbf: 401d}}"], ["rare-failures"]),
        ([f"{MAIN}failures={{zone_mtbf: 201d, zone_outage: 1h}}"], ["rare-failures"]),
        ([f"{MAIN}failures={{outages: [{{at: 9d, for: 2d, zone: a}}]}}"], []),
        (
            [f"{MAIN}failures={{outages: [{{at: 10d, for: 2d, zone: a}}]}}"],
            ["outage-beyond-horizon"],
        ),
    ],
)
def test_reasons(overrides: list[str], expected: list[str]) -> None:
    assert [notice.code for notice in notices(*overrides)] == expected


def test_the_retry_rule_is_said_with_its_remedy() -> None:
    (two,) = notices(f"{CHAT}patience=60s", f"{CHAT}retries={{max: 2}}")
    assert two.path == "routes.chat.retries"
    assert "from a utilization of 33% on" in two.text
    assert "rho (1 + retries) >= 1" in two.text
    assert "budget: 10% prevents it" in two.text
    (one,) = notices(f"{CHAT}patience=60s", f"{CHAT}retries={{max: 1}}")
    assert "1 time: from a utilization of 50% on" in one.text
    (ever,) = notices(f"{CHAT}patience=60s", f"{CHAT}retries={{max: unlimited}}")
    assert "without limit: at any utilization" in ever.text


def test_rare_failures_say_how_rare() -> None:
    assert FEW_FAILURES == 1 / 20
    (notice,) = notices(f"{MAIN}failures={{mtbf: 1000d}}")
    assert notice.path == "pools.main.failures.mtbf"
    assert "of 2 nodes, 0.02 failures" in notice.text


def test_a_lone_token_takes_a_step() -> None:
    own = loads(TEXT, overrides=[OWN % ", host: {per_step_s: 0.002, per_sequence_s: 0.001}"])
    assert lone_token_s(own.pools["main"]) == pytest.approx(0.013)
    (notice,) = notices(OWN % "", f"{CHAT}patience=1s")
    assert "an answer of 200 tokens takes even alone on an engine, some 2s" in notice.text
    measured = lone_token_s(loads(TEXT).pools["main"])
    assert 0.004 < measured < 0.008  # 16 GB of weights at 3.9 TB/s take 4.1 ms
