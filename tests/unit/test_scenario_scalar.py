"""Scalar: a bool is no number, text is no number, and names are safe everywhere."""

import math
from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from sim.scenario.scalar import Count, Flag, Label, Name, Number, Text, Title


def message(kind: Any, value: object) -> str:
    with pytest.raises(ValidationError) as caught:
        TypeAdapter(kind).validate_python(value)
    return str(caught.value.errors()[0]["ctx"]["error"])


@pytest.mark.parametrize(
    ("kind", "value", "text"),
    [
        (Number, True, "must be a number (got true)"),
        (Number, "4", "must be a number (got '4')"),
        (Number, None, "must be a number (got nothing)"),
        (Number, math.nan, "must be a finite number (got nan)"),
        (Number, -math.inf, "must be a finite number (got -inf)"),
        (Number, 1e16, "must be between -1e15 and 1e15 (got 1e+16)"),
        (Count, True, "must be a whole number (got true)"),
        (Count, 1.5, "must be a whole number (got 1.5)"),
        (Count, math.inf, "must be a whole number (got inf)"),
        (Count, "3", "must be a whole number (got '3')"),
        (Count, 10**400, "must be below 2^63 (got a number of more than 30 digits)"),
        (Flag, 1, "must be true or false (got 1)"),
        (Flag, "yes", "must be true or false (got 'yes')"),
        (Text, 3, "must be text (got 3; put it in quotes)"),
        (Text, {}, "must be text (got a mapping)"),
        (Label, " ", "must be 1 to 100 printable characters (got ' ')"),
        (Label, "a\x1b[31m", "must be 1 to 100 printable characters (got 'a\\x1b[31m')"),
    ],
)
def test_refusals(kind: Any, value: object, text: str) -> None:
    assert message(kind, value) == text


def test_what_is_taken() -> None:
    assert TypeAdapter(Number).validate_python(4) == 4.0
    assert TypeAdapter(Count).validate_python(1e3) == 1000
    assert TypeAdapter(Count).validate_python(2**63 - 1) == 2**63 - 1
    assert TypeAdapter(Flag).validate_python(False) is False
    assert TypeAdapter(Label).validate_python("Büro & Co") == "Büro & Co"


@pytest.mark.parametrize("name", ["chat", "gpt-4.1", "A", "0", "a_b.c-d", "x" * 64])
def test_names(name: str) -> None:
    assert TypeAdapter(Name).validate_python(name) == name


@pytest.mark.parametrize(
    "name", ["", "-a", ".a", "../a", "a/b", "a b", "é", "a\n", "<b>", "=1", "x" * 65]
)
def test_names_that_are_none(name: str) -> None:
    assert message(Name, name).startswith("must be 1 to 64 letters, digits, '_', '.' or '-'")


def test_a_title_may_be_longer() -> None:
    assert TypeAdapter(Title).validate_python("x" * 100) == "x" * 100
    assert message(Title, "x" * 101).startswith("must be 1 to 100 letters")
