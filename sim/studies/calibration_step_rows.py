"""Calibration step rows: a table of step times as rows; knows no clock."""

from __future__ import annotations

import csv
import math
from collections.abc import Mapping
from pathlib import Path

from sim.studies.calibration_steps import StepRow
from sim.traffic.trace_text import TraceError, lines, shown

COUNTS = (
    "prefill_seqs",
    "prefill_new_tokens",
    "prefill_context_tokens",
    "decode_seqs",
    "decode_context_tokens",
)
"""Columns that a table must have beside latency_s or latency_ms; all others only choose rows."""

LATENCIES = {"latency_s": 1.0, "latency_ms": 1e-3}


def read_steps(path: Path, where: Mapping[str, str]) -> list[StepRow]:
    """The rows of the CSV *path*, plain or gzipped, whose columns have the values of *where*.

    Raises TraceError for columns that are missing, cells that are no counts, or no row at all;
    also if text columns (model, gpu, precision ...) differ between rows, which a single table
    cannot describe.
    """
    rows = csv.DictReader(lines(path))
    fields = list(rows.fieldnames or ())
    latency = next((name for name in LATENCIES if name in fields), None)
    missing = [name for name in (*COUNTS, *where) if name not in fields]
    if latency is None:
        missing.insert(0, "latency_s")
    if missing or latency is None:
        raise TraceError(path, 1, f"has no column {missing[0]}; there is {', '.join(fields)}")
    about = [
        name for name in ("model", "gpu", "tp", "tensor_parallel", "precision") if name in fields
    ]
    found: list[StepRow] = []
    of: tuple[str, ...] | None = None
    for row in rows:
        if any(row[name] != value for name, value in where.items()):
            continue
        mine = tuple(row[name] for name in about)
        if of is not None and mine != of:
            told = " and ".join(", ".join(one) for one in (of, mine))
            name, value = next((n, v) for n, v, w in zip(about, of, mine, strict=True) if v != w)
            raise TraceError(
                path,
                rows.line_num,
                f"is of another kind than the rows before ({told}); choose one, such as with "
                f"--where {name}={value}",
            )
        of = mine
        found.append(_row(path, rows.line_num, row, latency))
    if not found:
        chosen = ", ".join(f"{k}={v}" for k, v in where.items())
        raise TraceError(path, None, f"has no row with {chosen}" if where else "has no row")
    return found


def _row(path: Path, line: int, row: Mapping[str, str], latency: str) -> StepRow:
    seconds = _number(path, line, latency, row[latency]) * LATENCIES[latency]
    counts = {name: _number(path, line, name, row[name]) for name in COUNTS}
    if seconds <= 0:
        raise TraceError(path, line, f"{latency} is {shown(row[latency])}; needed: above 0")
    whole = {name: round(value) for name, value in counts.items()}
    step = StepRow(seconds, **whole)
    if step.tokens < 1 or (step.prefill_seqs == 0) != (step.prefill_new_tokens == 0):
        raise TraceError(path, line, "has no tokens, or prefill sequences without new tokens")
    return step


def _number(path: Path, line: int, name: str, text: str | None) -> float:
    try:
        value = float(text or "")
    except ValueError:
        value = math.nan
    if not 0 <= value < 1e12:
        raise TraceError(path, line, f"{name} is {shown(text)}; needed: a number, 0 or more")
    return value
