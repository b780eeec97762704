"""CSV text: rows that no spreadsheet takes for a formula; knows no clock."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")


def safe_cell(value: Any) -> Any:
    """*value* for a cell: text that a spreadsheet would run gets a quote in front, None is empty.

    Numbers stay numbers, negative ones too.

    >>> safe_cell("=1+1"), safe_cell(-1.5), safe_cell(None), safe_cell("chat")
    ("'=1+1", -1.5, '', 'chat')
    """
    if value is None:
        return ""
    if isinstance(value, str) and value.startswith(_FORMULA):
        return f"'{value}"
    return value


def csv_text(head: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """CSV with a header row and `\\n` line ends."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow([safe_cell(cell) for cell in head])
    writer.writerows([safe_cell(cell) for cell in row] for row in rows)
    return out.getvalue()


def records_csv(records: Sequence[Mapping[str, Any]]) -> str:
    """CSV of records; columns in order of their first appearance, absent cells empty.

    >>> records_csv([{"a": 1}, {"a": 2, "b": "x"}])
    'a,b\\n1,\\n2,x\\n'
    """
    head = list(dict.fromkeys(key for record in records for key in record))
    return csv_text(head, ([record.get(key) for key in head] for record in records))


def summary_csv(document: Mapping[str, Any]) -> str:
    """A run's summary as one row per figure: dotted path, value, and its 95 % interval if any.

    Entries of lists are counted from 0 (`slo.0.met`). Warnings, versions and single replications
    are in the JSON alone.
    """
    intervals = document.get("intervals") or {}
    left_out = ("intervals", "per_replication", "warnings", "versions")
    kept = {key: value for key, value in document.items() if key not in left_out}
    rows = []
    for path, value in _leaves(kept):
        low, high = intervals.get(path) or (None, None)
        rows.append((path, value, low, high))
    return csv_text(("path", "value", "ci95_low", "ci95_high"), rows)


def _leaves(value: Any, path: str = "") -> Iterable[tuple[str, Any]]:
    if isinstance(value, Mapping):
        items: Iterable[tuple[Any, Any]] = value.items()
    elif isinstance(value, list | tuple):
        items = enumerate(value)
    else:
        yield path, value
        return
    for key, below in items:
        if key != "ci95":
            yield from _leaves(below, f"{path}.{key}" if path else str(key))
