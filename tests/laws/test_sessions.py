"""Conversations through the whole simulation: what is cached follows from what was said before."""

from __future__ import annotations

from typing import Any

import pytest

from sim.scenario.document import Scenario
from sim.simulation import simulate
from sim.streams import Streams
from sim.traffic.source import batches

POOL = {
    "timing": {"knots_tokens": [1, 256, 8192], "knots_s": [0.006, 0.009, 0.21]},
    "kv_tokens": 2_000_000,
    "node": {"usd_per_hour": 2.5},
}
TALK: dict[str, Any] = {
    "pool": "main",
    "arrivals": {"rps": 1.0},
    "sessions": {
        "turns": {"fixed": 2},
        "think_time": "60s",
        "follow_up_tokens": {"fixed": 40},
    },
    "input_tokens": {"fixed": 500},
    "output_tokens": {"fixed": 200},
}


def scenario(pool: dict[str, Any] | None = None, horizon: str = "20m", **routes: Any) -> Scenario:
    document = {
        "horizon": horizon,
        "warmup": "10m",
        "routes": routes,
        "pools": {"main": {**POOL, **(pool or {})}},
    }
    return Scenario.model_validate(document)


def cached_per_talk(made: Scenario) -> float:
    """Cached input tokens of a conversation of two turns, on average."""
    usage = simulate(made).usage.overall
    assert usage.requests.arrived == usage.requests.completed > 1_000
    return usage.useful.cached_input / (usage.requests.completed / 2)


def test_a_second_turn_finds_all_that_was_said_before() -> None:
    """500 + 200 - 1 tokens were computed (the last never is): 43 whole blocks of 16."""
    assert cached_per_talk(scenario(chat=TALK)) == pytest.approx(688, rel=0.02)


def test_after_reasoning_it_finds_the_prompt_alone() -> None:
    """The first turn's 500 tokens are 31 whole blocks; the answer began with what is not resent."""
    route = TALK | {"reasoning_share": 0.5}
    assert cached_per_talk(scenario(chat=route)) == pytest.approx(496, rel=0.02)


def test_without_affinity_half_of_the_second_turns_come_to_the_other_replica() -> None:
    two = {"replicas": 2, "router": "round-robin"}
    assert cached_per_talk(scenario(two, chat=TALK)) == pytest.approx(344, rel=0.1)
    loyal = {"replicas": 2, "router": "prefix-affinity"}
    assert cached_per_talk(scenario(loyal, chat=TALK)) == pytest.approx(688, rel=0.05)


def test_a_small_cache_forgets_what_was_said_a_minute_ago() -> None:
    """A minute of traffic leaves some 45,000 tokens; the cache holds a sixth of that."""
    assert cached_per_talk(scenario({"kv_tokens": 7_500}, chat=TALK)) < 40


def test_overload_holds_turns_back_until_they_can_be_meant() -> None:
    """Answers take longer than people think: no turn comes before the answer before it."""
    hurried = TALK | {"sessions": {**TALK["sessions"], "think_time": "1s"}}
    slow = {
        "timing": {"knots_tokens": [1, 8192], "knots_s": [0.05, 0.6]},
        "engine": {"max_num_seqs": 256},
    }
    usage = simulate(scenario(slow, chat=hurried)).usage.overall
    assert usage.requests.arrived == usage.requests.completed
    assert usage.e2e_s.mean is not None
    assert usage.e2e_s.mean > 10.0
    assert usage.useful.cached_input == pytest.approx(688 * usage.requests.arrived / 2, rel=0.02)


def test_another_route_moves_no_conversation() -> None:
    def requests(made: Scenario) -> list[tuple[Any, ...]]:
        found = []
        for batch in batches(made, Streams(3), -600.0):
            columns = (batch.arrived_at_s, batch.input_tokens, batch.output_tokens, batch.turn)
            for route, *row in zip(batch.route, *columns, strict=True):
                if list(made.routes)[route] == "chat":
                    found.append(tuple(row))
            if batch.arrived_at_s[-1] > 1_200.0:
                return found[:500]
        raise AssertionError("traffic has no end")

    other = {**TALK, "arrivals": {"rps": 3.0}}
    assert requests(scenario(chat=TALK)) == requests(scenario(other=other, chat=TALK))
