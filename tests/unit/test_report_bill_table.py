import csv
import io
from typing import Any, get_args

import pytest

from sim.report.bill_table import UNITS, bill, bill_csv
from sim.report.summary import Summary
from sim.scenario.bill import Driver

LINES = [
    {"line": "nodes", "kind": "node", "pool": "main", "driver": "node_hours", "quantity": 24.0,
     "unit_usd": 4.0, "usd": 96.0, "source": "a page, 2026-09-20", "price_row": "lambda/x"},
    {"line": "egress", "kind": "infra", "pool": None, "driver": "egress_gb", "quantity": 20.0,
     "unit_usd": 0.2, "usd": 4.0, "source": "yours", "price_row": None},
]  # fmt: skip


def document(lines: list[dict[str, Any]] = LINES) -> dict[str, Any]:
    total = sum(line["usd"] for line in lines)
    return {
        "bill": {"total_usd": total, "usd_per_month": total * 30, "lines": lines},
        "cost": {"usd_per_million_useful_tokens": {"value": 0.5, "ci95": None}},
    }


def test_every_driver_has_a_unit() -> None:
    assert set(UNITS) == set(get_args(Driver))


def test_lines_sum_and_say_where_prices_come_from() -> None:
    made = bill(Summary(document()))
    assert made.rows[0][:5] == ("nodes (main)", "node", "24.0 node-hours", "$4.00", "$96.00")
    assert made.rows[-1] == ("total", "", "", "", "$100.00", "$3,000", "$0.500")
    assert made.note == "Prices: lambda/x, all else yours."
    assert bill(Summary(document(LINES[1:]))).note == "All prices are yours."


def test_csv_sums_to_the_bill_with_its_sources() -> None:
    rows = list(csv.DictReader(io.StringIO(bill_csv(document()))))
    assert [row["line"] for row in rows] == ["nodes", "egress"]
    assert sum(float(row["usd"]) for row in rows) == pytest.approx(100.0)
    assert sum(float(row["usd_per_month"]) for row in rows) == pytest.approx(3000.0)
    assert sum(float(row["usd_per_million_useful_tokens"]) for row in rows) == pytest.approx(0.5)
    assert (rows[0]["source"], rows[0]["price_row"]) == ("a page, 2026-09-20", "lambda/x")
    for row in rows:
        assert float(row["quantity"]) * float(row["unit_usd"]) == pytest.approx(float(row["usd"]))


def test_a_bill_of_nothing() -> None:
    assert bill(Summary({})).rows == (("total", "", "", "", "$0", "$0", "n/a"),)
    assert bill_csv({}) == "\n"
