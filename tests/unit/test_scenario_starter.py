"""Starter: it loads as it is, and what it warns of is known."""

from sim.catalog.prices import price
from sim.scenario.load import loads
from sim.scenario.notices import warnings_of
from sim.scenario.starter import starter_text


def test_it_loads() -> None:
    scenario = loads(starter_text(), "starter.yaml")
    assert scenario.name == "my-fleet"
    row = price("lambda/h100-sxm/on-demand")
    codes = {notice.code for notice in warnings_of(scenario, row.as_of)}
    assert codes == {"partial-week", "guessed-compute-factor"}


def test_it_points_editors_at_the_schema() -> None:
    first = starter_text().splitlines()[0]
    assert first == "# yaml-language-server: $schema=./scenario.schema.json"
