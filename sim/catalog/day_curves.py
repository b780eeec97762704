"""Day curve: how a service's rate follows the hours of weekdays and weekends; knows no clock."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from functools import cache
from typing import Any, Literal

from sim.catalog.datafiles import read_yaml
from sim.catalog.names import find

HOURS = 24


@dataclass(frozen=True, kw_only=True)
class DayCurve:
    """Hourly multipliers whose mean over five weekdays and two weekend days is 1.

    `clock` says what hour 0 is: midnight in UTC, in the service's local time, or the trace's own
    start of day where that is not known.
    """

    name: str
    weekday: tuple[float, ...]
    weekend: tuple[float, ...]
    clock: Literal["UTC", "local", "trace"]
    source: str
    licence: str
    as_of: date

    @property
    def has_weekend(self) -> bool:
        """Whether weekends differ from weekdays, so that only whole weeks are representative."""
        return self.weekday != self.weekend


def day_curve(name: str) -> DayCurve:
    """Return the day curve called *name*; raises `UnknownName`.

    >>> day_curve("azure-conv-2024").has_weekend
    True
    """
    return find("day curve", name, _by_name())


def day_curves() -> tuple[DayCurve, ...]:
    """Return all day curves, in the order of the data file."""
    return tuple(_by_name().values())


@cache
def _by_name() -> dict[str, DayCurve]:
    document = read_yaml("day_curves.yaml")
    return {row["name"]: _day_curve(row, document["as_of"]) for row in document["day_curves"]}


def _day_curve(row: dict[str, Any], as_of: date) -> DayCurve:
    weekday, weekend = (
        [day["level"] * value for value in day["hourly"]]
        for day in (row["weekday"], row.get("weekend", row["weekday"]))
    )
    # Two-digit multipliers and levels miss a mean of 1 by up to a per cent.
    mean = (5 * sum(weekday) + 2 * sum(weekend)) / (7 * HOURS)
    return DayCurve(
        name=row["name"],
        weekday=tuple(value / mean for value in weekday),
        weekend=tuple(value / mean for value in weekend),
        clock=row["clock"],
        source=row["source"],
        licence=row["licence"],
        as_of=as_of,
    )
