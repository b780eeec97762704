"""Node: three ways to say a price, one at a time, never none by silence."""

import math

import pytest
from pydantic import ValidationError

from sim.catalog.prices import price
from sim.scenario.node import Node
from sim.scenario.node_price import price_rows

ROW = "lambda/h100-sxm/on-demand"


def message(**node: object) -> str:
    with pytest.raises(ValidationError) as caught:
        Node.model_validate(node)
    return str(caught.value.errors()[0].get("ctx", {}).get("error", ""))


def test_the_three_ways() -> None:
    row = price(ROW).usd_per_gpu_hour
    assert Node(gpus=8, price=ROW).usd_per_node_hour == pytest.approx(8 * row)
    assert Node(gpus=8, price=4.0).usd_per_node_hour == 4.0
    assert Node(gpus=8, usd_per_hour=4.0).usd_per_node_hour == 4.0
    assert Node(gpus=8, usd_per_gpu_hour=4.0).usd_per_node_hour == 32.0
    assert Node(price=ROW).price_row == price(ROW)
    assert Node(price=4.0).price_row is None


def test_without_a_price_nothing_is_assumed() -> None:
    assert not Node().has_price
    with pytest.raises(ValueError, match="no price"):
        _ = Node().usd_per_node_hour


def test_only_one_price() -> None:
    assert message(price=4, usd_per_hour=4) == "give only one of price, usd_per_hour"


@pytest.mark.parametrize("value", [0, -1, math.nan, math.inf, 1e7, 10**400])
def test_prices_out_of_range(value: float) -> None:
    assert message(price=value).startswith("must be more than 0 and at most 1e6 USD per node-hour")


def test_a_price_is_a_row_or_a_number() -> None:
    assert message(price=True) == (
        "must be the name of a price row, or a number: USD per node-hour (got true)"
    )


def test_unknown_rows_name_the_near_ones() -> None:
    text = message(price="runpod/h100-sxm/on-demand")
    assert text.startswith("no price row 'runpod/h100-sxm/on-demand'; did you mean '")
    assert "runpod/h100-sxm/secure" in text


def test_rows_by_gpu() -> None:
    assert ROW in price_rows("h100-sxm")
    assert ROW not in price_rows("h100-nvl")
    assert set(price_rows("h100-nvl")) < set(price_rows(None))
    assert price_rows("abacus") == []
