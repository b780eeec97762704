"""Start: where on the calendar time 0 of a workload lies, as far as its file says; no clock."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from sim.traffic.rates import WEEKDAYS

DAY_S = 86_400.0
CALENDAR_S = 1e8
"""Seconds from which a number is a date (1973 on, counted from 1970), not a time of a file."""


@dataclass(frozen=True)
class Start:
    """Weekday (0 is Monday; None if the file does not tell) and second of the day of time 0."""

    second_of_day: float
    weekday: int | None
    clock: str
    """What the hours are: `UTC`, `local`, or `file` (as numbered there, zone unknown)."""

    @property
    def weekday_name(self) -> str:
        """Name of the day of time 0, as a scenario's `starts_on` takes it."""
        return WEEKDAYS[self.weekday or 0]

    def after(self, seconds: float) -> Start:
        """Return the start of what begins *seconds* later."""
        days, second = divmod(self.second_of_day + seconds, DAY_S)
        weekday = None if self.weekday is None else int(self.weekday + days) % 7
        return Start(second, weekday, self.clock)


def start_of(own_s: float) -> Start:
    """Return the start that *own_s*, a file's own seconds at time 0, names.

    >>> start_of(1_700_158_546.0)
    Start(second_of_day=65746.0, weekday=3, clock='UTC')
    >>> start_of(90_000.0).weekday is None
    True
    """
    if own_s < CALENDAR_S:
        return Start(own_s % DAY_S, None, "file")
    return Start(own_s % DAY_S, datetime.fromtimestamp(own_s, UTC).weekday(), "UTC")
