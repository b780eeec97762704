from xml.etree import ElementTree

from sim.report.capacity_tables import STATES
from sim.report.hours_figure import COLOURS, hours_figure
from sim.report.summary import Summary
from tests.unit.summary_fixture import summary


def _texts(svg: bytes | None) -> list[str]:
    assert svg is not None
    return [
        "".join(e.itertext()) for e in ElementTree.fromstring(svg).iter() if e.tag.endswith("}text")
    ]


def test_every_state_with_time_is_in_the_legend_with_its_hours() -> None:
    texts = " | ".join(_texts(hours_figure(Summary(summary()))))
    for label in ("useful work", "wasted work", "slack", "idle", "starting", "failed"):
        assert label in texts
    assert "draining" not in texts
    assert "588 h" in texts
    assert "GPU-hours" in texts


def test_a_bar_per_pool() -> None:
    document = summary()
    document["pools"]["vision"] = document["pools"]["main"]
    texts = _texts(hours_figure(Summary(document)))
    assert "main" in texts
    assert "vision" in texts


def test_slack_below_zero_has_no_length() -> None:
    document = summary()
    for hours in (document["gpu_hours"], document["pools"]["main"]["gpu_hours"]):
        hours["slack"] = -2.0
    assert "slack" not in " ".join(_texts(hours_figure(Summary(document))))


def test_nothing_paid_nothing_drawn() -> None:
    document = summary()
    document["gpu_hours"]["paid"] = 0.0
    assert hours_figure(Summary(document)) is None


def test_every_state_has_a_colour_of_its_own() -> None:
    assert set(COLOURS) == set(STATES)
    assert len({fill for fill, _ in COLOURS.values()}) == len(STATES)
