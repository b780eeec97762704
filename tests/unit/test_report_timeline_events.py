from typing import TYPE_CHECKING

from sim.report.canvas import figure, styled
from sim.report.happenings import Happening
from sim.report.timeline_events import LANES, LONGEST_LABEL, MOST_LABELS, draw_lanes, lanes

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

DAY_S = 86_400.0


def _one(kind: str, at_s: float, before: int = 1, wanted: int = 1, reason: str = "") -> Happening:
    return Happening(kind, at_s, at_s, reason or f"{kind} at {at_s:.0f}", before, wanted, wanted)


def _drawn(found: list[Happening]) -> tuple["Axes", list[Happening]]:
    told: list[Happening] = []

    def draw(drawn: "Figure") -> None:
        drawn.set_layout_engine("none")
        axes = drawn.add_axes((0.1, 0.1, 0.85, 0.8))
        axes.set_xlim(0.0, 24.0)
        told.extend(draw_lanes(axes, found, DAY_S))

    return figure(draw, 8.0, 2.0).axes[0], told


def test_lanes_are_those_that_have_something_in_them() -> None:
    found = [_one("crash", 10.0), _one("ready", 20.0), _one("outage", 30.0)]
    assert [lane.name for lane in lanes(found)] == ["outages", "failures"]
    assert lanes([_one("ready", 1.0)]) == []
    axes, _ = _drawn(found)
    assert [text.get_text() for text in axes.get_yticklabels()] == ["failures", "outages"]


def test_no_kind_is_in_two_lanes() -> None:
    kinds = [kind for lane in LANES for kind in lane.kinds]
    assert len(kinds) == len(set(kinds))


def test_a_dozen_of_many_get_words_and_all_get_marks() -> None:
    steps = [_one("scale", i * DAY_S / 96, 1 + i % 2, 2 - i % 2) for i in range(96)]
    failures = [_one("crash", i * DAY_S / 20) for i in range(20)]
    axes, told = _drawn([*steps, *failures])
    assert 0 < len(told) <= MOST_LABELS
    assert len(axes.texts) == len(told)
    marks = sum(len(line.get_xdata()) for line in axes.lines if line.get_linestyle() == "None")
    assert marks == 96 + 20


def test_words_are_apart_and_inside() -> None:
    found = [
        _one("scale", at, 1, 1 + n) for n, at in enumerate((0.0, 60.0, 3e4, 3.2e4, 86_399.0), 1)
    ]
    found += [_one("outage", at) for at in (0.0, 100.0, 4e4, 86_000.0)]
    axes, told = _drawn(found)
    with styled():
        axes.figure.draw_without_rendering()
        room = axes.get_window_extent()
        boxes = [text.get_window_extent() for text in axes.texts]
    assert len(boxes) == len(told) >= 5
    for i, box in enumerate(boxes):
        assert room.x0 - 0.5 <= box.x0
        assert box.x1 <= room.x1 + 0.5
        assert not any(box.overlaps(other) for other in boxes[:i])


def test_what_matters_most_gets_its_words_first() -> None:
    _, told = _drawn([_one("crash", 3e4), _one("outage", 3e4), _one("crash", 3.01e4)])
    assert [one.kind for one in told] == ["outage", "crash"]


def test_long_reasons_are_cut_and_hostile_ones_cleaned() -> None:
    axes, _ = _drawn([_one("outage", 3e4, reason="\x1b" + "long " * 30)])
    (text,) = (text.get_text() for text in axes.texts)
    assert len(text) <= LONGEST_LABEL
    assert text.endswith("…")
    assert "\x1b" not in text


def test_up_and_down_have_different_marks() -> None:
    axes, _ = _drawn([_one("scale", 1e4, 1, 3), _one("scale", 5e4, 3, 2)])
    markers = {line.get_marker(): len(line.get_xdata()) for line in axes.lines}
    assert (markers["^"], markers["v"]) == (1, 1)


def test_an_outage_is_a_bar_as_long_as_it_lasted() -> None:
    outage = Happening("outage", 3600.0, 10_800.0, "zone a is out", 1, 1, 1)
    axes, _ = _drawn([outage])
    assert [1.0, 3.0] in [list(line.get_xdata()) for line in axes.lines]
