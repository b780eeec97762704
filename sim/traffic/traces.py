"""Trace: recorded requests, checked, counted and played from time 0; knows no clock.

The first row of a file is time 0, whatever its time says. Rows must be in time order: a disorder
is an error and never repaired. Rows with zero input or output tokens (failed requests) are
dropped and counted. Everything else that is wrong raises TraceError with file and line. Files are
streamed: what is wrong at the end of a file shows when the playing gets there.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import numpy as np

from sim.traffic.chunk import CHUNK_REQUESTS, Chunk, ObjectArray, Prefix, chunk_sizes
from sim.traffic.trace_clock import Clock
from sim.traffic.trace_rows import Row, open_rows
from sim.traffic.trace_text import TraceError, shown

HASH_TOKENS = 512
"""Tokens that one of Mooncake's `hash_ids` names (its README, FAST'25 release)."""

MAX_ROW_TOKENS = 100_000_000
ZERO_INPUT = "zero input tokens"
ZERO_OUTPUT = "zero output tokens"


@dataclass(frozen=True)
class TraceReport:
    """What was found in a trace as far as it was read (its first lap, if it repeats).

    Times are seconds after the file's first row, in the file's own pace, of rows that were used;
    None if there was none yet.
    """

    rows_read: int
    rows_used: int
    dropped: Mapping[str, int]
    first_at_s: float | None
    last_at_s: float | None


@dataclass
class _Tally:
    rows_read: int = 0
    rows_used: int = 0
    dropped: dict[str, int] = field(default_factory=dict)
    first_at_s: float | None = None
    last_at_s: float | None = None

    def use(self, at_s: float) -> None:
        self.rows_used += 1
        self.last_at_s = at_s
        if self.first_at_s is None:
            self.first_at_s = at_s

    def drop(self, reason: str) -> None:
        self.dropped[reason] = self.dropped.get(reason, 0) + 1


class Request(NamedTuple):
    """One checked row: seconds after the file's first row, tokens, and its Mooncake hashes."""

    at_s: float
    input_tokens: int
    output_tokens: int
    hash_ids: tuple[int | str, ...] | None


class Trace:
    """One trace file; `chunks` plays it, `report` tells what was found so far."""

    def __init__(
        self,
        path: Path,
        format_: str = "auto",
        columns: Mapping[str, str] | None = None,
        time_unit: str = "auto",
    ) -> None:
        self.path = path
        self._format = format_
        self._columns = dict(columns or {})
        self._time_unit = time_unit
        self._tally = _Tally()

    @property
    def report(self) -> TraceReport:
        """What was found so far; reading runs up to one chunk ahead of playing."""
        tally = self._tally
        return TraceReport(
            tally.rows_read,
            tally.rows_used,
            dict(tally.dropped),
            tally.first_at_s,
            tally.last_at_s,
        )

    def scan(self) -> TraceReport:
        """Read the whole file once, keeping nothing; raises TraceError for anything wrong."""
        self._tally = _Tally()
        for _ in self._requests(self._tally):
            pass
        return self.report

    def chunks(
        self,
        *,
        repeat: bool = False,
        speedup: float = 1.0,
        template: Prefix | None = None,
        limit: int = CHUNK_REQUESTS,
    ) -> Iterator[Chunk]:
        """Yield the requests from time 0 on; times are divided by *speedup*.

        With *repeat* the file follows itself after one mean gap, for ever; content that is
        shared within a lap is not shared between laps, since other users ask other things. Rows
        count user tokens: those of *template* are put in front of every prompt.
        """
        self._tally = tally = _Tally()
        before = tuple(key for key, _ in template or ())  # a key names all that precedes it
        lap, offset_s = 0, 0.0
        while True:
            requests = self._requests(tally)
            for size in chunk_sizes(limit):
                if not (taken := list(islice(requests, size))):
                    break
                yield _chunk(taken, offset_s, speedup, template, (*before, str(self.path), lap))
            if not repeat:
                return
            lap += 1
            offset_s = lap * self._period_s()
            tally = _Tally()  # the report is of the first lap

    def _period_s(self) -> float:
        """Return the span of the used rows and one mean gap."""
        tally = self._tally
        span_s = (tally.last_at_s or 0.0) - (tally.first_at_s or 0.0)
        if span_s <= 0.0:
            raise TraceError(self.path, None, "cannot be repeated: all its rows have the same time")
        return span_s * tally.rows_used / (tally.rows_used - 1)

    def _requests(self, tally: _Tally) -> Iterator[Request]:
        """Yield the used rows of one pass, counted in *tally*."""
        opened = open_rows(self.path, self._format, self._columns)
        clock = Clock(opened.time_unit if self._time_unit == "auto" else self._time_unit)
        latest_s = 0.0
        for row in opened.rows:
            tally.rows_read += 1
            request = self._checked(row, clock, opened.columns, latest_s)
            latest_s = request.at_s
            if request.input_tokens and request.output_tokens:
                tally.use(latest_s)
                yield request
            else:
                tally.drop(ZERO_OUTPUT if request.input_tokens else ZERO_INPUT)
        self._refuse_nothing(tally)

    def _checked(
        self, row: Row, clock: Clock, columns: Mapping[str, str], latest_s: float
    ) -> Request:
        try:
            at_s = clock.seconds(row.time)
            if at_s < latest_s:
                raise ValueError(
                    f"the time {shown(row.time)} is {latest_s - at_s:.6g} s before that of the "
                    "row before it; allowed: rows in time order"
                )
            return Request(
                at_s,
                _tokens(row.input_tokens, columns["input_tokens"]),
                _tokens(row.output_tokens, columns["output_tokens"]),
                None if row.hash_ids is None else _hashes(row.hash_ids),
            )
        except ValueError as error:
            raise TraceError(self.path, row.line, str(error)) from None

    def _refuse_nothing(self, tally: _Tally) -> None:
        if tally.rows_used:
            return
        if not tally.rows_read:
            raise TraceError(self.path, None, "has a header and no rows; allowed: one row or more")
        reasons = ", ".join(f"{reason}: {n}" for reason, n in tally.dropped.items())
        raise TraceError(self.path, None, f"has no usable row ({reasons})")


