"""CSV traces: rows with any usual delimiter under a header; knows no clock."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from itertools import chain
from pathlib import Path
from typing import Any

from sim.traffic.trace_columns import unit_of
from sim.traffic.trace_formats import CSV, settle
from sim.traffic.trace_row import Row, Rows
from sim.traffic.trace_text import MAX_LINE_BYTES, TraceError

CACHED = "cached answers of the gateway"
"""Why a row of spend logs is no request to an engine."""


def csv_rows(
    path: Path,
    skipped: int,
    text: Iterator[str],
    format_: str,
    columns: Mapping[str, str],
) -> Rows:
    """Settle *format_* and columns on the header (see `settle`) and stream the rows.

    *skipped* lines came before *text*. Raises TraceError.
    """
    first = next(text)
    delimiter = max(",;\t", key=first.count)  # the first of equals
    csv.field_size_limit(MAX_LINE_BYTES)  # spend logs may hold whole prompts
    reader = csv.reader(chain([first], text), delimiter=delimiter, strict=True)
    header = [name.strip() for name in _next_cells(path, reader, skipped) or ()]
    try:
        known, names = settle(CSV, format_, header, columns)
    except ValueError as error:
        raise TraceError(path, reader.line_num + skipped, str(error)) from None
    cache_hit = header.index(known.cache_hit) if known.cache_hit in header else None
    places = [header.index(name) for name in names.values()]
    rows = _rows(path, skipped, reader, len(header), (places[0], places[1], places[2]), cache_hit)
    return Rows(rows, known.time_unit or unit_of(names["time"]), names, known.any_order)


def _rows(
    path: Path,
    skipped: int,
    reader: Any,
    width: int,
    places: tuple[int, int, int],
    cache_hit: int | None,
) -> Iterator[Row]:
    time, tokens_in, tokens_out = places
    while (cells := _next_cells(path, reader, skipped)) is not None:
        if not cells:
            continue  # a blank line
        line = reader.line_num + skipped
        if len(cells) != width:
            raise TraceError(path, line, f"has {len(cells)} cells, the header has {width}")
        row = Row(line, cells[time], cells[tokens_in], cells[tokens_out])
        yield row if cache_hit is None else left_out_if(row, cells[cache_hit])


def left_out_if(row: Row, cache_hit: object) -> Row:
    """Return *row*, left out if *cache_hit* is true as LiteLLM writes it ("True", or as JSON)."""
    return row._replace(left_out=CACHED) if str(cache_hit).strip().lower() == "true" else row


def _next_cells(path: Path, reader: Any, skipped: int) -> list[str] | None:
    try:
        cells: list[str] | None = next(reader, None)
    except csv.Error as error:
        raise TraceError(path, reader.line_num + skipped, f"is not CSV ({error})") from None
    return cells
