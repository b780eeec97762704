"""Routes and the ways in that they get, and whole runs over several pools."""

from __future__ import annotations

from typing import Any

import pytest
from usages import API, pool, route, scenario

from sim.fleet.build_gateway import build_gateway
from sim.fleet.door import Door
from sim.fleet.fork import Fork
from sim.fleet.gateway import Gateway
from sim.scenario.document import Scenario
from sim.simulation import simulate
from sim.streams import Streams
from tests.unit.fleets import Fleet

LINE = {"knots_tokens": [1], "knots_s": [1.0]}
SPLIT = {"split": {"main": 0.5, "other": 0.5}}


def cascade(share: float) -> dict[str, Any]:
    return {"cascade": ["main", "other"], "escalates": share}


def two(to: Any, **changes: Any) -> Scenario:
    """One user who asks 9 tokens, at a second each, a second after each answer; for 100 s."""
    asks = {"arrivals": {"concurrency": 1, "think_time": 1}, "output_tokens": {"fixed": 9}}
    pools = {name: pool(timing=LINE) for name in ("main", "other")}
    routes = {"chat": route(to, **asks, **changes)}
    return scenario(routes, pools, horizon=100.0, warmup=0.0)


def built(of: Scenario) -> Gateway:
    fleet = Fleet(1)
    pools = dict.fromkeys(of.pools, fleet.pool)
    submit = dict.fromkeys(of.pools, fleet.pool.submit)
    visits = lambda route, number, turn: ("main",)  # noqa: E731
    return build_gateway(fleet.env, of, pools, submit, Streams(1), visits, lambda sequence: None)


def test_each_route_has_the_way_that_it_needs() -> None:
    to = {"a": "main", "b": SPLIT, "c": cascade(0.5), "d": "hosted", "e": "main"}
    more = {"d": {"hosted": API}, "e": {"patience": "9s"}}
    routes = {name: route(where, **more.get(name, {})) for name, where in to.items()}
    gateway = built(scenario(routes, {"main": pool(), "other": pool()}))
    assert [type(way) for way in gateway.doors] == [type(None), Fork, Fork, Door, Door]


def test_clients_are_alike_at_every_pool_of_a_split() -> None:
    split, steps = built(two(SPLIT)).doors[0], built(two(cascade(0.5))).doors[0]
    assert isinstance(split, Fork)
    assert isinstance(steps, Fork)
    assert len({door.draws.seed for door in split.doors}) == 1
    assert len({door.draws.seed for door in steps.doors}) == 2


def test_every_answer_that_escalates_takes_twice_as_long() -> None:
    """A cycle of 9 + 9 + 1 s: six questions in 100 s, each offered twice and answered once."""
    found = simulate(two(cascade(1.0))).usage.routes["chat"]
    counts = found.requests
    assert (counts.arrived, counts.completed, counts.escalated, counts.attempts) == (6, 6, 6, 12)
    assert counts.retried == 0
    assert found.e2e_s.mean == pytest.approx(18.0, abs=1e-3)
    assert found.ttft_s.mean == pytest.approx(10.0, abs=1e-3)
    assert found.wasted_output["escalated"] == 54 == found.useful.output
    offered = {name: part.offered for name, part in found.by_pool.items()}
    assert (offered["main"].requests, offered["main"].escalated) == (6, 6)
    assert (offered["other"].requests, offered["other"].escalated) == (6, 0)
    assert found.by_pool["main"].completed == 0 == found.by_pool["main"].useful.output


def test_no_answer_that_escalates_is_one_pool() -> None:
    alone, none = (simulate(two(to)).usage for to in ("main", cascade(0.0)))
    assert none.routes["chat"].requests == alone.routes["chat"].requests
    assert none.routes["chat"].e2e_s == alone.routes["chat"].e2e_s
    assert none.pools["other"].busy_s == 0.0


def test_who_gives_up_at_the_first_pool_goes_nowhere() -> None:
    found = simulate(two(cascade(1.0), patience="5s")).usage.routes["chat"]
    assert found.requests.escalated == 0.0 == found.by_pool["other"].offered.requests
    assert found.requests.timed_out == found.requests.arrived


def test_patience_is_of_each_attempt() -> None:
    """10 s are enough for each of two answers of 9 s, one after the other."""
    found = simulate(two(cascade(1.0), patience="10s")).usage.routes["chat"]
    assert found.requests.completed == found.requests.arrived == 6


def test_retries_stay_in_their_pool() -> None:
    """The other pool has no slot for anybody; who was sent there asks it again, and gives up."""
    of = two({"split": {"main": 0.0, "other": 1.0}}, retries={"max": 2, "backoff": 1})
    full = of.pools["other"].model_copy(update={"kv_tokens": 16})
    of = of.model_copy(update={"pools": type(of.pools)({**of.pools, "other": full})})
    found = simulate(of).usage.routes["chat"]
    assert found.requests.rejected == found.requests.arrived > 0
    assert found.requests.attempts == 3 * found.requests.arrived
    assert found.by_pool["main"].offered.requests == 0.0


def test_an_api_answers_a_hosted_route() -> None:
    """Nine tokens take it 600 + 8 x 15 ms; it is billed, and no pool has done anything."""
    run = simulate(two("hosted", hosted=API))
    found = run.usage.routes["chat"]
    assert found.by_pool == {}
    assert found.hosted.requests == found.requests.completed > 50
    assert found.e2e_s.mean == pytest.approx(0.72)
    assert all(used.busy_s == 0.0 for used in run.usage.pools.values())


def test_an_api_s_clients_may_give_up() -> None:
    found = simulate(two("hosted", hosted=API, patience="700ms")).usage.routes["chat"]
    assert found.requests.timed_out == found.requests.arrived > 50
    assert found.hosted.requests == 0.0
