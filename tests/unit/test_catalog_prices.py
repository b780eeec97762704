from datetime import date

import pytest

from sim.catalog.datafiles import read_yaml
from sim.catalog.gpus import gpus
from sim.catalog.names import UnknownName
from sim.catalog.prices import STALE_AFTER_DAYS, GpuPrice, age_days, price, prices


@pytest.mark.parametrize(
    ("key", "usd", "as_of"),
    [
        ("lambda/h100-sxm/on-demand", 3.99, date(2026, 9, 20)),
        ("azure/nc40ads-h100-v5/h100-nvl/on-demand", 6.98, date(2026, 11, 9)),
        ("aws/p5.48xlarge/h100-sxm/on-demand", 55.04 / 8, date(2026, 11, 9)),
        ("coreweave/h100-sxm/spot", 19.71 / 8, date(2026, 9, 20)),
        ("aws/p4de.24xlarge/a100-sxm/on-demand", 27.447 / 8, date(2026, 11, 9)),
        ("aws/g6e.xlarge/l40s/on-demand", 1.861, date(2025, 11, 30)),
    ],
)
def test_rows_as_read(key: str, usd: float, as_of: date) -> None:
    row = price(key)
    assert row.usd_per_gpu_hour == pytest.approx(usd, rel=1e-12)
    assert row.as_of == as_of


def test_keys_are_unique_in_the_file_and_name_a_card() -> None:
    keys = [row["key"] for row in read_yaml("prices.yaml")["prices"]]
    assert len(keys) == len(set(keys)) == len(prices()) == 31
    assert {row.gpu for row in prices()} == {card.name for card in gpus()}


@pytest.mark.parametrize("row", prices(), ids=lambda row: row.key)
def test_each_row_is_dated_sourced_and_plausible(row: GpuPrice) -> None:
    assert row.key.split("/")[0] == row.provider
    assert row.key.split("/")[-2:] == [row.gpu, row.term]
    assert 0.5 < row.usd_per_gpu_hour < 20
    assert date(2025, 8, 1) <= row.as_of <= date(2026, 11, 24)
    assert row.source
    assert row.via


def test_age_and_staleness() -> None:
    row = price("lambda/h100-sxm/on-demand")
    assert age_days(row, date(2026, 9, 20)) == 0
    assert age_days(row, date(2026, 9, 19)) == -1
    assert age_days(row, date(2026, 12, 20)) == 91 > STALE_AFTER_DAYS


def test_unknown_price() -> None:
    with pytest.raises(UnknownName, match="did you mean 'lambda/h100-sxm/on-demand'"):
        price("lambda/h100/on-demand")
