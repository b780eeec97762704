"""Day curves: names, 24 numbers or two days, and factors whose week averages one."""

import math
from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from sim.catalog.workloads import day_curves
from sim.scenario.curve import Curve, WeekCurve, week_weights

CURVE: TypeAdapter[Any] = TypeAdapter(Curve)


def test_the_kind_of_value_chooses() -> None:
    assert CURVE.validate_python("burstgpt-1") == "burstgpt-1"
    assert CURVE.validate_python([2] * 24) == (2.0,) * 24
    days = {"weekday": [1] * 24, "weekend": [0.5] * 24}
    assert CURVE.validate_python(days) == WeekCurve(**days)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ([1] * 23, "needs 24 numbers, one for each hour (got 23)"),
        ([0] * 24, "needs an hour above 0"),
        ({"weekday": [1] * 24, "weekend": [1]}, "needs 24 numbers, one for each hour (got 1)"),
        (True, "must be the name of a day curve, 24 numbers or {weekday: [...], weekend: [...]}"),
        ("burstgpt", "unknown day curve 'burstgpt'; did you mean 'burstgpt-1'?"),
    ],
)
def test_what_is_none(value: object, message: str) -> None:
    with pytest.raises(ValidationError) as caught:
        CURVE.validate_python(value)
    assert len(caught.value.errors()) == 1
    assert message in str(caught.value)


@pytest.mark.parametrize("name", [curve.name for curve in day_curves()])
def test_a_week_averages_one(name: str) -> None:
    weekday, weekend = week_weights(name)
    assert (5 * math.fsum(weekday) + 2 * math.fsum(weekend)) / 168 == pytest.approx(1.0, abs=1e-12)


def test_own_numbers_are_relative() -> None:
    assert week_weights((0.0,) * 12 + (3.0,) * 12) == ((0.0,) * 12 + (2.0,) * 12,) * 2
    assert week_weights(None) == ((1.0,) * 24,) * 2
    weekday, weekend = week_weights(WeekCurve(weekday=(2.0,) * 24, weekend=(1.0,) * 24))
    assert weekday[0] == pytest.approx(2 * weekend[0]) == pytest.approx(14 / 12)
