"""Spot, billing and zones: what a node is besides its GPUs and its price."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from sim.catalog.prices import price
from sim.scenario.billing import Billing
from sim.scenario.node import MOST_ZONES, Node
from sim.scenario.node_price import PRICE_KEYS, NodePrice
from sim.scenario.spot import Spot

ROW = "coreweave/h100-sxm/spot"


def node(**given: Any) -> Node:
    return Node.model_validate({"gpus": 8, "usd_per_hour": 20} | given)


def test_a_plain_node_stands_in_one_zone_without_spot() -> None:
    assert (node().zones, node().spot) == (("a",), None)
    with pytest.raises(ValueError, match="no spot nodes"):
        _ = node().usd_per_spot_node_hour


@pytest.mark.parametrize(
    ("priced", "usd"),
    [
        ({"usd_per_hour": 9}, 9.0),
        ({"usd_per_gpu_hour": 1.5}, 12.0),
        ({"price": 7}, 7.0),
        ({"price": ROW}, 8 * price(ROW).usd_per_gpu_hour),
    ],
)
def test_prices_of_spot_nodes(priced: dict[str, Any], usd: float) -> None:
    mixed = node(spot={"share": "50%", "mean_life": "12h"} | priced)
    assert mixed.usd_per_spot_node_hour == pytest.approx(usd)
    assert mixed.usd_per_node_hour == 20.0
    assert mixed.spot == Spot.model_validate({"share": 0.5, "mean_life": 43_200} | priced)
    assert mixed.spot is not None
    assert mixed.spot.notice == 120.0


@pytest.mark.parametrize(
    ("spot", "message"),
    [
        ({"mean_life": "12h"}, "has no price"),
        ({"usd_per_hour": 9}, "mean_life"),
        ({"usd_per_hour": 9, "mean_life": 0}, "greater than 0"),
        ({"usd_per_hour": 9, "mean_life": "1h", "share": 0}, "greater than 0"),
        ({"usd_per_hour": 9, "price": 8, "mean_life": "1h"}, "give only one of"),
    ],
)
def test_spot_nodes_that_are_none(spot: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        node(spot=spot)


def test_a_price_of_any_size_of_node() -> None:
    assert NodePrice(usd_per_gpu_hour=2.0).usd_per_hour_of(4) == 8.0
    assert not NodePrice().has_price
    assert set(PRICE_KEYS) == set(NodePrice.model_fields)


def test_zones_are_distinct() -> None:
    assert node(zones=["east", "west"]).zones == ("east", "west")
    many = [f"z{number}" for number in range(MOST_ZONES + 1)]
    for wrong in ([], ["a", "a"], "a", ["a b"], many):
        with pytest.raises(ValidationError):
            node(zones=wrong)


@pytest.mark.parametrize(
    ("billing", "lease_s", "billed_s"),
    [
        ({}, 0.0, 60.0),
        ({}, 60.0, 60.0),
        ({}, 60.2, 61.0),
        ({}, 3600.0 + 1e-9, 3600.0),  # an error of floating point is no second
        ({"granularity": "1h", "minimum": 0}, 3601.0, 7200.0),
        ({"granularity": "1h", "minimum": 0}, 0.0, 0.0),
        ({"granularity": "10m", "minimum": "15m"}, 1.0, 1200.0),
    ],
)
def test_leases_are_rounded_up(billing: dict[str, Any], lease_s: float, billed_s: float) -> None:
    assert Billing.model_validate(billing).billed_s(lease_s) == billed_s


@given(st.floats(0.0, 1e7), st.floats(0.1, 1e4), st.floats(0.0, 1e4))
def test_nothing_is_billed_too_little_or_a_unit_too_much(
    lease_s: float, granularity_s: float, minimum_s: float
) -> None:
    billed_s = Billing(granularity=granularity_s, minimum=minimum_s).billed_s(lease_s)
    least_s = max(lease_s, minimum_s)
    assert least_s - 1e-5 * granularity_s <= billed_s < least_s + granularity_s * (1 + 1e-9) + 1e-6
