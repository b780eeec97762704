"""Reserved and owned nodes: what an hour of one comes to, worked by hand."""

import math
from typing import Any

import pytest
from pydantic import ValidationError

from sim.catalog.prices import price
from sim.scenario.node import Node
from sim.scenario.owned import Owned, annuity_usd_per_year
from sim.scenario.reserved import Reserved

ROW = "lambda/h100-sxm/on-demand"


def owned(**changes: Any) -> Owned:
    base = {"nodes": 10, "purchase_usd": 300_000, "years": 4}
    return Owned.model_validate(base | changes)


def test_the_ways_to_price_a_reserved_node() -> None:
    def usd(**reserved: Any) -> float:
        node = Node(gpus=8, usd_per_hour=30.0, reserved=Reserved(nodes=2, **reserved))
        return node.usd_per_reserved_node_hour

    assert usd(discount="40%") == pytest.approx(18.0)
    assert usd(usd_per_hour=17.0) == 17.0
    assert usd(usd_per_gpu_hour=2.0) == 16.0
    assert usd(price=ROW) == pytest.approx(8 * price(ROW).usd_per_gpu_hour)
    # $87,600 over a year of 8,760 hours is $10 an hour, alone or beside a price.
    assert usd(upfront_usd=87_600, term="365d") == pytest.approx(10.0)
    assert usd(usd_per_hour=5.0, upfront_usd=87_600, term="365d") == pytest.approx(15.0)


def test_an_annuity_by_hand() -> None:
    """$100,000 at 10 % for 3 years: payments of x are worth x (1/1.1 + 1/1.21 + 1/1.331)."""
    factor = 1 / 1.1 + 1 / 1.21 + 1 / 1.331
    assert annuity_usd_per_year(100_000, 0, 3, 0.1) == pytest.approx(100_000 / factor)
    present = 100_000 - 13_310 / 1.331  # what it brings is worth $10,000 today
    assert annuity_usd_per_year(100_000, 13_310, 3, 0.1) == pytest.approx(present / factor)


@pytest.mark.parametrize("rate", [0.0, 1e-9, 0.03, 0.25])
@pytest.mark.parametrize("years", [1, 4, 7])
def test_payments_and_salvage_are_worth_the_price(rate: float, years: int) -> None:
    yearly = annuity_usd_per_year(50_000, 5_000, years, rate)
    worth = [yearly / (1 + rate) ** n for n in range(1, years + 1)]
    assert math.fsum(worth) + 5_000 / (1 + rate) ** years == pytest.approx(50_000)


def test_parts_of_an_owned_node() -> None:
    parts = owned(
        salvage_share="10%", kw=10.2, pue=1.25, usd_per_kwh=0.10, space_usd_per_month=1460, spares=1
    ).parts_usd_per_hour()
    capital = (300_000 - 30_000) / 4 / 8760
    assert parts == pytest.approx(
        {"capital": capital, "power": 1.275, "space": 2.0, "spares": capital / 10}
    )
    assert owned().parts_usd_per_hour() == {"capital": pytest.approx(300_000 / 4 / 8760)}


def test_an_unused_node_may_be_switched_off() -> None:
    plugged = {"kw": 10, "usd_per_kwh": 0.10}
    assert owned(**plugged).power_usd_per_hour(used=False) == pytest.approx(1.0)
    assert owned(**plugged, unused_kw=0).power_usd_per_hour(used=False) == 0.0
    off = owned(**plugged, unused_kw=0)
    assert off.usd_per_node_hour() - off.usd_per_node_hour(used=False) == pytest.approx(1.0)


def test_without_a_price_the_list_price_is_the_full_cost() -> None:
    node = Node(owned=owned())
    assert node.is_priced
    assert not node.has_price
    assert node.usd_per_node_hour == pytest.approx(300_000 / 4 / 8760)
    assert Node(usd_per_hour=4.0, owned=owned()).usd_per_node_hour == 4.0
    assert Node(usd_per_hour=4.0, owned=owned()).committed_nodes == 10
    both = Node(usd_per_hour=4.0, owned=owned(), reserved=Reserved(nodes=3, discount=0.2))
    assert both.committed_nodes == 13


@pytest.mark.parametrize(
    "node",
    [
        {"reserved": {"nodes": 1}},
        {"reserved": {"nodes": 0, "discount": 0.4}},
        {"reserved": {"nodes": 1, "discount": 1.0}},
        {"reserved": {"nodes": 1, "discount": 0.4, "usd_per_hour": 2}},
        {"reserved": {"nodes": 1, "upfront_usd": 100}},
        {"owned": {"nodes": 1, "purchase_usd": 100, "years": 0}},
        {"owned": {"nodes": 1, "purchase_usd": 100, "years": 4, "salvage_usd": 101}},
        {"owned": {"nodes": 1, "purchase_usd": 100, "years": 4, "kw": 1}},
        {"owned": {"nodes": 1, "purchase_usd": 100, "years": 4, "pue": 0.9}},
        {"owned": {"nodes": 1, "purchase_usd": 100, "years": 4, "cost_of_capital": 8}},
    ],
)
def test_what_is_refused(node: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Node.model_validate({"usd_per_hour": 4, **node})


def test_a_node_without_commitments_has_no_reserved_price() -> None:
    with pytest.raises(ValueError, match="no reserved nodes"):
        _ = Node(usd_per_hour=4).usd_per_reserved_node_hour
