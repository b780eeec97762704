"""Clock: when something happened, as people say it: time of day, weekday, or minutes from start.

Knows no simulated clock; it only writes instants down.
"""

from __future__ import annotations

from dataclasses import dataclass

from sim.scenario.scaling_plan import WEEKDAYS, Weekday

HOUR_S, DAY_S = 3_600.0, 86_400.0

CLOCK_FROM_S = 6 * HOUR_S
"""Windows that are shorter than this are told in minutes since their start."""

WEEKDAYS_TO_S = 14 * DAY_S
"""Windows that are longer than this are told in numbered days."""


@dataclass(frozen=True)
class Clock:
    """A window of `window_s` seconds that begins at midnight of the day `starts_on`."""

    window_s: float
    starts_on: Weekday = "monday"

    def text(self, at_s: float) -> str:
        """Return the instant *at_s* from the window's start, to the minute.

        >>> Clock(86_400.0).text(50_850.0), Clock(7 * 86_400.0, "friday").text(100_000.0)
        ('14:07', 'Sat 03:46')
        >>> Clock(3_600.0).text(750.0), Clock(30 * 86_400.0).text(86_400.0)
        ('12.5 min', 'day 2 00:00')
        """
        if self.window_s < CLOCK_FROM_S:
            return f"{at_s / 60.0:.1f} min"
        hour, minute = divmod(int(at_s % DAY_S // 60.0), 60)
        of_day = f"{hour:02d}:{minute:02d}"
        if self.window_s <= DAY_S:
            return of_day
        if self.window_s <= WEEKDAYS_TO_S:
            return f"{self.weekday(at_s)} {of_day}"
        return f"day {int(at_s // DAY_S) + 1} {of_day}"

    def weekday(self, at_s: float) -> str:
        """Return the first three letters of the day that *at_s* is in.

        >>> Clock(86_400.0, "sunday").weekday(86_400.0)
        'Mon'
        """
        day = WEEKDAYS.index(self.starts_on) + int(at_s // DAY_S)
        return WEEKDAYS[day % 7][:3].capitalize()
