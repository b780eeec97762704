import pytest

from sim.report.clock import Clock

DAY_S = 86_400.0


@pytest.mark.parametrize(
    ("window_s", "at_s", "text"),
    [
        (600.0, 90.0, "1.5 min"),
        (6 * 3600.0 - 1, 5400.0, "90.0 min"),
        (6 * 3600.0, 5400.0, "01:30"),
        (DAY_S, DAY_S - 1.0, "23:59"),
        (2 * DAY_S, DAY_S + 60.0, "Sat 00:01"),
        (14 * DAY_S, 10 * DAY_S, "Mon 00:00"),
        (15 * DAY_S, 10 * DAY_S, "day 11 00:00"),
    ],
)
def test_instants_are_told_as_the_window_asks_for(window_s: float, at_s: float, text: str) -> None:
    assert Clock(window_s, "friday").text(at_s) == text


def test_weekdays_go_round() -> None:
    clock = Clock(9 * DAY_S, "sunday")
    names = [clock.weekday(day * DAY_S) for day in range(9)]
    assert names == ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun", "Mon"]
