"""Bill price: a row of the catalog as the price of a line of the bill; knows no clock."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BeforeValidator

from sim.catalog.bill_prices import BillPrice, bill_price
from sim.catalog.names import UnknownName
from sim.scenario.hint import listed
from sim.scenario.spec import Fault
from sim.units import shown


def _check(value: Any) -> Any:
    if value is None:
        return None
    if not isinstance(value, str):
        raise Fault(f"must be the name of a bill price, such as aws/egress (got {shown(value)})")
    try:
        bill_price(value)
    except UnknownName as unknown:
        meant = f"; did you mean {unknown.suggestion!r}?" if unknown.suggestion else ";"
        rows = listed(unknown.choices, len(unknown.choices))
        raise Fault(f"no bill price {shown(value)}{meant} rows: {rows}") from None
    return value


RowName = Annotated[str, BeforeValidator(_check)]
"""The key of a row of `tokenfleet catalog bill`."""


def row_or_none(value: Any) -> BillPrice | None:
    """Return the row that *value* names, None if it is no name or none that is known."""
    try:
        return bill_price(value) if isinstance(value, str) else None
    except UnknownName:
        return None
