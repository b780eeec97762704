"""Levels of a break-even by hand."""

from __future__ import annotations

from sim.studies.break_even import BreakEven, Level
from sim.studies.intervals import Interval


def level(multiple: float, difference: float, interval: Interval | None = None) -> Level:
    """An API of $100 a month at any level, and a fleet of so many dollars more."""
    return Level(
        multiple=multiple,
        replicas={"main": 1.0},
        self_usd=100.0 + difference,
        self_interval=interval,
        api_usd=100.0,
        difference=difference,
        interval=interval,
    )


def levels(*rows: tuple[float, float, float]) -> list[Level]:
    """(multiple, difference, half its interval) of each."""
    return [level(m, d, Interval(d - half, d + half)) for m, d, half in rows]


def found(verdict: str = "from") -> BreakEven:
    """A crossing at 3 x today's traffic, open from 1 to 4; or always, or never."""
    rows = levels((1.0, 5.0, 1.0), (2.0, 0.5, 1.0), (3.0, -0.5, 1.0), (4.0, -5.0, 1.0))
    rows = {"from": rows, "always": rows[2:], "never": rows[:2]}[verdict]
    return BreakEven(
        levels=tuple(rows),
        verdict=verdict,
        multiple={"from": 3.0, "always": 3.0, "never": None}[verdict],
        bracket=(1.0, 4.0) if verdict == "from" else (None, None),
        requests_per_s=2.0,
        tokens_per_day=95e6,
        today=level(1.0, 30.0),
        notes=("main: no SLO, so it keeps its utilization",),
    )
