"""Rates: calendar, Λ by brute integration, and the inverse of it."""

from __future__ import annotations

import numpy as np
import pytest

from sim.traffic.rates import HOUR_S, WEEK_S, ConstantRate, WeeklyRate

WEEKDAY = [float(1 + hour % 7) for hour in range(24)]
WEEKEND = [float(hour == 12) + 0.25 for hour in range(24)]


def test_the_mean_over_a_week_is_as_asked() -> None:
    rate = WeeklyRate(4.0, WEEKDAY, WEEKEND)
    assert rate.expected(WEEK_S) == pytest.approx(4.0 * WEEK_S, rel=1e-12)
    weekday_share = 5 * sum(WEEKDAY) / (5 * sum(WEEKDAY) + 2 * sum(WEEKEND))
    assert rate.expected(5 * 86_400.0) == pytest.approx(4.0 * WEEK_S * weekday_share, rel=1e-12)


@pytest.mark.parametrize(
    ("starts_on", "at_s", "hours"),
    [
        ("monday", 0.0, WEEKDAY[0]),
        ("monday", 3.5 * HOUR_S, WEEKDAY[3]),
        ("monday", -HOUR_S, WEEKEND[23]),  # Sunday, 23:00
        ("saturday", 12.0 * HOUR_S, WEEKEND[12]),
        ("saturday", -1.0, WEEKDAY[23]),  # Friday, 23:59:59
        ("sunday", 24.0 * HOUR_S, WEEKDAY[0]),  # Monday, 00:00
        ("friday", 4 * WEEK_S + 25.0 * HOUR_S, WEEKEND[1]),
    ],
)
def test_hours_are_those_of_the_calendar(starts_on: str, at_s: float, hours: float) -> None:
    rate = WeeklyRate(1.0, WEEKDAY, WEEKEND, starts_on)
    mean = (5 * sum(WEEKDAY) + 2 * sum(WEEKEND)) / 168
    assert rate.at(at_s) == pytest.approx(hours / mean, rel=1e-12)


@pytest.mark.parametrize("start_s", [-10_000.0, -5.0, 0.0, 3599.0, 1.3 * WEEK_S])
def test_expected_is_the_integral_of_the_rate(start_s: float) -> None:
    rate = WeeklyRate(3.0, WEEKDAY, WEEKEND, "friday")
    midpoints = start_s + np.arange(30_000) + 0.5  # 1 s apart; hours are whole seconds
    brute = sum(rate.at(at_s) for at_s in midpoints)
    found = rate.expected(start_s + 30_000) - rate.expected(start_s)
    assert found == pytest.approx(brute, rel=1e-4)


def test_instants_undo_expected_before_and_after_zero() -> None:
    rate = WeeklyRate(7.5, WEEKDAY, WEEKEND, "sunday")
    at_s = np.linspace(-2.2 * WEEK_S, 3.3 * WEEK_S, 4001)
    expected = np.array([rate.expected(one) for one in at_s])
    assert rate.instants(expected) == pytest.approx(at_s, abs=1e-5)
    assert ConstantRate(7.5).instants(np.array([-15.0, 0.0, 75.0])).tolist() == [-2.0, 0.0, 10.0]


def test_no_instant_falls_into_an_hour_of_rate_zero() -> None:
    working = [0.0] * 8 + [1.0] * 10 + [0.0] * 6
    rate = WeeklyRate(1.0, working, [0.0] * 24)
    rng = np.random.default_rng(11)
    at_s = rate.instants(np.sort(rng.random(20_000) * rate.expected(2 * WEEK_S)))
    hours = at_s % 86_400.0 / HOUR_S
    assert hours.min() >= 8.0
    assert hours.max() <= 18.0
    assert (at_s // 86_400.0 % 7).max() == 4  # Monday to Friday
    assert np.diff(at_s).min() >= 0.0


@pytest.mark.parametrize("ahead_h", [-11.0, 5.5, 14.0])
def test_a_clock_that_is_ahead_shifts_the_week(ahead_h: float) -> None:
    ahead_s = ahead_h * HOUR_S
    here = WeeklyRate(7.5, WEEKDAY, WEEKEND, "saturday")
    there = WeeklyRate(7.5, WEEKDAY, WEEKEND, "saturday", ahead_s)
    for at_s in (-1.1 * WEEK_S, -1.0, 0.0, 1234.5, 3.7 * WEEK_S):
        assert there.at(at_s) == here.at(at_s + ahead_s)
        shifted = here.expected(at_s + ahead_s) - here.expected(ahead_s)
        assert there.expected(at_s) == pytest.approx(shifted, rel=1e-12, abs=1e-6)
    assert there.expected(0.0) == 0.0
    at_s = np.linspace(-WEEK_S, WEEK_S, 999)
    expected = np.array([there.expected(one) for one in at_s])
    assert there.instants(expected) == pytest.approx(at_s, abs=1e-5)


def test_hours_are_found_by_the_users_clock() -> None:
    rate = WeeklyRate(1.0, WEEKDAY, WEEKEND, "monday", 1800.0)
    assert rate.hours_s(-1800.0, 5400.0).tolist() == [1800.0]
    assert rate.hours_s(-1801.0, 5401.0).tolist() == [-1800.0, 1800.0, 5400.0]
    assert rate.hours_s(0.0, 1.0).tolist() == []
    begins = rate.hour_begins_s(np.array([-1801.0, -1800.0, 0.0, 1799.0, 1800.0]))
    assert begins.tolist() == [-5400.0, -1800.0, -1800.0, -1800.0, 1800.0]
    at_s = np.linspace(-WEEK_S, 2 * WEEK_S, 1001)
    assert rate.each(at_s).tolist() == [rate.at(one) for one in at_s]


@pytest.mark.parametrize(
    ("weekday", "weekend", "message"),
    [
        ([1.0] * 23, [1.0] * 24, "24 multipliers, not 23 and 24"),
        ([0.0] * 24, [0.0] * 24, "not all 0"),
        ([1.0] * 23 + [-1.0], [1.0] * 24, ">= 0"),
        ([1.0] * 23 + [float("nan")], [1.0] * 24, "finite"),
    ],
)
def test_impossible_curves_are_refused(
    weekday: list[float], weekend: list[float], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        WeeklyRate(1.0, weekday, weekend)


@pytest.mark.parametrize("per_s", [0.0, -1.0, float("inf"), float("nan")])
def test_impossible_rates_are_refused(per_s: float) -> None:
    with pytest.raises(ValueError, match="must be positive and finite"):
        ConstantRate(per_s)
    with pytest.raises(ValueError, match="must be positive and finite"):
        WeeklyRate(per_s, WEEKDAY, WEEKEND)
