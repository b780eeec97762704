from datetime import date
from typing import get_args

import pytest

from sim.catalog.bill_prices import BillPrice, age_days, bill_price, bill_prices
from sim.catalog.datafiles import read_yaml
from sim.catalog.names import UnknownName
from sim.scenario.bill import Driver


def test_rows_as_read() -> None:
    assert bill_price("aws/egress").usd == 0.09
    assert bill_price("aws/cross-zone").usd == pytest.approx(2 * 0.01)
    assert bill_price("datadog/hosts").usd * 730 == pytest.approx(18.0)
    assert bill_price("gcp/gke").provider == "gcp"


def test_keys_are_unique_in_the_file() -> None:
    keys = [row["key"] for row in read_yaml("bill_prices.yaml")["prices"]]
    assert len(keys) == len(set(keys)) == len(bill_prices())


@pytest.mark.parametrize("row", bill_prices(), ids=lambda row: row.key)
def test_each_row_is_dated_sourced_and_of_a_driver(row: BillPrice) -> None:
    assert row.driver in get_args(Driver)
    assert 0 < row.usd < 10
    assert date(2020, 1, 1) <= row.as_of <= date(2026, 11, 24)
    assert row.source
    assert row.via
    assert age_days(row, row.as_of) == 0


def test_unknown_price() -> None:
    with pytest.raises(UnknownName, match="did you mean 'aws/egress'"):
        bill_price("aws/egres")
