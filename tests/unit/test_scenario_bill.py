"""Bill line: what a line is priced by, what it counts, and what of it makes no sense."""

from datetime import date
from typing import Any

import pytest
from pydantic import ValidationError
from usages import pool, route, scenario

from sim.catalog.bill_prices import bill_price
from sim.scenario.bill import BillLine
from sim.scenario.bill_notices import bill_notices
from sim.scenario.bill_price import row_or_none
from sim.scenario.one_time import OneTime
from sim.scenario.split import WAYS


def line(**changes: Any) -> BillLine:
    return BillLine.model_validate({"line": "x", "driver": "hours", "usd": 1} | changes)


def bare(**changes: Any) -> BillLine:
    return BillLine.model_validate({"line": "x"} | changes)


def test_kind_follows_the_driver_unless_given() -> None:
    assert line().kind == "infra"
    assert line(driver="months").kind == "people"
    assert line(driver="months", kind="infra").kind == "infra"
    assert line(kind="people").kind == "people"


def test_a_row_of_the_catalog_brings_price_driver_and_source() -> None:
    egress, row = bare(price="aws/egress"), bill_price("aws/egress")
    assert (egress.driver, egress.unit_usd, egress.kind) == ("egress_gb", row.usd, "infra")
    assert egress.told_source.endswith(row.as_of.isoformat())
    assert bare(price="aws/egress", source="our contract").told_source == "our contract"
    assert row_or_none("aws/egres") is None


def test_work_that_is_paid_once_is_spread() -> None:
    work = bare(one_time={"usd": 120_000, "months": 24})
    assert (work.driver, work.unit_usd, work.kind) == ("months", 5000.0, "people")
    assert OneTime(usd=10, months=4).usd_per_month == 2.5


def test_a_percentage_is_of_dollars() -> None:
    support = bare(percent="10%")
    assert (support.driver, support.unit_usd, support.kind) == ("bill_usd", 0.1, "infra")


def test_bytes_hang_on_the_driver() -> None:
    assert (line(driver="egress_gb").token_bytes, line(driver="egress_gb").request_bytes) == (4, 0)
    assert (line(driver="log_gb").token_bytes, line(driver="log_gb").request_bytes) == (0, 1000)
    assert line(driver="log_gb", bytes_per_request=5, bytes_per_token=6).token_bytes == 6


@pytest.mark.parametrize(
    "given",
    [
        {"driver": "hours", "usd": 1},
        {"price": "aws/egress"},
        {"price": "aws/logs-stored", "retention": "30d", "bytes_per_request": 500},
        {"one_time": {"usd": 5, "months": 2}, "split": "evenly"},
        {"percent": "10%", "of": ["node"]},
        {"driver": "months", "usd": 2, "count": 1.5, "split": {"a": 0.25, "b": "75%"}},
    ],
)
def test_what_is_dumped_is_read_again(given: dict[str, Any]) -> None:
    first = bare(**given)
    assert BillLine.model_validate(first.model_dump()) == first
    assert BillLine.model_validate(first.model_dump(mode="json", exclude_none=True)) == first


@pytest.mark.parametrize("way", WAYS)
def test_ways_to_split(way: str) -> None:
    assert line(split=way).split == way


@pytest.mark.parametrize(
    "change",
    [
        {"pool": "a", "route": "b"},
        {"usd": -1},
        {"usd": float("nan")},
        {"usd": None},
        {"driver": "tokens"},
        {"driver": None},
        {"line": ""},
        {"line": "a\nb"},
        {"driver": "egress_gb", "bytes_per_token": -1},
        {"bytes_per_token": 4},
        {"price": "aws/egress"},
        {"usd": None, "price": "aws/egress"},
        {"one_time": {"usd": 1, "months": 1}},
        {"driver": "requests", "count": 2},
        {"driver": "stored_gb_months"},
        {"split": "thirds"},
        {"split": {"a": 0.5}},
        {"split": "evenly", "route": "a"},
        {"driver": "bill_usd", "usd": 0.1, "route": "a"},
        {"driver": "bill_usd", "usd": 0.1, "of": []},
    ],
)
def test_what_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        line(**change)


def test_old_prices_and_commitments_that_can_not_be_used_are_warned_about() -> None:
    node = {"usd_per_hour": 2.0, "reserved": {"nodes": 3, "discount": 0.3}}
    of = scenario(
        pools={"main": {**pool(), "node": node, "replicas": 2}},
        bill=[
            {"line": "egress", "price": "aws/egress"},
            {"line": "x", "driver": "hours", "usd": 1},
        ],
    )
    as_of = bill_price("aws/egress").as_of
    fresh = list(bill_notices(of, as_of))
    assert [(n.code, n.path) for n in fresh] == [("commitment-beyond-fleet", "pools.main.node")]
    later = list(bill_notices(of, date(as_of.year + 2, 1, 1)))
    assert [n.code for n in later] == ["stale-price", "commitment-beyond-fleet"]
    two = scenario(pools={"main": {**pool(), "node": node, "replicas": 3}})
    assert not list(bill_notices(two, as_of))


def test_a_route_may_have_a_team() -> None:
    of = scenario(routes={"chat": route(team="search")})
    assert of.routes["chat"].team == "search"
