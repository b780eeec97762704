"""JSON traces: one object a line, or all of them in one array; knows no clock."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from sim.traffic.trace_columns import unit_of
from sim.traffic.trace_csv import left_out_if
from sim.traffic.trace_documents import elements
from sim.traffic.trace_formats import JSON_LINES, Format, settle
from sim.traffic.trace_row import Row, Rows
from sim.traffic.trace_text import TraceError, shown

_Objects = Iterator[tuple[int, dict[str, Any]]]


def line_rows(
    path: Path, skipped: int, text: Iterator[str], format_: str, columns: Mapping[str, str]
) -> Rows:
    """Settle *format_* and columns on the first line's object (see `settle`); stream the rows.

    *skipped* lines came before *text*. Raises TraceError.
    """
    return _rows(path, _line_objects(path, skipped, text), format_, columns)


def array_rows(path: Path, format_: str, columns: Mapping[str, str]) -> Rows:
    """Rows of a file that is one JSON array; its text is held as a whole, its objects are not."""
    return _rows(path, _array_objects(path), format_, columns)


def _rows(path: Path, objects: _Objects, format_: str, columns: Mapping[str, str]) -> Rows:
    if (opening := next(objects, None)) is None:
        raise TraceError(path, None, "holds no rows; allowed: one row or more")
    line, first = opening
    try:
        known, names = settle(JSON_LINES, format_, list(_flat_names(first)), columns)
    except ValueError as error:
        raise TraceError(path, line, str(error)) from None
    fields = [_path_of(name, first) for name in names.values()]
    rows = _cells(path, _again(opening, objects), fields, known)
    return Rows(rows, known.time_unit or unit_of(names["time"]), names, known.any_order)


def _again(opening: tuple[int, dict[str, Any]], objects: _Objects) -> _Objects:
    yield opening
    yield from objects


def _line_objects(path: Path, skipped: int, text: Iterator[str]) -> _Objects:
    for line, raw in enumerate(text, start=skipped + 1):
        if not raw.isspace():
            yield line, _object(path, line, raw)


def _array_objects(path: Path) -> _Objects:
    for line, value in elements(path):
        if not isinstance(value, dict):
            raise TraceError(path, line, f"has {shown(value)} in its array; allowed: JSON objects")
        yield line, value


def _cells(
    path: Path, objects: _Objects, fields: Sequence[tuple[str, ...]], known: Format
) -> Iterator[Row]:
    time, tokens_in, tokens_out = fields
    for line, found in objects:
        try:
            row = Row(line, _at(found, time), _at(found, tokens_in), _at(found, tokens_out))
        except KeyError as error:
            raise TraceError(
                path, line, f"has no {error.args[0]!r}; every row needs what the first row has"
            ) from None
        if known.hash_ids is not None:
            row = row._replace(hash_ids=found.get(known.hash_ids))
        yield row if known.cache_hit is None else left_out_if(row, found.get(known.cache_hit))


def _object(path: Path, line: int, raw: str) -> dict[str, Any]:
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
