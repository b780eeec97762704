"""Units: what durations, token counts and shares mean, and that printing them inverts parsing."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from sim.units import (
    HOURS_PER_MONTH,
    Duration,
    Share,
    Tokens,
    format_duration,
    parse_duration,
    parse_share,
    parse_tokens,
    shown,
)

DURATION = TypeAdapter(Duration)
TOKENS = TypeAdapter(Tokens)
SHARE = TypeAdapter(Share)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("30s", 30.0),
        ("5m", 300.0),
        ("1h30m", 5400.0),
        ("8h", 28_800.0),
        ("7d", 604_800.0),
        ("2w", 1_209_600.0),
        ("250ms", 0.25),
        ("1m30.5s", 90.5),
        ("0.1s", 0.1),  # exact: 0.1 * 1000 / 1000 in floats would not be
        ("1s5ms", 1.005),
        ("42", 42.0),
        (" 5m ", 300.0),
    ],
)
def test_durations(text: str, seconds: float) -> None:
    assert parse_duration(text) == seconds
    assert DURATION.validate_python(text) == seconds


@pytest.mark.parametrize(
    "text", ["", "soon", "30m1h", "1h1h", "5M", "1e3", "s", "1.s", "٣s", "5 m"]
)
def test_durations_that_are_none(text: str) -> None:
    with pytest.raises(
        ValueError, match=r"^must be a duration such as 250ms, 30s, 1h30m or 7d \(got"
    ):
        parse_duration(text)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("-5s", "must not be negative (got '-5s')"),
        (-1, "must not be negative (got -1)"),
        (math.nan, "must be a finite duration (got nan)"),
        (math.inf, "must be a finite duration (got inf)"),
        ("40000d", "must be at most 1e9 s, some 31 years (got '40000d')"),
        (10**400, "must be at most 1e9 s, some 31 years (got a number of more than 30 digits)"),
        (True, "must be a duration such as 250ms, 30s, 1h30m or 7d (got true)"),
        (None, "must be a duration such as 250ms, 30s, 1h30m or 7d (got nothing)"),
        (["1s"], "must be a duration such as 250ms, 30s, 1h30m or 7d (got a list)"),
    ],
)
def test_durations_that_are_refused(value: object, message: str) -> None:
    with pytest.raises(ValidationError) as caught:
        DURATION.validate_python(value)
    assert str(caught.value.errors()[0]["ctx"]["error"]) == message


@given(st.integers(0, 10**9))
def test_whole_milliseconds_are_printed_so_that_they_parse_back(milliseconds: int) -> None:
    seconds = milliseconds / 1000.0
    assert parse_duration(format_duration(seconds)) == pytest.approx(seconds, abs=1e-9)


@given(st.floats(0.0, 1e9))
def test_a_dumped_duration_is_exact(seconds: float) -> None:
    dumped = DURATION.dump_python(seconds, mode="json")
    assert DURATION.validate_python(dumped) == seconds


def test_durations_are_printed_in_the_units_that_people_use() -> None:
    printed = [
        format_duration(s) for s in (0.0, 1e-5, 0.25, 59.0, 60.0, 3661.0, 90_061.5, 604_800.0)
    ]
    assert printed == ["0s", "0.01ms", "250ms", "59s", "1m", "1h1m1s", "1d1h1m1.5s", "7d"]
    assert format_duration(-90.0) == "-1m30s"


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("0", 0),
        ("500", 500),
        ("8k", 8000),
        ("8K", 8000),
        ("8Ki", 8192),
        ("1.5M", 1_500_000),
        ("2Mi", 2_097_152),
        ("0.29k", 290),  # 0.29 * 1000 is 290.00000000000006 in floats
    ],
)
def test_tokens(text: str, tokens: int) -> None:
    assert parse_tokens(text) == tokens
    assert TOKENS.validate_python(text) == tokens


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("many", "must be a number of tokens such as 500, 8k or 1.5M (got 'many')"),
        ("1_000", "must be a number of tokens such as 500, 8k or 1.5M (got '1_000')"),
        ("1.0001k", "must be a whole number of tokens (got '1.0001k')"),
        (0.5, "must be a whole number of tokens (got 0.5)"),
        (math.nan, "must be a whole number of tokens (got nan)"),
        (-1, "must not be negative (got -1)"),
        ("2G", "must be at most 1e9 tokens (got '2G')"),
        (False, "must be a number of tokens such as 500, 8k or 1.5M (got false)"),
    ],
)
def test_tokens_that_are_refused(value: object, message: str) -> None:
    with pytest.raises(ValidationError) as caught:
        TOKENS.validate_python(value)
    assert str(caught.value.errors()[0]["ctx"]["error"]) == message


def test_whole_floats_are_tokens() -> None:
    assert TOKENS.validate_python(1e3) == 1000
    assert isinstance(TOKENS.validate_python(1e3), int)


def test_schemas_take_text_and_numbers() -> None:
    assert [kind["type"] for kind in DURATION.json_schema()["anyOf"]] == ["number", "string"]
    assert [kind["type"] for kind in TOKENS.json_schema()["anyOf"]] == ["integer", "string"]


def test_a_month_is_a_twelfth_of_a_year() -> None:
    assert HOURS_PER_MONTH == 365 * 24 / 12


def test_shown_values_are_short_and_on_one_line() -> None:
    assert shown("x" * 1000) == "'" + "x" * 55 + "...'"
    assert "\n" not in shown("a\nb")


@pytest.mark.parametrize(
    ("value", "share"),
    [
        ("10%", 0.1),
        ("1.1%", 0.011),  # exact: 1.1 / 100 in floats would not be
        (" 29 % ", 0.29),
        ("0%", 0.0),
        ("100%", 1.0),
        (0.25, 0.25),
        (0, 0.0),
        (1, 1.0),
    ],
)
def test_shares(value: object, share: float) -> None:
    assert SHARE.validate_python(value) == share
    if isinstance(value, str):
        assert parse_share(value) == share


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("10", "must be a share such as 10% or 0.1 (got '10')"),
        ("ten%", "must be a share such as 10% or 0.1 (got 'ten%')"),
        ("-1%", "must be a share such as 10% or 0.1 (got '-1%')"),
        ("101%", "must be a share from 0 to 1, or 0% to 100% (got '101%')"),
        (10, "must be a share from 0 to 1, or 0% to 100% (got 10; did you mean 10%?)"),
        (1.5, "must be a share from 0 to 1, or 0% to 100% (got 1.5)"),
        (101, "must be a share from 0 to 1, or 0% to 100% (got 101)"),
        (-0.1, "must be a share from 0 to 1, or 0% to 100% (got -0.1)"),
        (math.nan, "must be a share from 0 to 1, or 0% to 100% (got nan)"),
        (True, "must be a share such as 10% or 0.1 (got true)"),
        (None, "must be a share such as 10% or 0.1 (got nothing)"),
    ],
)
def test_shares_that_are_none(value: object, message: str) -> None:
    with pytest.raises(ValidationError) as caught:
        SHARE.validate_python(value)
    assert str(caught.value.errors()[0]["ctx"]["error"]) == message
