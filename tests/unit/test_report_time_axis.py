from typing import TYPE_CHECKING

import pytest

from sim.report.canvas import figure, styled
from sim.report.clock import Clock
from sim.report.time_axis import clock_axis, time_axis

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

DAY_S = 86_400.0


def _clock_axes(clock: Clock) -> "Axes":
    def draw(drawn: "Figure") -> None:
        clock_axis(drawn.add_subplot(), clock)

    drawn = figure(draw)
    with styled():
        drawn.draw_without_rendering()
    return drawn.axes[0]


def _labels(axes: "Axes", *, minor: bool = False) -> list[str]:
    low, high = axes.get_xlim()
    return [
        text.get_text()
        for text in axes.get_xticklabels(minor=minor)
        if low <= text.get_position()[0] <= high
    ]


@pytest.mark.parametrize(
    ("last_h", "told"),
    [(24.0 * 7, "days"), (30.0, "hours"), (1.0, "minutes"), (1 / 60, "seconds"), (0.0, "seconds")],
)
def test_windows_are_in_the_unit_that_reads_best(last_h: float, told: str) -> None:
    def draw(drawn: "Figure") -> None:
        axes = drawn.add_subplot()
        axes.set_xlim(0.0, max(last_h, 1e-3))
        time_axis(axes, last_h)

    assert figure(draw).axes[0].get_xlabel() == f"{told} since the start"


def test_a_day_has_times_of_day_with_the_weekdays_at_midnight() -> None:
    axes = _clock_axes(Clock(DAY_S, "sunday"))
    labels = _labels(axes)
    assert labels[:3] == ["00:00\nSun", "03:00", "06:00"]
    assert labels[-1] == "00:00\nMon"
    assert axes.get_xlim() == (0.0, 24.0)


def test_ten_minutes_and_five_hours_are_in_minutes() -> None:
    assert _labels(_clock_axes(Clock(600.0)))[-1] == "10"
    axes = _clock_axes(Clock(5 * 3600.0))
    assert (axes.get_xlabel(), _labels(axes)[1]) == ("minutes since the start", "30")


def test_thirty_seconds_are_in_seconds() -> None:
    assert _clock_axes(Clock(30.0)).get_xlabel() == "seconds since the start"


def test_a_week_has_the_days_names_between_midnights() -> None:
    axes = _clock_axes(Clock(7 * DAY_S, "thursday"))
    assert _labels(axes, minor=True) == ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"]
    assert set(_labels(axes)) == {""}


def test_the_name_of_a_day_that_is_cut_off_stays_inside() -> None:
    axes = _clock_axes(Clock(6.25 * DAY_S))
    assert _labels(axes, minor=True)[-1] == "Sun"


def test_a_month_is_in_days() -> None:
    assert _clock_axes(Clock(30 * DAY_S)).get_xlabel() == "days since the start"
