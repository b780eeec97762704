"""Plan scaler: the week's steps, and yesterday's demand."""

from __future__ import annotations

import math
from typing import Any

import pytest

from sim.fleet.plan_scaler import FORECAST, NO_PAST, SCHEDULED, Forecast, Schedule
from sim.fleet.scaler import Decision, Observation, Scaler
from sim.scenario.scaling_plan import ForecastScaler, ScheduleScaler, Weekday

HOUR = 3600.0
DAY = 24 * HOUR


def schedule(*steps: dict[str, Any], starts_on: Weekday = "monday", **bounds: int) -> Schedule:
    spec = ScheduleScaler.model_validate({"kind": "schedule", "steps": list(steps)})
    return Schedule(spec, starts_on, **{"least": 1, "most": 100, **bounds})


def at(scaler: Scaler, now_s: float) -> int:
    return scaler.decide(Observation(now_s=now_s, ready=1)).replicas


OFFICE = (
    {"at": "08:00", "days": "weekdays", "replicas": 6},
    {"at": "20:00", "days": "weekdays", "replicas": 2},
    {"at": "10:00", "days": ["saturday"], "replicas": 3},
)


@pytest.mark.parametrize(
    ("day", "hour", "replicas"),
    [
        (0, 0.0, 3),  # Monday before the first step: Saturday's still holds
        (0, 7.99, 3),
        (0, 8.0, 6),
        (0, 19.99, 6),
        (0, 20.0, 2),
        (1, 3.0, 2),
        (1, 8.0, 6),
        (4, 23.0, 2),
        (5, 9.0, 2),
        (5, 10.0, 3),
        (6, 12.0, 3),
        (7, 8.0, 6),  # the next Monday
        (14, 7.0, 3),
        (-1, 12.0, 3),  # the Sunday before, in the warm-up
        (-7, 8.0, 6),
    ],
)
def test_the_last_step_of_the_week_holds(day: int, hour: float, replicas: int) -> None:
    assert at(schedule(*OFFICE), day * DAY + hour * HOUR) == replicas


@pytest.mark.parametrize(("hour", "replicas"), [(9.0, 2), (10.0, 3), (33.0, 3), (56.0, 6)])
def test_time_0_is_the_day_that_the_scenario_starts_on(hour: float, replicas: int) -> None:
    assert at(schedule(*OFFICE, starts_on="saturday"), hour * HOUR) == replicas


def test_a_schedule_stays_within_its_bounds() -> None:
    scaler = schedule(*OFFICE, least=3, most=5)
    assert [at(scaler, h * HOUR) for h in (7, 8, 20)] == [3, 5, 3]
    assert scaler.decide(Observation(now_s=0.0, ready=1)) == Decision(3, SCHEDULED)


def forecast(least: int = 1, most: int = 100, **spec: Any) -> Forecast:
    given = {"kind": "forecast", "requests_per_s": 2.0, **spec}
    return Forecast(ForecastScaler.model_validate(given), least=least, most=most)


def hourly(demand: dict[int, float], default: float = 1.0) -> Any:
    """A demand by the hour of the day."""
    return lambda now_s: demand.get(int(now_s // HOUR) % 24, default)


def live(scaler: Forecast, demand: Any, until_s: float, every_s: float = 60.0) -> list[Decision]:
    """Look every minute; what is seen is the demand of the minute before."""
    decisions = []
    for look in range(int(until_s / every_s)):
        now = look * every_s
        seen = Observation(now_s=now, ready=1, requests_per_s=demand(now - every_s / 2))
        decisions.append(scaler.decide(seen))
    return decisions


def test_without_a_past_the_present_stands_for_it() -> None:
    """3 requests/s and 20 % over 2 per replica: 1.8: 2."""
    assert live(forecast(), lambda _: 3.0, DAY)[0] == Decision(2, NO_PAST)
    assert {d.reason for d in live(forecast(), lambda _: 3.0, DAY)} == {NO_PAST}


def test_yesterdays_peak_is_met_a_lead_time_ahead() -> None:
    """1 a second, 10 from 9:00 to 10:00. 10 x 1.2 / 2 = 6 replicas from 8:50 to 10:00."""
    found = live(forecast(), hourly({9: 10.0}), 2 * DAY)
    today = found[24 * 60 :]
    assert {d.reason for d in today} == {FORECAST}
    raised = [minute for minute, d in enumerate(today) if d.replicas == 6]
    assert raised == list(range(8 * 60 + 50, 10 * 60))
    assert {d.replicas for minute, d in enumerate(today) if minute not in raised} == {1}


def test_yesterday_is_believed_even_if_today_differs() -> None:
    yesterday = hourly({9: 10.0})
    found = live(forecast(), lambda t: yesterday(t) if t < DAY else 50.0, 2 * DAY)
    until = 48 * 60 - 10  # from 23:50 on it looks at the day after, whose yesterday is today
    assert max(d.replicas for d in found[24 * 60 : until]) == 6
    assert found[until].replicas == 30


def test_slots_are_means_over_time() -> None:
    """Looks of 60 s and 240 s in a slot of 300 s: (1 x 60 + 11 x 240)/300 = 9: 9 x 1.2/2 = 5.4."""
    scaler = forecast(period="10m", lead=0)
    for now, demand in ((0, 0.0), (60, 1.0), (300, 11.0), (600, 99.0)):
        scaler.decide(Observation(now_s=now, ready=1, requests_per_s=demand))
    assert at(scaler, 601) == 6


def test_a_need_that_is_whole_is_not_rounded_up() -> None:
    """0.1 x 3 x 1.2 / 0.36 = 1, though it is 1.0000000000000002 in floats."""
    scaler = forecast(requests_per_s=0.36)
    assert math.ceil(0.1 * 3 / 0.36 * 1.2) == 2
    seen = Observation(now_s=0, ready=1, requests_per_s=0.1 * 3)
    assert scaler.decide(seen).replicas == 1


def test_tokens_in_place_of_requests() -> None:
    """9,000 tokens/s and 50 % over 3,000 per replica: 4.5: 5."""
    scaler = forecast(requests_per_s=None, tokens_per_s=3000, margin="50%")
    seen = Observation(now_s=0, ready=1, requests_per_s=1e6, tokens_per_s=9000)
    assert scaler.decide(seen) == Decision(5, NO_PAST)


def test_a_forecast_stays_within_its_bounds() -> None:
    found = live(forecast(least=2, most=4), hourly({9: 10.0, 3: 0.0}), 2 * DAY)
    assert {d.replicas for d in found} == {2, 4}


def test_a_forecast_forgets_what_is_older_than_its_period() -> None:
    scaler = forecast(period="1h", lead="5m")
    live(scaler, lambda _: 1.0, 20 * HOUR)
    assert len(scaler._slots) == 13
