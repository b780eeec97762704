"""Hours: profiles of made-up weeks come back, and what is random about them is found."""

from __future__ import annotations

import numpy as np
import pytest

from sim.workload.hour_rows import hour_rows
from sim.workload.hours import Hours, hours_of, rates_in
from sim.workload.requests import Requests
from sim.workload.slow_fit import slow_bursts
from sim.workload.start import Start
from sim.workload.tables import Rates

WEEKDAY = np.array([1.0, 2.0] * 12)
WEEKEND = np.array([0.5] * 12 + [1.0] * 12)
MEAN = (5 * WEEKDAY.mean() + 2 * WEEKEND.mean()) / 7


def weeks(days: int, weekday: int, noise: float = 0.0, window_s: float = 600.0) -> Rates:
    """Rates of some days, the first being *weekday*, each window off by some noise."""
    per_hour = int(3600 / window_s)
    kinds = [(WEEKEND if (weekday + day) % 7 >= 5 else WEEKDAY) for day in range(days)]
    per_s = np.repeat(np.concatenate(kinds), per_hour)
    per_s = per_s * (1 + noise * np.random.default_rng(3).standard_normal(len(per_s)))
    return Rates("x", window_s, per_s, start=Start(0.0, weekday, "UTC"))


@pytest.mark.parametrize("window_s", [600.0, 3600.0])
def test_weekdays_and_weekends_come_back_with_mean_one(window_s: float) -> None:
    hours = hours_of(weeks(9, 3, window_s=window_s))
    assert hours is not None
    assert hours.weekday == pytest.approx(WEEKDAY / MEAN)
    assert hours.weekend == pytest.approx(WEEKEND / MEAN)
    assert hours.errors == pytest.approx([0.0] * 5)
    assert (hours.clock, hours.days) == ("UTC", 9.0)


def test_unknown_weekdays_are_all_alike() -> None:
    rates = Rates("x", 3600.0, np.tile(WEEKDAY, 4))
    hours = hours_of(rates)
    assert hours is not None
    assert hours.weekend is None
    assert hours.clock == "file"
    assert np.mean(hours.weekday) == pytest.approx(1.0)
    assert len(hours.errors) == 4


def test_an_hour_of_the_day_is_that_of_the_clock() -> None:
    """The file begins half past midnight: each hour has half of two of the file's own."""
    per_s = np.tile(np.repeat(np.arange(1.0, 25.0), 6), 3)
    hours = hours_of(Rates("x", 600.0, per_s, start=Start(1800.0, None, "file")))
    assert hours is not None
    assert hours.weekday[1] / hours.weekday[3] == pytest.approx(1.5 / 3.5)


def test_too_little_and_too_coarse_have_no_profile() -> None:
    assert hours_of(weeks(1, 0)) is None
    assert hours_of(weeks(1, 0), least_days=1.0) is not None
    assert hours_of(Rates("x", 7200.0, np.ones(100))) is None
    assert hours_of(Rates("x", 3600.0, np.zeros(100))) is None


def test_outages_do_not_count() -> None:
    rates = weeks(7, 0)
    rates.per_s[100:180] = 0.0
    rates.per_s[300] = np.nan
    hours = hours_of(rates)
    assert hours is not None
    assert hours.weekday == pytest.approx(WEEKDAY / MEAN)


def test_the_error_is_that_of_a_day_foretold_by_the_others() -> None:
    """Two shapes: each day is foretold by the other, scaled to its mean; by hand."""
    first, second = np.ones(24), np.array([0.5] * 12 + [1.5] * 12)
    hours = hours_of(Rates("x", 3600.0, np.concatenate((first, 3 * second))))
    assert hours is not None
    assert hours.errors == pytest.approx((0.5, 0.5))
    assert hours.error == pytest.approx(0.5)
    (row,) = hour_rows(hours)
    assert row.value == pytest.approx(0.5)
    assert row.met is False
    assert "swings from day to day" in row.note
    (fine,) = hour_rows(hours_of(weeks(9, 3)))
    assert fine.met is True
    assert "unknown" not in fine.note
    (none,) = hour_rows(None)
    assert none.met is None


def test_factors_follow_the_calendar_and_flatten_a_daily_rate() -> None:
    hours = hours_of(weeks(7, 0))
    assert hours is not None
    friday_noon = Start(12 * 3600.0, 4, "UTC")
    factors = hours.factors(friday_noon, 2 * 86_400.0)
    assert len(factors) == 576
    assert factors[0] == pytest.approx(WEEKDAY[12] / MEAN)
    assert factors[-1] == pytest.approx(WEEKEND[11] / MEAN)
    rng = np.random.default_rng(4)
    per_s = np.repeat(np.tile(WEEKDAY, 2), 1)
    at_s = np.sort(np.concatenate([
        3600.0 * (n + rng.random(int(500 * rate))) for n, rate in enumerate(per_s)]))  # fmt: skip
    even = hours.flattened(at_s, Start(0.0, 0, "UTC"), 2 * 86_400.0)
    counts = np.histogram(even, bins=24, range=(0, 2 * 86_400.0))[0]
    assert counts == pytest.approx(counts.mean(), rel=0.01)


def test_requests_are_counted_in_windows() -> None:
    requests = Requests("x", np.ones(4, dtype=np.int64), np.ones(4, dtype=np.int64),
                        np.array([0.0, 1.0, 11.0, 25.0]), span_s=29.0)  # fmt: skip
    assert rates_in(requests, 10.0).per_s.tolist() == [0.2, 0.1]
    with pytest.raises(ValueError, match="no times"):
        rates_in(requests.rows(slice(None)))


def swings(variance: float, time_s: float, days: int) -> Rates:
    """Rates whose logarithm is an Ornstein-Uhlenbeck process, exact at each window."""
    rng = np.random.default_rng(5)
    keeps = np.exp(-600.0 / time_s)
    x = np.empty(144 * days)
    x[0] = rng.standard_normal()
    for n in range(1, len(x)):
        x[n] = keeps * x[n - 1] + (1 - keeps**2) ** 0.5 * rng.standard_normal()
    return Rates("x", 600.0, 50.0 * np.exp(variance**0.5 * x))


def test_slow_swings_are_found_about_the_curve() -> None:
    rates = swings(0.06, 5400.0, 28)
    hours = hours_of(rates)
    assert hours is not None
    (found,) = slow_bursts(rates, hours)
    assert found.variance == pytest.approx(0.06, rel=0.3)
    assert found.time_s == pytest.approx(5400.0, rel=0.4)


def test_even_and_hourly_rates_have_no_swings() -> None:
    flat = Hours((1.0,) * 24, None, "file", 7.0)
    assert slow_bursts(Rates("x", 600.0, np.ones(1000)), flat) == ()
    assert slow_bursts(Rates("x", 3600.0, np.ones(1000)), flat) == ()
    mostly_dead = Rates("x", 600.0, np.where(np.arange(288) % 7, 0.0, 9.0))
    assert slow_bursts(mostly_dead, flat) == ()