def _tokens(value: object, column: str) -> int:
    """Return the whole number that *value* is (374, "374" or "374.0"); else ValueError."""
    number = value
    if isinstance(value, str):
        text = value.strip()
        if text.isascii() and text.isdigit() and len(text) <= 9:
            return int(text)
        try:
            number = float(text)
        except ValueError:
            number = None
    if (
        isinstance(number, int | float)
        and not isinstance(number, bool)
        and 0 <= number <= MAX_ROW_TOKENS
        and number == int(number)
    ):
        return int(number)
    raise ValueError(
        f"{column} is {shown(value)}; allowed: a whole number from 0 to {MAX_ROW_TOKENS}"
    )


def _hashes(value: object) -> tuple[int | str, ...]:
    if isinstance(value, list) and all(type(one) in (int, str) for one in value):
        return tuple(value)
    raise ValueError(f"hash_ids is {shown(value)}; allowed: a list of whole numbers or texts")


def _chunk(
    requests: Sequence[Request],
    offset_s: float,
    speedup: float,
    template: Prefix | None,
    origin: tuple[Hashable, ...],
) -> Chunk:
    """Return *requests* as arrays; *origin* goes into the keys of their shared content."""
    at_s, tokens_in, tokens_out, hashes = zip(*requests, strict=True)
    head = template or ()
    prefix: ObjectArray | Prefix | None = template
    if any(hashes):
        own = (
            head + _pieces(ids or (), n, origin) for ids, n in zip(hashes, tokens_in, strict=True)
        )
        prefix = np.fromiter((one or None for one in own), dtype=np.object_, count=len(requests))
    return Chunk(
        (np.array(at_s) + offset_s) / speedup,
        np.array(tokens_in, dtype=np.int64) + sum(tokens for _, tokens in head),
        np.array(tokens_out, dtype=np.int64),
        prefix,
    )


def _pieces(ids: Sequence[int | str], input_tokens: int, origin: tuple[Hashable, ...]) -> Prefix:
    """Return a (key, tokens) piece for each id; the last has what 512-token pieces leave over."""
    lefts = range(input_tokens, 0, -HASH_TOKENS)
    return tuple(
        ((*origin, one), min(left, HASH_TOKENS)) for one, left in zip(ids, lefts, strict=False)
    )
