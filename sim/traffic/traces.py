"""Trace: recorded requests, checked, counted and played from time 0; knows no clock.

The first row of a file is time 0, whatever its time says. Rows must be in time order: a disorder
is an error and never repaired. Rows with zero input or output tokens (failed requests) are
dropped and counted. Everything else that is wrong raises TraceError with file and line. Files are
streamed: what is wrong at the end of a file shows when the playing gets there.

Two formats promise no order, and so are held and sorted by time before the first request is played:
LiteLLM's spend logs (exports come newest first; rows that its own response cache answered are
dropped and counted) and the results of `vllm bench serve`. Time 0 is then the first used row.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

import numpy as np

from sim.traffic.chunk import CHUNK_REQUESTS, Chunk, ObjectArray, Prefix, chunk_sizes
from sim.traffic.trace_clock import Clock
from sim.traffic.trace_request import Request, checked, in_order, no_request
from sim.traffic.trace_row import Rows
from sim.traffic.trace_rows import open_rows
from sim.traffic.trace_text import TraceError, shown

HASH_TOKENS = 512
"""Tokens that one of Mooncake's `hash_ids` names (its README, FAST'25 release)."""


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
        self._clock: Clock | None = None
        self._start_s = 0.0

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

    @property
    def zero_at_s(self) -> float | None:
        """Time 0 in the file's own seconds, since 1970 for dates; None before a row was read."""
        first_s = None if self._clock is None else self._clock.first_s
        return None if first_s is None else first_s + self._start_s

    def requests(self) -> Iterator[Request]:
        """Yield the used rows once, in the file's own pace; `report` counts as they go."""
        self._tally = _Tally()
        yield from self._requests(self._tally)

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
        """Yield the used rows of one pass in order of time, counted in *tally*."""
        opened = open_rows(self.path, self._format, self._columns)
        requests = self._checked(opened, tally)
        if opened.any_order:
            requests = self._from_first(in_order(requests, self._too_many))
        for request in requests:
            tally.use(request.at_s)
            yield request
        self._refuse_nothing(tally)

    def _checked(self, opened: Rows, tally: _Tally) -> Iterator[Request]:
        """Yield what of the rows is a request, as they come; what is none is dropped."""
        unit = opened.time_unit if self._time_unit == "auto" else self._time_unit
        self._clock = clock = Clock(unit)
        latest_s = -math.inf
        for row in opened.rows:
            tally.rows_read += 1
            try:
                request = checked(row, clock, opened.columns)
                if request.at_s < latest_s:
                    raise ValueError(
                        f"the time {shown(row.time)} is {latest_s - request.at_s:.6g} s before "
                        "that of the row before it; allowed: rows in time order"
                    )
            except ValueError as error:
                raise TraceError(self.path, row.line, f"{row.place}{error}") from None
            if not opened.any_order:
                latest_s = request.at_s
            if (reason := no_request(row, request)) is None:
                yield request
            else:
                tally.drop(reason)

    def _from_first(self, requests: Iterator[Request]) -> Iterator[Request]:
        """Yield *requests* with the first at time 0."""
        for number, request in enumerate(requests):
            if not number:
                self._start_s = request.at_s
            yield request._replace(at_s=request.at_s - self._start_s)

    def _too_many(self, most: int) -> TraceError:
        problem = f"has over {most} requests, the most that are put in order of time in memory"
        return TraceError(
            self.path, None, f"{problem}; allowed: any number, sorted, as csv or jsonl"
        )

    def _refuse_nothing(self, tally: _Tally) -> None:
        if tally.rows_used:
            return
        if not tally.rows_read:
            raise TraceError(self.path, None, "has a header and no rows; allowed: one row or more")
        reasons = ", ".join(f"{reason}: {n}" for reason, n in tally.dropped.items())
        raise TraceError(self.path, None, f"has no usable row ({reasons})")


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
