"""Records: finished attempts as columns, in chunks of bounded size. Knows no clock."""

from __future__ import annotations

from collections.abc import Callable
from operator import attrgetter
from typing import Any, Protocol

import numpy as np

CHUNK_ATTEMPTS = 2_048

Columns = dict[str, np.ndarray]
"""One array per field of `FIELDS` and `TROUBLE`, of one length; times that never came are NaN."""

NEVER = ("first_token_at_s", "finished_at_s")
"""Fields that are None if it never came to that."""


class Attempt(Protocol):
    """What tells a smooth attempt from a rough one; the rest is read by name."""

    outcome: Any
    attempt: int
    high_water: int
    superseded: bool
    leg: int


FIELDS: dict[str, type[np.generic]] = {
    "route": np.int32,
    "number": np.int64,
    "replica": np.int32,
    "arrived_at_s": np.float64,
    "queued_at_s": np.float64,
    "first_token_at_s": np.float64,
    "finished_at_s": np.float64,
    "input_tokens": np.int64,
    "cached_input": np.int64,
    "output_tokens": np.int64,
    "generated": np.int64,
    "prefill_s": np.float64,
    "cached_s": np.float64,
    "rent_s": np.float64,
    "decode_s": np.float64,
}
"""Fields of every attempt."""

TROUBLE: dict[str, type[np.generic]] = {
    "outcome": np.int8,
    "attempt": np.int32,
    "superseded": np.int8,
    "leg": np.int8,
    "computed": np.int64,
    "high_water": np.int64,
    "recomputed_input": np.int64,
    "recomputed_output": np.int64,
    "waste_s": np.float64,
}
"""Fields that are all zero for a first attempt that went smoothly, `computed` aside.

`superseded` is 1 for an attempt that another at the same request follows: every request has exactly
one that is not, its last. One that was completed and yet is superseded was answered not well
enough, so that the next pool of its route was asked. `leg` is the attempt's pool, by its place
among those of the route.
"""

NO_REPLICA, HOSTED_REPLICA = -1, -2
"""What `replica` is for an attempt that none ever took, and for one that a hosted API answered."""

_smooth = attrgetter(*FIELDS)
_rough = attrgetter(*FIELDS, *TROUBLE)


class Ledger:
    """Collects attempts and hands them on, a chunk at a time, so that memory stays bounded.

    An attempt is anything with the attributes of `FIELDS` and `TROUBLE`; each of *readers* gets
    every chunk. Smooth attempts are kept without their `TROUBLE`: it is the bulk of a long run.
    """

    def __init__(self, *readers: Callable[[Columns], None]) -> None:
        self.readers = readers
        self.attempts = 0
        self._smooth: list[tuple[Any, ...]] = []
        self._rough: list[tuple[Any, ...]] = []

    def add(self, attempt: Attempt) -> None:
        """Record an attempt that has ended. Amortised O(1)."""
        if (
            attempt.outcome
            or attempt.attempt
            or attempt.high_water
            or attempt.superseded
            or attempt.leg
        ):
            self._rough.append(_rough(attempt))
            if len(self._rough) == CHUNK_ATTEMPTS:
                self.flush()
            return
        rows = self._smooth
        rows.append(_smooth(attempt))
        if len(rows) == CHUNK_ATTEMPTS:
            self.flush()

    def flush(self) -> None:
        """Hand on what is held."""
        for rows, fields in ((self._smooth, FIELDS), (self._rough, FIELDS | TROUBLE)):
            if not rows:
                continue
            self.attempts += len(rows)
            columns = _columns(rows, fields)
            rows.clear()
            for reader in self.readers:
                reader(columns)


def _columns(rows: list[tuple[Any, ...]], fields: dict[str, type[np.generic]]) -> Columns:
    n = len(rows)
    columns: Columns = {}
    for (name, kind), values in zip(fields.items(), zip(*rows, strict=True), strict=True):
        if name in NEVER:
            columns[name] = np.array(values, dtype=kind)  # None becomes NaN
        else:
            columns[name] = np.fromiter(values, kind, n)
    for name, kind in TROUBLE.items():
        columns.setdefault(name, np.zeros(n, kind))
    if "outcome" not in fields:
        columns["computed"] = columns["input_tokens"] + columns["output_tokens"] - 1
    return columns


def rows_where(columns: Columns, chosen: np.ndarray) -> Columns:
    """The chosen rows; no copy if that is all of them."""
    if chosen.all():
        return columns
    return {name: values[chosen] for name, values in columns.items()}
