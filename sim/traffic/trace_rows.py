"""Rows of a trace: CSV and JSON lines as one kind of tuple, whatever the columns; no clock."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple

from sim.traffic.trace_columns import find_columns, unit_of
from sim.traffic.trace_text import TraceError, lines, shown

FORMATS = ("auto", "azure", "mooncake", "csv", "jsonl")

_FIXED_COLUMNS: Mapping[str, Mapping[str, str]] = {
    "azure": {
        "time": "TIMESTAMP",
        "input_tokens": "ContextTokens",
        "output_tokens": "GeneratedTokens",
    },
    "mooncake": {
        "time": "timestamp",
        "input_tokens": "input_length",
        "output_tokens": "output_length",
    },
}
_HASHES = "hash_ids"


class Row(NamedTuple):
    """One request as the file has it, not yet checked."""

    line: int
    time: object
    input_tokens: object
    output_tokens: object
    hash_ids: object = None


class Rows(NamedTuple):
    """The rows of one file in order, and what its columns say of its times and its names."""

    rows: Iterator[Row]
    time_unit: str
    columns: Mapping[str, str]


def open_rows(path: Path, format_: str, columns: Mapping[str, str]) -> Rows:
    """Open *path* and settle its columns on the header or the first object; rows are streamed.

    *columns* maps roles to names and goes before the known names. A Mooncake file (told by
    `hash_ids` if *format_* is auto) has its times in milliseconds. Raises TraceError.
    """
    if format_ not in FORMATS:
        raise ValueError(f"format {format_!r} is none of {', '.join(FORMATS)}")
    text = lines(path)
    skipped, first = _first_line(path, text)
    kind = _kind(path, format_, first)
    chosen = {**_FIXED_COLUMNS.get(format_, {}), **columns}
    if kind == "csv":
        return _csv_rows(path, skipped, chain([first], text), chosen)
    return _json_rows(path, skipped, chain([first], text), chosen, format_)


def _first_line(path: Path, text: Iterator[str]) -> tuple[int, str]:
    """Return the number of blank lines at the top and the first line that is not."""
    for skipped, line in enumerate(text):
        if line.strip():
            return skipped, line
    raise TraceError(path, None, "is empty; allowed: a header and at least one row")


def _kind(path: Path, format_: str, first: str) -> str:
    looks = "jsonl" if first.lstrip()[0] in "{[" else "csv"
    if format_ == "auto":
        return looks
    kind = "csv" if format_ in ("azure", "csv") else "jsonl"
    if kind != looks:
        names = {"csv": "CSV", "jsonl": "JSON lines"}
        raise TraceError(
            path, 1, f"looks like {names[looks]}, but format {format_} is {names[kind]}"
        )
    return kind


def _csv_rows(path: Path, skipped: int, text: Iterator[str], chosen: Mapping[str, str]) -> Rows:
    first = next(text)
    delimiter = max(",;\t", key=first.count)  # the first of equals
    reader = csv.reader(chain([first], text), delimiter=delimiter, strict=True)
    header = [name.strip() for name in _next_cells(path, reader, skipped) or ()]
    try:
        names = find_columns(header, chosen)
    except ValueError as error:
        raise TraceError(path, reader.line_num + skipped, str(error)) from None
    places = [header.index(name) for name in names.values()]
    rows = _csv_cells(path, skipped, reader, len(header), places)
    return Rows(rows, unit_of(names["time"]), names)


def _csv_cells(
    path: Path, skipped: int, reader: Any, width: int, places: Sequence[int]
) -> Iterator[Row]:
    time, tokens_in, tokens_out = places
    while (cells := _next_cells(path, reader, skipped)) is not None:
        if not cells:
            continue  # a blank line
        line = reader.line_num + skipped
        if len(cells) != width:
            raise TraceError(path, line, f"has {len(cells)} cells, the header has {width}")
        yield Row(line, cells[time], cells[tokens_in], cells[tokens_out])


def _next_cells(path: Path, reader: Any, skipped: int) -> list[str] | None:
    try:
        cells: list[str] | None = next(reader, None)
    except csv.Error as error:
        raise TraceError(path, reader.line_num + skipped, f"is not CSV ({error})") from None
    return cells


def _json_rows(
    path: Path, skipped: int, text: Iterator[str], chosen: Mapping[str, str], format_: str
) -> Rows:
    first = _json_object(path, skipped + 1, next(text))
    try:
        names = find_columns(list(_flat_names(first)), chosen)
    except ValueError as error:
        raise TraceError(path, skipped + 1, str(error)) from None
    mooncake = format_ == "mooncake" or (format_ == "auto" and _HASHES in first)
    unit = "ms" if mooncake else unit_of(names["time"])
    objects = _json_objects(path, skipped, first, text)
    fields = [_path_of(name, first) for name in names.values()]
    return Rows(_json_cells(path, objects, fields, mooncake), unit, names)


def _json_objects(
    path: Path, skipped: int, first: dict[str, Any], text: Iterator[str]
) -> Iterator[tuple[int, dict[str, Any]]]:
    yield skipped + 1, first
    for line, raw in enumerate(text, start=skipped + 2):
        if not raw.isspace():
            yield line, _json_object(path, line, raw)


def _json_cells(
    path: Path,
    objects: Iterator[tuple[int, dict[str, Any]]],
    fields: Sequence[tuple[str, ...]],
    mooncake: bool,
) -> Iterator[Row]:
    time, tokens_in, tokens_out = fields
    for line, found in objects:
        try:
            row = Row(line, _at(found, time), _at(found, tokens_in), _at(found, tokens_out))
        except KeyError as error:
            raise TraceError(
                path, line, f"has no {error.args[0]!r}; every row needs what the first row has"
            ) from None
        yield row._replace(hash_ids=found.get(_HASHES)) if mooncake else row


def _json_object(path: Path, line: int, raw: str) -> dict[str, Any]:
    try:
        found = json.loads(raw)
    except (ValueError, RecursionError) as error:
        reason = getattr(error, "msg", "nested too deeply or a number too long")
        raise TraceError(
            path, line, f"is not JSON ({reason}); allowed: one object a line"
        ) from None
    if not isinstance(found, dict):
        raise TraceError(path, line, f"is {shown(found)}; allowed: one JSON object a line")
    return found


def _flat_names(found: Mapping[str, Any], before: str = "", depth: int = 4) -> Iterator[str]:
    """Yield the names of all values, those of nested objects joined by dots."""
    for key, value in found.items():
        name = f"{before}{key}"
        if isinstance(value, dict) and depth:
            yield from _flat_names(value, f"{name}.", depth - 1)
        else:
            yield name


def _path_of(name: str, found: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the keys that lead to the value with the dotted *name*; keys may have dots too."""
    if name in found:
        return (name,)
    for key, value in found.items():
        if isinstance(value, dict) and name.startswith(f"{key}."):
            rest = name[len(key) + 1 :]
            if rest in _flat_names(value):
                return (key, *_path_of(rest, value))
    raise KeyError(name)


def _at(found: Any, keys: tuple[str, ...]) -> object:
    for key in keys:
        if not isinstance(found, dict) or key not in found:
            raise KeyError(".".join(keys))
        found = found[key]
    return found
