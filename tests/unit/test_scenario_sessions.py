"""Sessions: what a conversation's turns are drawn from, by itself or as a workload has it."""

from typing import Any

import pytest
from pydantic import ValidationError

from sim.catalog.workloads import workload
from sim.scenario.lengths import FixedLengths
from sim.scenario.route import Route
from sim.scenario.sessions import Sessions

NAME = "agent-planning"
OWN = {"turns": {"fixed": 4}, "think_time": "30s"}
ROUTE: dict[str, Any] = {
    "pool": "main",
    "arrivals": {"rps": 1},
    "input_tokens": {"fixed": 5},
    "output_tokens": {"fixed": 5},
}


def sessions(**given: Any) -> Sessions:
    return Sessions.model_validate(given)


def refusal(**changes: Any) -> str:
    data = {key: value for key, value in (ROUTE | changes).items() if value is not None}
    with pytest.raises(ValidationError) as caught:
        Route.model_validate(data)
    return str(caught.value)


def test_own_numbers() -> None:
    own = sessions(**OWN)
    assert own.turn_law() == FixedLengths(fixed=4)
    assert own.gap_law().mean_s == 30.0
    said = FixedLengths(fixed=100)
    assert own.first_law(said) == own.follow_up_law(said) == said
    assert own.preset is None
    assert not own.brings("input_tokens")


def test_what_the_user_says_later() -> None:
    own = sessions(**OWN, first_tokens={"fixed": 900}, follow_up_tokens={"fixed": 40})
    assert (own.first_law(None), own.follow_up_law(None)) == (
        FixedLengths(fixed=900),
        FixedLengths(fixed=40),
    )
    assert own.brings("input_tokens")
    assert not own.brings("output_tokens")


def test_a_workload_brings_all_of_it() -> None:
    named, preset = sessions(workload=NAME), workload(NAME).sessions
    assert preset is not None
    assert named.preset == preset
    assert named.turn_law().rough_mean == pytest.approx(preset.mean_turns)
    assert min(preset.gap_s) < named.gap_law().mean_s < max(preset.gap_s)
    assert named.brings("input_tokens")
    assert named.first_law(None).rough_mean != named.follow_up_law(None).rough_mean
    own_turns = sessions(workload=NAME, turns={"fixed": 2})
    assert own_turns.turn_law() == FixedLengths(fixed=2)


def test_half_of_it_is_not_enough() -> None:
    for missing in OWN:
        given = {key: value for key, value in OWN.items() if key != missing}
        with pytest.raises(ValidationError, match=f"{missing} is missing"):
            sessions(**given)
    with pytest.raises(ValidationError, match=f"those that do are .*{NAME}"):
        sessions(workload="azure-code-2024")


def test_a_route_says_the_first_turn_once() -> None:
    plain = Route.model_validate(ROUTE | {"sessions": OWN})
    assert plain.input_tokens == FixedLengths(fixed=5)
    first = OWN | {"first_tokens": {"fixed": 9}}
    assert "sessions already say how long" in refusal(sessions=first)
    brought = Route.model_validate({**ROUTE, "sessions": first, "input_tokens": None})
    assert brought.input_tokens is None
    assert "is missing" in refusal(sessions=OWN, input_tokens=None)


def test_sessions_begin_at_random() -> None:
    rule = "needs arrivals of rps or mean_rps"
    assert rule in refusal(sessions=OWN, arrivals={"concurrency": 4})
    assert rule in refusal(sessions=OWN, arrivals={"rps": 4, "count": 10})
