import numpy as np

from sim.report.canvas import figure
from sim.report.timeline_parts import flow, held, line, with_neighbours
from sim.report.timeseries import Samples


def _samples(**columns: list[float | None]) -> Samples:
    n = len(next(iter(columns.values())))
    return Samples(
        "p", tuple({"t_s": 60.0 * i, **{k: v[i] for k, v in columns.items()}} for i in range(n))
    )


def test_levels_are_held_until_one_of_them_changes_and_to_the_window_s_end() -> None:
    samples = _samples(a=[4.0, 4.0, 4.0, 8.0, 8.0], b=[1.0, 1.0, 2.0, 2.0, 2.0])
    hours, a, b = held(samples, 1.0, "a", "b")
    assert hours.tolist() == [0.0, 2 / 60, 3 / 60, 1.0]
    assert a.tolist() == [4.0, 4.0, 8.0, 8.0]
    assert b.tolist() == [1.0, 2.0, 2.0, 2.0]


def test_a_level_that_is_not_known_is_none() -> None:
    hours, a = held(_samples(a=[None]), 1.0, "a")
    assert (hours.tolist(), a.tolist()) == ([0.0, 1.0], [0.0, 0.0])


def test_flows_stand_between_the_samples_that_they_are_of() -> None:
    hours, values = flow(_samples(a=[9.0, 3.0, 4.0]), "a")
    assert hours.tolist() == [0.5 / 60, 1.5 / 60]
    assert values.tolist() == [3.0, 4.0]


def test_areas_have_a_point_more_at_each_end() -> None:
    mask = np.array([False, False, True, False, False, False, True])
    assert with_neighbours(mask).tolist() == [False, True, True, True, False, True, True]


def test_a_value_between_two_gaps_is_a_dot() -> None:
    values = np.array([np.nan, 0.5, np.nan, 0.6, 0.6])
    drawn = figure(lambda f: line(f.add_subplot(), np.arange(5.0), values, color="k"))
    dots = [one for one in drawn.axes[0].lines if one.get_marker() == "."]
    assert [np.asarray(dot.get_ydata()).tolist() for dot in dots] == [[0.5]]
