"""From a route's clients to the door that they pass (`sim.fleet.build_door`)."""

from __future__ import annotations

import math
from typing import Any

import pytest
import simpy

from sim.fleet.backoff import sdk_backoff
from sim.fleet.build_door import build_door
from sim.fleet.door import UNLIMITED, Door
from sim.fleet.gateway import Gateway
from sim.fleet.provider import draw
from sim.serving.sequence import Outcome
from sim.streams import Streams
from tests.unit.fleets import Fleet
from tests.unit.usages import route, scenario


def door(errors: float = 0.0, **changes: Any) -> Door | None:
    of = Fleet(1)
    spec = scenario({"chat": route(**changes)}).routes["chat"]
    gateway = Gateway(of.env, [of.pool.submit], 100.0, lambda sequence: None)
    return build_door(
        of.env, "chat", spec, of.pool, gateway, Streams(1), errors, submit=of.pool.submit
    )


def built(errors: float = 0.0, **changes: Any) -> Door:
    made = door(errors, **changes)
    assert made is not None
    return made


def test_clients_who_only_wait_need_no_door() -> None:
    assert door() is None
    assert door(cancel_on_disconnect=False, priority=3, useful=False) is None


@pytest.mark.parametrize(
    "said",
    [
        {"patience": "60s"},
        {"ttft_patience": "5s"},
        {"retries": {}},
        {"deferrable": {}},
        {"overflow": {
            "usd_per_million_input": 1, "usd_per_million_output": 2, "ttft": "1s", "tpot": "9ms",
        }},
    ],
)  # fmt: skip
def test_any_other_need_one(said: dict[str, Any]) -> None:
    assert door(**said) is not None


def test_a_pool_that_fails_requests_makes_one() -> None:
    assert built(0.02).manners.errors == 0.02


def test_patience_and_manners() -> None:
    manners = built(
        patience="60s", ttft_patience={"exponential": "5s"}, cancel_on_disconnect=False
    ).manners
    assert manners.patience is not None
    assert draw(manners.patience, 0.3) == 60.0
    assert manners.ttft_patience is not None
    assert draw(manners.ttft_patience, 0.5) == pytest.approx(5.0 * math.log(2.0))
    assert not manners.cancels
    assert (manners.retries, manners.retried_on) == (0, frozenset())


def test_retries_are_those_of_the_sdks_unless_told_otherwise() -> None:
    manners = built(retries={}).manners
    assert manners.retries == 2
    assert manners.retried_on == {Outcome.REJECTED, Outcome.TIMED_OUT, Outcome.FAILED}
    assert manners.backoff is sdk_backoff
    assert (manners.retry_after_s, manners.budget_ratio) == (None, None)
    assert built(retries={}).budget is None


def test_retries_as_told() -> None:
    said = {
        "max": "unlimited", "backoff": {"uniform": ["1s", "3s"]}, "on": ["failed"],
        "retry_after": "7s", "budget": "10%",
    }  # fmt: skip
    made = built(retries=said)
    manners = made.manners
    assert manners.retries == UNLIMITED
    assert manners.retried_on == {Outcome.FAILED}
    assert (manners.backoff(0, 0.5), manners.backoff(9, 0.25)) == (2.0, 1.5)
    assert (manners.retry_after_s, manners.budget_ratio) == (7.0, 0.1)
    assert made.budget is not None


def api(**changes: Any) -> dict[str, Any]:
    prices = {"usd_per_million_input": 1, "usd_per_million_output": 2}
    return {**prices, "ttft": "600ms", "tpot": "15ms", **changes}


def test_an_api_that_takes_what_the_pool_cannot() -> None:
    hosted = built(overflow=api()).hosted
    assert hosted is not None
    assert (hosted.on, hosted.on_no_replica) == ({Outcome.REJECTED}, True)
    assert (draw(hosted.ttft, 0.5), draw(hosted.tpot, 0.5)) == (0.6, 0.015)
    hosted = built(overflow=api(on=["no_replica"])).hosted
    assert hosted is not None
    assert (hosted.on, hosted.on_no_replica) == (frozenset(), True)
    hosted = built(overflow=api(on=["rejected"])).hosted
    assert hosted is not None
    assert (hosted.on, hosted.on_no_replica) == ({Outcome.REJECTED}, False)


def test_batch_work() -> None:
    deferral = built(deferrable={"deadline": "8h", "below": "40%"}).deferral
    assert deferral is not None
    assert (deferral.deadline_s, deferral.below) == (8 * 3600.0, 0.4)
    deferral = built(deferrable={}).deferral
    assert deferral is not None
    assert deferral.deadline_s == math.inf


def test_draws_are_the_route_s_own() -> None:
    of = Fleet(1)
    spec = scenario({"chat": route(patience="9s"), "code": route(patience="9s")}).routes
    gateway = Gateway(simpy.Environment(), [of.pool.submit] * 2, 9.0, lambda sequence: None)
    doors = [
        build_door(
            of.env, name, spec[name], of.pool, gateway, Streams(1), 0.0, submit=of.pool.submit
        )
        for name in ("chat", "code")
    ]
    seeds = {made.draws.seed for made in doors if made is not None}
    assert len(seeds) == 2
