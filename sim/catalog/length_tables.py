"""Length table: tokens of one side of a workload at quantile levels; knows no clock."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from functools import cache
from typing import Any, Literal

from sim.catalog.datafiles import read_yaml

Side = Literal["input", "output"]


@dataclass(frozen=True, kw_only=True)
class LengthTable:
    """Tokens at quantile `levels` from 0 to 1; between two levels ln(tokens) is linear.

    `lacks` says what the source could not show (empty: the table is of a whole trace), and
    `trace_mean_tokens` is that trace's own mean, None where only a plot is public.
    """

    name: str
    field: Side
    levels: tuple[float, ...]
    tokens: tuple[float, ...]
    trace_mean_tokens: float | None
    source: str
    licence: str
    lacks: str
    as_of: date


@cache
def length_tables() -> dict[tuple[str, Side], LengthTable]:
    """Return every table of `data/length_tables.yaml` by (workload, side)."""
    document = read_yaml("length_tables.yaml")
    tables = (_length_table(row, document) for row in document["length_tables"])
    return {(table.name, table.field): table for table in tables}


def _length_table(row: dict[str, Any], document: dict[str, Any]) -> LengthTable:
    return LengthTable(
        name=row["workload"],
        field=row["field"],
        levels=tuple(row.get("levels", document["levels"])),
        tokens=tuple(row["tokens"]),
        trace_mean_tokens=row["trace_mean_tokens"],
        source=row["source"],
        licence=row["licence"],
        lacks=row.get("lacks", ""),
        as_of=document["as_of"],
    )
