"""Rows of a trace: every format as one kind of tuple, whatever the columns; knows no clock."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import chain
from pathlib import Path

from sim.traffic.trace_bench import bench_rows
from sim.traffic.trace_csv import csv_rows
from sim.traffic.trace_formats import (
    CSV,
    FORMATS,
    JSON_LINES,
    NAMES,
    looks_like_bench,
    looks_like_spend_logs,
)
from sim.traffic.trace_json import array_rows, line_rows
from sim.traffic.trace_row import Rows
from sim.traffic.trace_text import TraceError, head, lines


def open_rows(path: Path, format_: str, columns: Mapping[str, str]) -> Rows:
    """Open *path* and settle its columns on the header or the first object.

    *columns* maps roles to names and goes before the known names. Rows are streamed, but for
    benchmark results and arrays of spend logs, whose text is held. Raises TraceError.
    """
    if format_ not in NAMES:
        raise ValueError(f"format {format_!r} is none of {', '.join(NAMES)}")
    opening = head(path)
    if format_ == "vllm-bench" or (format_ == "auto" and looks_like_bench(opening)):
        _refuse_other(path, "vllm-bench", opening)
        return bench_rows(path)
    if format_ in ("auto", "litellm") and looks_like_spend_logs(opening):
        return array_rows(path, "litellm", columns)
    text = lines(path)
    skipped, first = _first_line(path, text)
    written_in = _refuse_other(path, format_, first)
    read = csv_rows if written_in == CSV else line_rows
    return read(path, skipped, chain([first], text), format_, columns)


def _first_line(path: Path, text: Iterator[str]) -> tuple[int, str]:
    """Return the number of blank lines at the top and the first line that is not."""
    for skipped, line in enumerate(text):
        if line.strip():
            return skipped, line
    raise TraceError(path, None, "is empty; allowed: a header and at least one row")


def _refuse_other(path: Path, format_: str, opening: str) -> str:
    """Return what a file that begins with *opening* is written in, if *format_* may be that."""
    if not opening.strip():
        raise TraceError(path, None, "is empty; allowed: a header and at least one row")
    looks = JSON_LINES if opening.lstrip()[0] in "{[" else CSV
    allowed = (CSV, JSON_LINES) if format_ == "auto" else FORMATS[format_].written_in
    if looks not in allowed:
        raise TraceError(
            path, 1, f"looks like {looks}, but format {format_} is {' or '.join(allowed)}"
        )
    return looks
