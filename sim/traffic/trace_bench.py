"""Results of `vllm bench serve` as a trace: the requests that the benchmark sent; no clock."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sim.traffic.trace_documents import Found, documents
from sim.traffic.trace_formats import FORMATS
from sim.traffic.trace_row import Row, Rows
from sim.traffic.trace_text import TraceError, shown

_FORMAT = FORMATS["vllm-bench"]


def bench_rows(path: Path) -> Rows:
    """Rows of the one result in *path*, which is held as a whole. Raises TraceError.

    A file with several results (`--append-result`) is refused: they are benchmarks that were run
    one after another, at times that no clock relates.
    """
    results = list(documents(path))
    if len(results) != 1:
        raise TraceError(
            path,
            results[1].line if results else None,
            f"holds {len(results)} results (saved with --append-result); "
            "allowed: one, so keep one line in a file of its own",
        )
    lists = [_list(path, results[0], name) for name in _FORMAT.columns.values()]
    lengths = {len(one) for one in lists}
    if len(lengths) > 1:
        counted = zip(_FORMAT.columns.values(), lists, strict=True)
        told = ", ".join(f"{name} {len(one)}" for name, one in counted)
        raise TraceError(path, results[0].line, f"has lists of unequal length ({told})")
    rows = _rows(results[0].line, lists)
    return Rows(rows, _FORMAT.time_unit or "s", _FORMAT.columns, _FORMAT.any_order)


def _list(path: Path, result: Found, name: str) -> list[Any]:
    if not isinstance(result.value, dict):
        raise TraceError(path, result.line, f"is {shown(result.value)}; allowed: one JSON object")
    found = result.value.get(name)
    if not isinstance(found, list):
        raise TraceError(
            path,
            result.line,
            f"has no list {name}; save the result with --save-detailed, which keeps every request",
        )
    return found


def _rows(line: int, lists: list[list[Any]]) -> Iterator[Row]:
    for number, (time, tokens_in, tokens_out) in enumerate(zip(*lists, strict=True), start=1):
        yield Row(line, time, tokens_in, tokens_out, place=f"request {number}: ")
