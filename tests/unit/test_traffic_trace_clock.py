"""Clock of a trace: units, dates, offsets, exactness, and what is refused."""

from __future__ import annotations

import itertools

import pytest

from sim.traffic.trace_clock import Clock


def seconds(*values: object, unit: str = "auto") -> list[float]:
    clock = Clock(unit)
    return [clock.seconds(value) for value in values]


def failure(*values: object) -> str:
    clock = Clock()
    for value in values[:-1]:
        clock.seconds(value)
    with pytest.raises(ValueError) as caught:
        clock.seconds(values[-1])
    return str(caught.value)


@pytest.mark.parametrize(
    ("values", "unit", "at_s"),
    [
        ((5, 7.5, "9"), "auto", [0.0, 2.5, 4.0]),
        ((0, 3000, 3001), "ms", [0.0, 3.0, 3.001]),
        ((0, 1), "us", [0.0, 1e-6]),
        ((1_700_158_546, 1_700_158_550), "auto", [0.0, 4.0]),
        ((1_700_158_546_680, 1_700_158_546_681), "auto", [0.0, 0.001]),
        ((1_700_158_546_680_590, 1_700_158_546_680_591), "auto", [0.0, 1e-6]),
        (("1700158546680590000", "1700158546680590001"), "auto", [0.0, 1e-9]),
        ((-3.0, 1.0), "auto", [0.0, 4.0]),
        ((" 1e3 ", "1001"), "auto", [0.0, 1.0]),
        ((10, 4), "auto", [0.0, -6.0]),  # order is not the clock's business
    ],
)
def test_numbers(values: tuple[object, ...], unit: str, at_s: list[float]) -> None:
    assert seconds(*values, unit=unit) == at_s


@pytest.mark.parametrize(
    ("values", "at_s"),
    [
        (("2023-11-16 18:15:46.6805900", "2023-11-16 18:15:50.9951690"), [0.0, 4.314579]),
        (("2023-11-16 18:15:46.6805900", "2023-11-16 18:15:46.6805901"), [0.0, 1e-7]),
        (("2023-11-16T23:59:59", "2023-11-17 00:00:01.5"), [0.0, 2.5]),
        (("2024-02-28T12:00:00Z", "2024-03-01T12:00:00Z"), [0.0, 172_800.0]),
        (("2024-03-01T12:00:00+02:00", "2024-03-01T11:00:00Z"), [0.0, 3600.0]),
        (("2024-03-01 12:00:00.5+00", "2024-03-01 12:00:00.25-02"), [0.0, 7199.75]),  # Postgres
        (("2024-03-01T12:00:00-0530", "2024-03-01T17:30:00.25Z"), [0.0, 0.25]),
        (("2024-03-01 12:00:00,123456789123", "2024-03-01 12:00:00.123456790"), [0.0, 1e-9]),
    ],
)
def test_dates(values: tuple[str, ...], at_s: list[float]) -> None:
    assert seconds(*values) == at_s


@pytest.mark.parametrize(
    "value",
    ["", "soon", "nan", "inf", float("nan"), "1e999", 10**400, True, None, [1], "16/11/2023"],
)
def test_what_is_no_time_is_refused(value: object) -> None:
    message = failure(value)
    assert "cannot be read; allowed: a finite number, or a date and time such as" in message
    assert len(message) < 200


def test_days_that_do_not_exist_are_refused() -> None:
    assert "'2023-02-30 00:00:00' does not exist" in failure("2023-02-30 00:00:00")
    assert "does not exist" in failure("2023-12-31 23:59:60")


def test_kinds_must_not_mix() -> None:
    assert failure(0.0, "2023-11-16 18:15:46") == (
        "the time is a date and time without a UTC offset, in the rows before it is a number"
    )
    assert failure("2023-11-16 18:15:46Z", "2023-11-16 18:15:47") == (
        "the time is a date and time without a UTC offset, "
        "in the rows before it is a date and time with a UTC offset"
    )


S, MS, US, NS = 1_700_158_546, 1_700_158_546_000, 1_700_158_546_000_000, 1_700_158_546 * 10**9


@pytest.mark.parametrize(
    "values", [(0.5, S), (S, 0.5), *itertools.permutations((S, MS, US, NS), 2)]
)
def test_two_units_in_one_column_are_noticed(values: tuple[float, float]) -> None:
    assert failure(*values) == (
        f"the time jumps from {values[0]} to {values[1]}: two time units in one column?"
    )


def test_the_row_before_counts_not_the_first() -> None:
    assert failure(S, S + 1, MS + 2000).startswith(f"the time jumps from {S + 1} to")


@pytest.mark.parametrize(
    "values", [(0, 1, 1e6), (0.5, 1.2, 3500, 4000), (0, 365 * 86_400), (S, S + 365 * 86_400)]
)
def test_a_long_pause_is_no_change_of_unit(values: tuple[float, ...]) -> None:
    assert seconds(*values) == [value - values[0] for value in values]


def test_a_date_that_was_never_filled_in_is_noticed() -> None:
    assert failure("2026-05-04 10:15:00", "1970-01-01 00:00:00") == (
        "the time jumps from '2026-05-04 10:15:00' to '1970-01-01 00:00:00': is a date wrong?"
    )


def test_the_first_time_is_known_on_its_own_scale() -> None:
    clock = Clock()
    assert clock.first_s is None
    for value in (MS, MS + 500):
        clock.seconds(value)
    assert clock.first_s == S


def test_unknown_units_are_refused() -> None:
    with pytest.raises(ValueError, match="'min' is none of auto, s, ms, us, ns"):
        Clock("min")
