"""Records: finished attempts as columns, in chunks of bounded size. Knows no clock."""

from __future__ import annotations

from collections.abc import Callable
from operator import attrgetter
from typing import Any

import numpy as np

CHUNK_ATTEMPTS = 2_048

Columns = dict[str, np.ndarray]
"""One array per field of `FIELDS`, all of one length; times that never came are NaN."""

FIELDS = {
    "route": np.int32,
    "number": np.int64,
    "attempt": np.int32,
    "replica": np.int32,
    "outcome": np.int8,
    "arrived_at_s": np.float64,
    "queued_at_s": np.float64,
    "first_token_at_s": np.float64,
    "finished_at_s": np.float64,
    "input_tokens": np.int64,
    "cached_input": np.int64,
    "output_tokens": np.int64,
    "generated": np.int64,
    "computed": np.int64,
    "high_water": np.int64,
    "recomputed_input": np.int64,
    "recomputed_output": np.int64,
    "prefill_s": np.float64,
    "cached_s": np.float64,
    "rent_s": np.float64,
    "decode_s": np.float64,
    "waste_s": np.float64,
}

NEVER = ("first_token_at_s", "finished_at_s")
"""Fields that are None if it never came to that."""

_row = attrgetter(*FIELDS)


class Ledger:
    """Collects attempts and hands them on, a chunk at a time, so that memory stays bounded.

    An attempt is anything with the attributes `FIELDS`; *reader* gets each full chunk.
    """

    def __init__(self, *readers: Callable[[Columns], None]) -> None:
        self.readers = readers
        self.attempts = 0
        self._rows: list[tuple[Any, ...]] = []

    def add(self, attempt: object) -> None:
        """Record an attempt that has ended. Amortised O(1)."""
        rows = self._rows
        rows.append(_row(attempt))
        if len(rows) == CHUNK_ATTEMPTS:
            self.flush()

    def flush(self) -> None:
        """Hand on what is held."""
        rows = self._rows
        if not rows:
            return
        self.attempts += len(rows)
        n = len(rows)
        columns: Columns = {}
        for (name, kind), values in zip(FIELDS.items(), zip(*rows, strict=True), strict=True):
            if name in NEVER:
                columns[name] = np.array(values, dtype=kind)  # None becomes NaN
            else:
                columns[name] = np.fromiter(values, kind, n)
        rows.clear()
        for reader in self.readers:
            reader(columns)
