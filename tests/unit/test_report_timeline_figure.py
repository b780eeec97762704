from collections.abc import Iterator
from itertools import pairwise
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree

import pytest

from sim.ledger.events import FleetEvent
from sim.report.canvas import render, styled
from sim.report.clock import Clock
from sim.report.summary import Summary
from sim.report.timeline_figure import timeline_figure, timelines
from tests.unit import timeline_fixture
from tests.unit.timeline_fixture import Fleet

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.text import Text

SLOS = [
    {"metric": "ttft", "route": "chat", "quantile": 0.95, "target_s": 1.0},
    {"metric": "tpot", "route": "chat", "quantile": 0.95, "target_s": 0.04},
    {"metric": "tpot", "route": "chat", "quantile": 0.5, "target_s": 0.01},
    {"metric": "ttft", "route": "other", "quantile": 0.95, "target_s": 9.0},
]
DOCUMENT = {
    "slo": SLOS,
    "routes": {"chat": {"pool": "main"}, "other": {"pool": "small"}},
    "replications": 5,
}
DAYS = ("launch_day", "retry_storm", "rolling_deploy", "quiet_week", "plain_minutes")


def _figure(fleet: Fleet, pool: str = "main") -> "Figure":
    found = timelines(fleet.rows, fleet.events, Summary(DOCUMENT), fleet.clock)
    return timeline_figure(found[pool])


def _texts(figure: "Figure") -> list[str]:
    svg = ElementTree.fromstring(render(figure))
    return ["".join(e.itertext()) for e in svg.iter() if e.tag.endswith("}text")]


def _ticks(axes: "Axes") -> Iterator["Text"]:
    """Labels of ticks that are within the view."""
    for axis, sides in ((axes.xaxis, axes.get_xlim()), (axes.yaxis, axes.get_ylim())):
        for tick in (*axis.get_major_ticks(), *axis.get_minor_ticks()):
            if sides[0] <= tick.get_loc() <= sides[1] and tick.label1.get_visible():
                yield tick.label1


@pytest.mark.parametrize("day", DAYS)
def test_words_are_apart_and_on_the_paper(day: str) -> None:
    figure = _figure(getattr(timeline_fixture, day)())
    with styled():
        figure.draw_without_rendering()
        words: list[Any] = list(figure.texts)
        for axes in figure.axes:
            legend = axes.get_legend()
            words += [*axes.texts, *_ticks(axes), axes.xaxis.label, *([legend] if legend else [])]
        boxes = [(word, word.get_window_extent()) for word in words if word.get_visible()]
    boxes = [(word, box) for word, box in boxes if box.width > 0.0]
    assert len(boxes) > 20
    for i, (word, box) in enumerate(boxes):
        told = getattr(word, "get_text", lambda: "legend")()
        assert figure.bbox.x0 <= box.x0 <= box.x1 <= figure.bbox.x1, told
        assert figure.bbox.y0 <= box.y0 <= box.y1 <= figure.bbox.y1, told
        across = [str(other) for other, place in boxes[:i] if box.overlaps(place)]
        assert not across, told


def test_the_same_day_gives_the_same_bytes() -> None:
    fleet = timeline_fixture.retry_storm()
    assert render(_figure(fleet)) == render(_figure(fleet))


def test_a_launch_day_says_what_happened_and_in_which_units() -> None:
    texts = _texts(_figure(timeline_fixture.launch_day()))
    assert {
        "Pool main over time",
        "1 day, the first of 5 replications",
        "zone a is out",
        "replica 7 crashed",
        "attempts per second",
        "95th percentile, ms",
        "$ per hour",
        "SLO 1 s",
        "SLO 40 ms",
        "time of day",
        "12:00",
    } <= set(texts)


def test_a_plain_fleet_is_told_in_words_what_never_changes() -> None:
    texts = _texts(_figure(timeline_fixture.plain_minutes()))
    assert (
        "10 minutes, the first of 5 replications, 3 ready all the time, $12.60 an hour all the time"
        in texts
    )
    assert not {"Events", "Replicas", "$ per hour"} & set(texts)


def test_a_retry_storm_shows_that_nothing_was_answered() -> None:
    texts = _texts(_figure(timeline_fixture.retry_storm()))
    assert {"nothing was answered", "4 of 5 nodes are cut off", "minutes since the start"} <= set(
        texts
    )


def test_a_week_has_weekdays() -> None:
    assert {"Mon", "Sun", "0 → 1"} <= set(_texts(_figure(timeline_fixture.quiet_week())))


def test_targets_are_those_of_the_pool_s_routes_at_the_95th_percentile() -> None:
    fleet = timeline_fixture.plain_minutes()
    rows = [*fleet.rows, *({**row, "pool": "small"} for row in fleet.rows)]
    found = timelines(rows, [], Summary(DOCUMENT), fleet.clock)
    assert [(t.metric, t.target_s) for t in found["main"].targets] == [
        ("ttft", 1.0),
        ("tpot", 0.04),
    ]
    assert [t.target_s for t in found["small"].targets] == [9.0]


def test_events_are_the_pool_s_own() -> None:
    fleet = timeline_fixture.plain_minutes()
    rows = [*fleet.rows, *({**row, "pool": "small"} for row in fleet.rows)]
    events = [FleetEvent(60.0, "small", "crash", "replica 3 crashed", 3, 2)]
    found = timelines(rows, events, Summary({}), fleet.clock)
    assert [len(timeline.found) for timeline in found.values()] == [0, 1]


def test_panels_share_their_time_axis_and_their_sides() -> None:
    axes = _figure(timeline_fixture.launch_day()).axes
    assert len(axes) == 7
    for above, below in pairwise(axes):
        assert above.get_xlim() == below.get_xlim() == (0.0, 24.0)
        assert above.get_position().x0 == below.get_position().x0
        assert above.get_position().y0 > below.get_position().y1


@pytest.mark.parametrize(
    "row",
    [
        {"t_s": 0.0, "pool": "p", "vllm:num_requests_running": 0.0},
        {"t_s": 0.0, "pool": "p", "ttft_p95_s": None, "offered_rps": 0.0, "replicas_wanted": 0.0},
    ],
)
def test_one_sample_of_little_is_drawn(row: dict[str, Any]) -> None:
    (timeline,) = timelines([row], [], Summary({}), Clock(60.0)).values()
    assert render(timeline_figure(timeline)).startswith(b"<?xml")


def test_nothing_sampled_is_no_picture() -> None:
    assert timelines([], [], Summary({}), Clock(60.0)) == {}
