"""Timing: own coefficients make a curve, or are refused."""

from typing import Any

import pytest
from pydantic import ValidationError

from sim.scenario.timing import ExplicitHost, ExplicitTiming

GOOD: dict[str, Any] = {"knots_tokens": [1, 256, 256.5], "knots_s": [0.006, 0.009, 0.009]}


def test_what_is_not_given_costs_nothing() -> None:
    timing = ExplicitTiming.model_validate(GOOD)
    assert timing.knots_tokens == (1.0, 256.0, 256.5)
    coefficients = timing.model_dump(exclude={"knots_tokens", "knots_s"})
    assert set(coefficients.values()) == {0.0}
    host = ExplicitHost().model_dump()
    assert {host.pop("moe_base_factor"), host.pop("moe_sparse_factor")} == {1.0}
    assert set(host.values()) == {0.0}
    assert hash(timing) == hash(ExplicitTiming.model_validate(GOOD))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"knots_tokens": [], "knots_s": []}, "needs at least one knot"),
        ({"knots_s": [0.006]}, "needs as many numbers as knots_tokens, 3 (got 1)"),
        ({"knots_tokens": [1, 256, 256]}, "must rise from knot to knot"),
        ({"knots_s": [0.006, 0.009, 0.008]}, "must not fall: more tokens take no less time"),
    ],
)
def test_knots_that_make_no_curve(change: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError) as caught:
        ExplicitTiming.model_validate(GOOD | change)
    assert str(caught.value.errors()[0]["ctx"]["error"]) == message


@pytest.mark.parametrize(
    "change",
    [
        {"knots_s": [0.0, 0.009, 0.01]},  # a step that takes no time would never end
        {"knots_tokens": [0, 1, 2]},
        {"per_sequence_s": -1e-6},
        {"per_sequence_s": 1e6},
        {"per_token_s": 1e-6},
    ],
)
def test_numbers_out_of_range(change: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        ExplicitTiming.model_validate(GOOD | change)
