"""Queue limit: one for all, or by priority, the less important never with more."""

from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from sim.scenario.queue_limit import QueueLimit, by_priority

LIMIT = TypeAdapter(QueueLimit)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (512, 512),
        (0, 0),
        (1e3, 1000),
        ({0: 512, 1: 100}, {0: 512, 1: 100}),
        ({"10": 5, "-1": 7, "2": 5}, {-1: 7, 2: 5, 10: 5}),
    ],
)
def test_limits(given: Any, expected: Any) -> None:
    limit = LIMIT.validate_python(given)
    assert by_priority(limit) == expected
    again = LIMIT.validate_python(LIMIT.dump_python(limit, mode="json"))
    assert again == limit
    hash(limit)


def test_by_priority_the_most_important_is_first() -> None:
    limits = by_priority(LIMIT.validate_python({10: 1, 2: 3, -1: 7}))
    assert isinstance(limits, dict)
    assert list(limits) == [-1, 2, 10]  # not as text, where 10 is before 2


def test_no_limit() -> None:
    assert by_priority(None) is None


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({}, "must not be empty"),
        ({"high": 5}, "a priority must be a whole number"),
        ({1001: 5}, "a priority must be a whole number"),
        ({0: 100, 1: 512}, "must be at most 100, the limit of priority 0"),
        ({0: 100, "00": 50}, "gives a priority twice"),
        ({0: -1}, "greater than or equal to 0"),
        ("many", "must be a whole number"),
        (-1, "greater than or equal to 0"),
        (True, "must be a whole number"),
    ],
)
def test_limits_that_are_none(given: Any, message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        LIMIT.validate_python(given)
