"""Envelope: hours, growth and events multiply, and it says where it changes."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from sim.scenario.arrivals import VaryingArrivals
from sim.traffic.envelope import Envelope

DAY = [float(1 + hour % 5) for hour in range(24)]
REST = [0.5] * 24


def envelope(starts_on: str = "monday", **fields: Any) -> Envelope:
    of = VaryingArrivals.model_validate({"mean_rps": 2.0, **fields})
    return Envelope(of.settings(), of.mean_rps, starts_on)


def rates(of: Envelope, *at_s: float) -> list[float]:
    return of.at(np.array(at_s)).tolist()


def test_without_anything_it_is_the_mean() -> None:
    flat = envelope()
    assert rates(flat, -1e6, 0.0, 5e6) == [2.0] * 3
    assert flat.ends_s == math.inf


def test_the_mean_may_be_of_something_else() -> None:
    of = VaryingArrivals(mean_rps=2.0)
    assert rates(Envelope(of.settings(), 0.5, "monday"), 0.0) == [0.5]


def test_hours_go_by_the_users_clock() -> None:
    curve = {"weekday": DAY, "weekend": REST}
    week = (5 * sum(DAY) + 2 * sum(REST)) / 168
    of = envelope("friday", day_curve=curve, utc_offset_hours=-6)
    # Friday 3:00 is Thursday 21:00 there, Monday 5:59 is Sunday 23:59 there.
    found = rates(of, 3 * 3600.0, 3 * 86_400 + 5.99 * 3600, 3 * 86_400 + 6.01 * 3600)
    assert found == pytest.approx([2 * DAY[21] / week, 2 * 0.5 / week, 2 * DAY[0] / week])


def test_growth_is_compounded_by_the_hour_from_time_zero() -> None:
    of = envelope(growth_percent_per_week=50)
    half_hour = 1.5 ** (0.5 / 168)
    found = rates(of, 0.0, 3599.0, 604_800.0, -604_800.0)
    assert found == pytest.approx([2 * f * half_hour for f in (1.0, 1.0, 1.5, 1 / 1.5)])
    hours = of.at((np.arange(168) + 0.5) * 3600.0)
    exact = 2.0 * 168.0 * 0.5 / math.log(1.5)  # the integral of 1.5^week over a week, in hours
    assert hours.sum() == pytest.approx(exact, rel=1e-6)
    assert of.growth(np.array([0.0, 302_400.0])) == pytest.approx([1.0, math.sqrt(1.5)])


def test_a_shrinking_rate_ends_where_nothing_is_left() -> None:
    assert envelope(growth_percent_per_week=-90).ends_s == pytest.approx(12 * 604_800.0)
    assert envelope(growth_percent_per_week=5).ends_s == math.inf


def test_events_multiply_while_they_last() -> None:
    of = envelope(
        events=[
            {"at": 100, "for": 50, "times": 4},
            {"at": 120, "for": 10, "times": 0.5},
            {"at": 140, "for": 100, "times": 0},
        ]
    )
    assert rates(of, 99.9, 100.0, 125.0, 130.0, 145.0, 239.0, 240.0) == [
        *(2.0, 8.0, 4.0, 8.0),
        *(0.0, 0.0, 2.0),
    ]


def test_it_tells_where_it_changes() -> None:
    of = envelope(
        utc_offset_hours=5.5,
        events=[{"at": 1000, "for": 800, "times": 2}, {"at": 0, "for": 9000, "times": 2}],
    )
    assert of.changes_s(-1800.0, 9001.0).tolist() == [0.0, 1000.0, 1800.0, 5400.0, 9000.0]
    assert of.changes_s(1000.0, 1800.0).tolist() == []
    assert of.changes_s(1800.5, 1801.0).tolist() == []


def test_it_is_constant_between_its_changes() -> None:
    of = envelope(
        "sunday",
        day_curve={"weekday": DAY, "weekend": REST},
        utc_offset_hours=-3.5,
        growth_percent_per_week=20,
        events=[{"at": "5h10m", "for": "40m", "times": 3}, {"at": "1d", "for": "2d", "times": 0.1}],
    )
    start_s, end_s = -90_000.0, 4 * 86_400.0
    edges = np.concatenate(([start_s], of.changes_s(start_s, end_s), [end_s]))
    assert np.diff(edges).min() > 0.0
    near = np.minimum(1e-3, np.diff(edges) / 4)
    assert of.at(edges[:-1] + near).tolist() == of.at(edges[1:] - near).tolist()
    assert (np.diff(of.at(edges[:-1] + near)) != 0.0).all()  # growth changes every hour
