"""Time axis: an axis of hours since the window's start, labelled as people read it; no clock."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sim.report.clock import CLOCK_FROM_S, WEEKDAYS_TO_S, Clock

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_DAYS = ("days", 24.0, (1, 2, 5, 10, 20, 50))
_HOURS = ("hours", 1.0, (1, 2, 3, 6))
_MINUTES = ("minutes", 1 / 60, (1, 2, 5, 10, 20, 30, 60))
_SECONDS = ("seconds", 1 / 3600, (1, 2, 5, 10, 20))
_UNITS = (_DAYS, _HOURS, _MINUTES, _SECONDS)
"""Units of the time axis, their hours, and the steps between two ticks (some ten of them)."""

_Unit = tuple[str, float, tuple[int, ...]]

HOURS_OF_DAY_TO_H = 96.0
"""Up to four days have the time of day under their ticks, longer windows the weekday."""

_CLOCK_STEPS_H = (1, 2, 3, 6, 12)
_MOST_CLOCK_TICKS = 9


def time_axis(axes: Axes, last_h: float) -> None:
    """Label an axis of hours, which ends at *last_h*, in the unit that reads best."""
    _since_start(axes, last_h, next((u for u in _UNITS if last_h >= 2.0 * u[1]), _SECONDS))


def clock_axis(axes: Axes, clock: Clock) -> None:
    """Label an axis of hours that is *clock*'s window: by the clock, the weekday, or in minutes.

    Windows below six hours are too short for a time of day to mean something.
    """
    last_h = clock.window_s / 3600.0
    axes.set_xlim(0.0, last_h)
    if clock.window_s < CLOCK_FROM_S:
        _since_start(axes, last_h, _MINUTES if last_h >= 2.0 / 60.0 else _SECONDS)
    elif last_h <= HOURS_OF_DAY_TO_H:
        _hours_of_day(axes, clock, last_h)
    elif clock.window_s <= WEEKDAYS_TO_S:
        _weekdays(axes, clock, last_h)
    else:
        _since_start(axes, last_h, _DAYS)


def _since_start(axes: Axes, last_h: float, unit: _Unit) -> None:
    from matplotlib.ticker import FuncFormatter, MultipleLocator

    name, unit_h, steps = unit
    step = next((s for s in steps if last_h / unit_h <= 10 * s), steps[-1])
    axes.xaxis.set_major_locator(MultipleLocator(step * unit_h))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda h, _: f"{h / unit_h:g}"))
    axes.set_xlabel(f"{name} since the start")


def _hours_of_day(axes: Axes, clock: Clock, last_h: float) -> None:
    """Times of day, with the weekday below each midnight."""
    steps = _CLOCK_STEPS_H
    step = next((s for s in steps if last_h / s < _MOST_CLOCK_TICKS), steps[-1])
    ticks = range(0, int(last_h) + 1, step)
    labels = [
        f"{h % 24:02d}:00" + ("" if h % 24 else f"\n{clock.weekday(h * 3600.0)}") for h in ticks
    ]
    axes.set_xticks(list(ticks), labels)
    axes.set_xlabel("time of day")


def _weekdays(axes: Axes, clock: Clock, last_h: float) -> None:
    """A line at each midnight, and between two of them the day's name."""
    days = range(-(-int(last_h) // 24))
    axes.set_xticks([24 * day for day in days], [""] * len(days))
    noons = [min(24 * day + 12.0, (24 * day + last_h) / 2) for day in days]
    axes.set_xticks(noons, [clock.weekday(24 * day * 3600.0) for day in days], minor=True)
    axes.set_xlabel("day")
