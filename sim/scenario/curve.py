"""Day curve: how a rate follows the hours of weekdays and weekends; knows no clock."""

from __future__ import annotations

import math
from typing import Annotated, Any, TypeAlias

from pydantic import AfterValidator, BeforeValidator, Discriminator, Field, Strict, Tag

from sim.catalog.workloads import day_curve
from sim.scenario.kind import TAG_MARK, tag
from sim.scenario.scalar import Number
from sim.scenario.spec import Fault, Spec
from sim.units import shown

Hours: TypeAlias = tuple[float, ...]
"""24 numbers, one for each hour of a day from 00:00."""


def _check_day(values: Hours) -> Hours:
    if len(values) != 24:
        raise Fault(f"needs 24 numbers, one for each hour (got {len(values)})")
    if not any(values):
        raise Fault("needs an hour above 0")
    return values


_Day = Annotated[
    tuple[Annotated[Number, Field(ge=0, le=1e6)], ...], Strict(False), AfterValidator(_check_day)
]


class WeekCurve(Spec):
    """Relative rates by hour of the day, apart for weekdays and weekends."""

    weekday: _Day = Field(description="24 relative rates from 00:00, Monday to Friday.")
    weekend: _Day = Field(description="24 relative rates from 00:00, Saturday and Sunday.")


def _curve_tag(value: Any) -> str:
    if isinstance(value, str):
        return TAG_MARK + "name"
    return TAG_MARK + "day" if isinstance(value, list | tuple) else tag(WeekCurve)


def _check_curve(value: Any) -> Any:
    if isinstance(value, str | list | tuple | dict | WeekCurve):
        return value
    rule = "must be the name of a day curve, 24 numbers or {weekday: [...], weekend: [...]}"
    raise Fault(f"{rule} (got {shown(value)})")


def _check_curve_name(name: str) -> str:
    day_curve(name)
    return name


Curve = Annotated[
    Annotated[str, AfterValidator(_check_curve_name), Tag(TAG_MARK + "name")]
    | Annotated[_Day, Tag(TAG_MARK + "day")]
    | Annotated[WeekCurve, Tag(tag(WeekCurve))],
    Discriminator(_curve_tag),
    BeforeValidator(_check_curve),
]
"""A day curve: the name of one in the catalog, 24 numbers, or 24 each for weekday and weekend."""


def week_weights(curve: str | Hours | WeekCurve | None) -> tuple[Hours, Hours]:
    """Return 24 weekday and 24 weekend factors of *curve*; their mean over a week is 1.

    >>> week_weights(None)[0][:3]
    (1.0, 1.0, 1.0)
    """
    if isinstance(curve, str):
        named = day_curve(curve)
        weekday, weekend = tuple(named.weekday), tuple(named.weekend)
    elif isinstance(curve, WeekCurve):
        weekday, weekend = curve.weekday, curve.weekend
    else:
        weekday = weekend = curve or (1.0,) * 24
    mean = (5 * math.fsum(weekday) + 2 * math.fsum(weekend)) / 168
    return tuple(w / mean for w in weekday), tuple(w / mean for w in weekend)
