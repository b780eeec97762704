import pytest

from sim.report.routes_figure import parts, routes_figure
from sim.report.summary import Summary
from tests.unit.summary_fixture import summary


def test_the_parts_of_a_bar_are_what_the_route_pays() -> None:
    whole = Summary(summary())
    for name in whole.names("routes"):
        route = whole.part("routes", name)
        found = parts(route)
        assert sum(found.values()) == pytest.approx(route.number("usd.by_use"))
        assert found["output"] > 0


def test_every_route_has_a_bar() -> None:
    drawn = routes_figure(Summary(summary()))
    assert drawn is not None
    for told in ("chat", "summaries", "by peak", "input, not cached"):
        assert told in drawn.decode()


def test_where_nothing_was_paid_there_is_no_picture() -> None:
    document = summary()
    for route in document["routes"].values():
        route["usd"] = {"by_use": 0.0, "by_peak": 0.0, "hosted": 0.0}
    assert routes_figure(Summary(document)) is None
