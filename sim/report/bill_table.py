"""Bill table: every line of the bill with its source, on the screen and as CSV; knows no clock."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sim.report.csv_text import records_csv
from sim.report.numerals import dollars, significant
from sim.report.summary import Json, Summary
from sim.report.table import Table, table
from sim.scenario.bill import YOURS

UNITS = {
    "node_hours": "node-hours",
    "gpu_hours": "GPU-hours",
    "replica_hours": "replica-hours",
    "hours": "hours",
    "months": "months",
    "requests": "requests",
    "million_tokens": "M tokens",
    "egress_gb": "GB",
    "cross_zone_gb": "GB",
    "log_gb": "GB",
    "stored_gb_months": "GB-months",
    "bill_usd": "$ of lines",
}
"""Units of a bill line's quantity, by its driver."""


def bill(summary: Summary) -> Table:
    """The bill's lines: quantity x unit price, per month and per 1M useful tokens."""
    total = summary.number("bill.total_usd") or 0.0
    month = summary.number("bill.usd_per_month") or 0.0
    per_month = month / total if total else 0.0
    real = summary.number("cost.usd_per_million_useful_tokens.value")
    each = real / total if real is not None and total else None
    rows = [_line(line, per_month, each) for line in summary.rows("bill.lines")]
    rows.append(("total", "", "", "", dollars(total), dollars(month), dollars(real)))
    heads = ["quantity", "unit price", "$", "$ per\nmonth", "$ per 1M"]
    columns = ["<line", "<kind", *heads]
    return table("Bill", columns, rows, _sources(summary), total=True)


def _line(line: Json, per_month: float, each: float | None) -> tuple[str, ...]:
    usd = float(line["usd"])
    name = f"{line['line']} ({line['pool']})" if line.get("pool") else str(line["line"])
    quantity = f"{significant(float(line['quantity']))} {UNITS.get(line['driver'], '')}"
    money = (dollars(usd), dollars(usd * per_month), dollars(None if each is None else usd * each))
    unit = dollars(float(line["unit_usd"]))
    return name, str(line["kind"]), quantity, unit, *money


def _sources(summary: Summary) -> str:
    """Where the unit prices come from; what is nobody else's is the user's own."""
    lines = summary.rows("bill.lines")
    told = [str(line.get("price_row") or line.get("source") or "") for line in lines]
    others = [source for source in dict.fromkeys(told) if source not in ("", YOURS)]
    if not others:
        return "All prices are yours."
    yours = ", all else yours" if YOURS in told else ""
    return f"Prices: {', '.join(others)}{yours}."


def bill_csv(document: Mapping[str, Any]) -> str:
    """Every line of the bill with quantity, unit, price, source, dollars per month and per 1M."""
    summary = Summary(document)
    total = summary.number("bill.total_usd") or 0.0
    month = summary.number("bill.usd_per_month") or 0.0
    real = summary.number("cost.usd_per_million_useful_tokens.value")
    records = []
    for line in summary.rows("bill.lines"):
        share = float(line["usd"]) / total if total else 0.0
        records.append(
            {
                "line": line["line"],
                "kind": line["kind"],
                "pool": line.get("pool"),
                "driver": line["driver"],
                "quantity": line["quantity"],
                "unit_usd": line["unit_usd"],
                "usd": line["usd"],
                "usd_per_month": share * month,
                "usd_per_million_useful_tokens": None if real is None else share * real,
                "price_row": line.get("price_row"),
                "source": line.get("source"),
            }
        )
    return records_csv(records)
