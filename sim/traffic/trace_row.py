"""Row of a trace: one request as a file has it, not yet checked; knows no clock."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple


class Row(NamedTuple):
    """One request as the file has it.

    `place` says more than the line where one line has many requests. `left_out` is why a row is no
    request to an engine, None if it is one.
    """

    line: int | None
    time: object
    input_tokens: object
    output_tokens: object
    hash_ids: object = None
    place: str = ""
    left_out: str | None = None


class Rows(NamedTuple):
    """The rows of one file in order, and what its columns say of its times and its names.

    `any_order`: the format promises no order in time, so the rows are to be sorted.
    """

    rows: Iterator[Row]
    time_unit: str
    columns: Mapping[str, str]
    any_order: bool = False
