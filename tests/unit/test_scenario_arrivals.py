"""Arrivals: the four kinds, day curves whose week averages one, and what is refused."""

import math
from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from sim.catalog.workloads import day_curve, day_curves
from sim.scenario.arrivals import (
    Arrivals,
    ClosedArrivals,
    PoissonArrivals,
    TraceArrivals,
    VaryingArrivals,
    WeekCurve,
)

ARRIVALS: TypeAdapter[Any] = TypeAdapter(Arrivals)


def read(value: object) -> Any:
    return ARRIVALS.validate_python(value)


def messages(value: object) -> list[str]:
    with pytest.raises(ValidationError) as caught:
        read(value)
    return [str(e.get("ctx", {}).get("error", e["msg"])) for e in caught.value.errors()]


def test_each_key_chooses_its_kind() -> None:
    assert read({"rps": 4}) == PoissonArrivals(rps=4.0)
    assert read({"rps": 4, "count": 5e2}).count == 500
    assert read({"mean_rps": 4}) == VaryingArrivals(mean_rps=4.0)
    assert read({"concurrency": 64, "think_time": "10s"}) == ClosedArrivals(
        concurrency=64, think_time=10.0
    )
    assert read({"trace": "a.csv", "speedup": 2}) == TraceArrivals(trace="a.csv", speedup=2.0)


def week_mean(arrivals: VaryingArrivals) -> float:
    weekday, weekend = arrivals.weights()
    assert len(weekday) == len(weekend) == 24
    return (5 * math.fsum(weekday) + 2 * math.fsum(weekend)) / 168


@pytest.mark.parametrize("name", [curve.name for curve in day_curves()])
def test_named_curves_average_one_over_a_week(name: str) -> None:
    arrivals = read({"mean_rps": 1, "day_curve": name})
    assert week_mean(arrivals) == pytest.approx(1.0, abs=1e-12)
    assert arrivals.has_weekends == day_curve(name).has_weekend


def test_own_curves_average_one_over_a_week() -> None:
    one_day = read({"mean_rps": 1, "day_curve": [0] * 12 + [3] * 12})
    assert one_day.weights() == ((0.0,) * 12 + (2.0,) * 12,) * 2
    assert not one_day.has_weekends
    days = {"weekday": [2] * 24, "weekend": [1] * 24}
    week = read({"mean_rps": 1, "day_curve": days})
    assert week.day_curve == WeekCurve(**days)
    assert week_mean(week) == pytest.approx(1.0, abs=1e-12)
    assert week.weights()[0][0] == pytest.approx(2 * week.weights()[1][0])
    assert week.has_weekends


def test_without_a_curve_the_rate_is_constant() -> None:
    assert read({"mean_rps": 1}).weights() == ((1.0,) * 24,) * 2


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({"mean_rps": 1, "day_curve": [1, 2]}, "needs 24 numbers, one for each hour (got 2)"),
        ({"mean_rps": 1, "day_curve": [0] * 24}, "needs an hour above 0"),
        (
            {"mean_rps": 1, "day_curve": 3},
            "must be the name of a day curve, 24 numbers or "
            "{weekday: [...], weekend: [...]} (got 3)",
        ),
        ({"trace": ""}, "must be the path of a file (got '')"),
        ({"trace": "a\0b"}, "must be the path of a file (got 'a\\x00b')"),
        (
            {"trace": "a", "format": "azure", "columns": {"time": "t"}},
            "is for format csv or jsonl; the columns of azure are known",
        ),
    ],
)
def test_arrivals_that_are_none(value: object, message: str) -> None:
    assert messages(value) == [message]


@pytest.mark.parametrize(
    "value",
    [
        {"rps": 0},
        {"rps": -1},
        {"rps": 1e7},
        {"rps": True},
        {"rps": 1, "count": 0},
        {"mean_rps": 1, "gap_shape": 0},
        {"mean_rps": 1, "day_curve": [-1] * 24},
        {"concurrency": 0},
        {"concurrency": 1.5},
        {"trace": "a", "speedup": 0},
        {"trace": "a", "repeat": 1},
        {"trace": "a", "format": "xml"},
    ],
)
def test_numbers_out_of_range_are_refused_once(value: object) -> None:
    assert len(messages(value)) == 1 or value == {"mean_rps": 1, "day_curve": [-1] * 24}
