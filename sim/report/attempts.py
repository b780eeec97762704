"""Attempts: the `requests` file, one row per attempt, as Parquet or gzipped CSV; knows no clock."""

from __future__ import annotations

import csv
import gzip
import importlib.util
import io
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from sim.report.csv_text import safe_cell

COLUMNS = {
    "route": str,
    "request_id": int,
    "attempt": int,
    "replica": int,
    "arrived_at_s": float,
    "queued_at_s": float,
    "first_token_at_s": float,
    "finished_at_s": float,
    "input_tokens": int,
    "cached_input_tokens": int,
    "output_tokens": int,
    "outcome": str,
    "prefill_gpu_s": float,
    "decode_gpu_s": float,
    "rent_gpu_s": float,
    "waste_gpu_s": float,
    "usd": float,
    "computed_input_tokens": int,
    "recomputed_input_tokens": int,
    "recomputed_output_tokens": int,
    "pool": str,
}
"""Names and types of the file's columns, in order. A time that never came is empty.

`computed_input_tokens` and those after it are what the fleet computed of a prompt, each token once,
and what it computed again after a preemption; with `output_tokens` they are all that it computed
for the attempt. Attempts at a request are numbered anew at each `pool` that it came to.
"""

Chunk = Mapping[str, NDArray[Any]]
UsdOf = Callable[[Chunk], NDArray[np.float64]]
"""Dollars of each attempt of a chunk."""


def file_name() -> str:
    """`requests.parquet` where pyarrow is installed, else `requests.csv.gz`."""
    found = importlib.util.find_spec("pyarrow") is not None
    return "requests.parquet" if found else "requests.csv.gz"


def write_attempts(name: str, stream: IO[bytes], chunks: Iterable[Chunk], usd_of: UsdOf) -> int:
    """Write *chunks* to *stream* in the form that *name* says; returns the number of rows.

    One chunk is in memory at a time.
    """
    priced = ({**chunk, "usd": usd_of(chunk)} for chunk in chunks)
    write = _write_parquet if name.endswith(".parquet") else _write_csv
    return write(stream, priced)


def _write_parquet(stream: IO[bytes], chunks: Iterable[Chunk]) -> int:
    import pyarrow as pa
    import pyarrow.parquet as pq

    types = {str: pa.string(), int: pa.int64(), float: pa.float64()}
    schema = pa.schema([(name, types[kind]) for name, kind in COLUMNS.items()])
    rows = 0
    with pq.ParquetWriter(stream, schema, compression="zstd") as writer:
        for chunk in chunks:
            arrays = [
                pa.array(chunk[name].tolist() if kind is str else _filled(chunk[name], kind),
                         types[kind], from_pandas=True)
                for name, kind in COLUMNS.items()
            ]  # fmt: skip
            writer.write_table(pa.Table.from_arrays(arrays, schema=schema))
            rows += len(arrays[0])
    return rows


def _filled(column: NDArray[Any], kind: type) -> NDArray[Any]:
    """A column as its file type; integers may be floats with NaN for "none", and stay so."""
    has_none = column.dtype.kind == "f" and bool(np.isnan(column).any())
    if kind is int and not has_none:
        return column.astype(np.int64)
    return column.astype(np.float64)


def _write_csv(stream: IO[bytes], chunks: Iterable[Chunk]) -> int:
    rows = 0
    with (
        gzip.GzipFile(filename="", mode="wb", fileobj=stream, mtime=0) as packed,
        io.TextIOWrapper(packed, encoding="utf-8", newline="") as text,
    ):
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(COLUMNS)
        for chunk in chunks:
            for row in _rows(chunk):
                writer.writerow(row)
                rows += 1
    return rows


def _rows(chunk: Chunk) -> Iterator[tuple[Any, ...]]:
    return zip(*(_cells(chunk[name], kind) for name, kind in COLUMNS.items()), strict=True)


def _cells(column: NDArray[Any], kind: type) -> list[Any]:
    if kind is str:
        return [safe_cell(value) for value in column.tolist()]
    return ["" if value != value else kind(value) for value in column.tolist()]  # NaN is not itself
