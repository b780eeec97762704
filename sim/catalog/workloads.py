"""Workloads: token lengths and day curves of public traces, as tables; knows no clock."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from functools import cache
from typing import Any, Literal

from sim.catalog.datafiles import read_yaml
from sim.catalog.names import UnknownName, find

HOURS = 24


@dataclass(frozen=True, kw_only=True)
class LengthTable:
    """Tokens at quantile `levels` from 0 to 1; between two levels ln(tokens) is linear.

    `lacks` says what the source could not show (empty: the table is of a whole trace), and
    `trace_mean_tokens` is that trace's own mean, None where only a plot is public.
    """

    name: str
    field: Literal["input", "output"]
    levels: tuple[float, ...]
    tokens: tuple[float, ...]
    trace_mean_tokens: float | None
    source: str
    licence: str
    lacks: str
    as_of: date


@dataclass(frozen=True, kw_only=True)
class Workload:
    """Input and output lengths of one public trace; they say nothing of how the two go together."""

    name: str
    input: LengthTable
    output: LengthTable


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


def length_table(workload: str, field: Literal["input", "output"]) -> LengthTable:
    """Return the lengths of one side of *workload*; raises `UnknownName`.

    >>> length_table("azure-conv-2023", "output").tokens[-1]
    1000
    """
    entry = find("workload", workload, _workloads())
    if field not in ("input", "output"):
        raise UnknownName("field of a workload", field, ("input", "output"))
    return entry.input if field == "input" else entry.output


def workloads() -> tuple[Workload, ...]:
    """Return all workloads, in the order of the data file."""
    return tuple(_workloads().values())


def day_curve(name: str) -> DayCurve:
    """Return the day curve called *name*; raises `UnknownName`.

    >>> day_curve("azure-conv-2024").has_weekend
    True
    """
    return find("day curve", name, _day_curves())


def day_curves() -> tuple[DayCurve, ...]:
    """Return all day curves, in the order of the data file."""
    return tuple(_day_curves().values())


@cache
def _document() -> dict[str, Any]:
    return read_yaml("workloads.yaml")


@cache
def _workloads() -> dict[str, Workload]:
    document = _document()
    sides: dict[str, dict[str, LengthTable]] = {}
    for row in document["length_tables"]:
        table = _length_table(row, document)
        sides.setdefault(table.name, {})[table.field] = table
    return {name: Workload(name=name, **pair) for name, pair in sides.items()}


def _length_table(row: dict[str, Any], document: dict[str, Any]) -> LengthTable:
    return LengthTable(
        name=row["workload"],
        field=row["field"],
        levels=tuple(row.get("levels", document["levels"])),
        tokens=tuple(row["tokens"]),
        trace_mean_tokens=row["trace_mean_tokens"],
        source=row["source"],
        licence=row["licence"],
        lacks=row.get("lacks", ""),
        as_of=document["as_of"],
    )


@cache
def _day_curves() -> dict[str, DayCurve]:
    document = _document()
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
