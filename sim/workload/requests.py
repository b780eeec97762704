"""Requests: the arrivals and lengths of one workload as arrays, read or generated; no clock."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from sim.scenario.arrivals import ClosedArrivals
from sim.scenario.document import Scenario
from sim.streams import Streams
from sim.traffic.chunk import FloatArray, IntArray
from sim.traffic.rates import WEEKDAYS
from sim.traffic.source import batches
from sim.traffic.traces import Trace, TraceReport
from sim.workload.start import Start, start_of
from sim.workload.ticks import spread, tick_of

Hashes = tuple[int | str, ...]

_ROW = np.dtype([("at_s", "f8"), ("input", "i8"), ("output", "i8")])


@dataclass(frozen=True, eq=False)
class Requests:
    """Requests in time order; arrays of one length, at least 1."""

    source: str
    """Name of the file, or what generated them."""
    input_tokens: IntArray
    output_tokens: IntArray
    arrived_at_s: FloatArray | None = None
    """Seconds after the span's begin, coarse ticks already spread; None for tables of lengths."""
    prefixes: tuple[Hashes | None, ...] | None = None
    """Ids of each prompt's 512-token blocks from its head on, where the file has them."""
    span_s: float = 0.0
    """Length of the observed interval that starts at time 0; 0 without times."""
    tick_s: float | None = None
    """The clock's tick if it is coarse: times were spread uniformly within it."""
    start: Start | None = None
    notes: tuple[str, ...] = ()
    """What a reader should know: rows dropped, ticks spread."""
    path: Path | None = None
    """The file of a trace, which can be replayed."""

    def __len__(self) -> int:
        return len(self.input_tokens)

    @property
    def rate_per_s(self) -> float | None:
        """Mean requests per second; None without times or if all have the same."""
        return len(self) / self.span_s if self.span_s > 0.0 else None

    def between(self, start_s: float, end_s: float) -> Requests:
        """Return the requests in [start_s, end_s), times counted from *start_s*."""
        if self.arrived_at_s is None:
            raise ValueError(f"{self.source} has no times")
        first, last = np.searchsorted(self.arrived_at_s, (start_s, end_s))
        part = self.rows(slice(int(first), int(last)))
        return replace(
            part,
            arrived_at_s=self.arrived_at_s[first:last] - start_s,
            span_s=end_s - start_s,
            start=self.start and self.start.after(start_s),
        )

    def rows(self, chosen: slice) -> Requests:
        """Return the *chosen* requests, without times."""
        return replace(
            self,
            input_tokens=self.input_tokens[chosen],
            output_tokens=self.output_tokens[chosen],
            prefixes=None if self.prefixes is None else self.prefixes[chosen],
            arrived_at_s=None,
            span_s=0.0,
        )


def read(
    path: str | Path,
    format_: str = "auto",
    columns: Mapping[str, str] | None = None,
    time_unit: str = "auto",
) -> Requests:
    """Return the requests of the trace at *path*, which has their times; raises TraceError.

    *format_*, *columns* and *time_unit* are those of a scenario's `trace`. `parts` also reads
    what has no times.
    """
    trace = Trace(Path(path), format_, columns, time_unit)
    prefixes: list[Hashes | None] = []
    rows = np.fromiter(_rows(trace, prefixes), dtype=_ROW)
    at_s = np.ascontiguousarray(rows["at_s"])
    zero_s = trace.zero_at_s or 0.0
    tick_s = tick_of(at_s)
    notes = [_dropped(trace.report)] if trace.report.dropped else []
    first_s, last_s = float(at_s[0]), float(at_s[-1])
    if tick_s is not None:
        at_s = spread(at_s, tick_s)
        last_s += tick_s
        notes.append(f"times come in ticks of {tick_s:g} s and were spread evenly within them")
    return Requests(
        source=Path(path).name,
        input_tokens=np.ascontiguousarray(rows["input"]),
        output_tokens=np.ascontiguousarray(rows["output"]),
        arrived_at_s=at_s - first_s,
        prefixes=tuple(prefixes) if any(prefixes) else None,
        span_s=last_s - first_s,
        tick_s=tick_s,
        start=start_of(zero_s + first_s),
        notes=tuple(notes),
        path=Path(path),
    )


def generated(scenario: Scenario, route: str | None, seconds: float, seed: int = 0) -> Requests:
    """Return what *route* (None: the only one) of *scenario* gets in *seconds* from time 0 on.

    The route's own streams are drawn from, so this is what a simulation with that seed would
    see. ValueError for a route that is not there, or waits for answers before it asks again.
    """
    name = _chosen(scenario, route)
    if isinstance(scenario.routes[name].arrivals, ClosedArrivals):
        raise ValueError(f"routes.{name} waits for answers, so it has no arrivals of its own")
    alone = scenario.model_copy(update={"routes": {name: scenario.routes[name]}})
    kept: list[tuple[FloatArray, IntArray, IntArray]] = []
    for batch in batches(alone, Streams(seed), 0.0):
        at_s = np.array(batch.arrived_at_s, dtype=np.float64)
        n = int(np.searchsorted(at_s, seconds))
        tokens = (np.array(batch.input_tokens[:n]), np.array(batch.output_tokens[:n]))
        kept.append((at_s[:n], *tokens))
        if n < len(at_s):
            break
    if not sum(len(at_s) for at_s, _, _ in kept):
        raise ValueError(f"routes.{name} gets no request in {seconds:g} s")
    at_s, inputs, outputs = (np.concatenate(column) for column in zip(*kept, strict=True))
    return Requests(
        source=f"{scenario.name}, route {name}, seed {seed}",
        input_tokens=inputs.astype(np.int64),
        output_tokens=outputs.astype(np.int64),
        arrived_at_s=at_s,
        span_s=seconds,
        start=Start(0.0, WEEKDAYS.index(scenario.starts_on), "UTC"),
    )


def _rows(trace: Trace, prefixes: list[Hashes | None]) -> Iterator[tuple[float, int, int]]:
    """Yield what goes into arrays; what does not is appended to *prefixes*, from the first on."""
    for number, request in enumerate(trace.requests()):
        if request.hash_ids is not None and not prefixes:
            prefixes += [None] * number
        if prefixes or request.hash_ids is not None:
            prefixes.append(request.hash_ids)
        yield request.at_s, request.input_tokens, request.output_tokens


def _dropped(report: TraceReport) -> str:
    reasons = ", ".join(f"{n} with {reason}" for reason, n in report.dropped.items())
    return f"of {report.rows_read} rows, {reasons} were left out"


def _chosen(scenario: Scenario, route: str | None) -> str:
    names = list(scenario.routes)
    if route is None and len(names) == 1:
        return names[0]
    if route in scenario.routes:
        return route
    asked = "more than one route" if route is None else f"no route {route!r}"
    raise ValueError(f"{scenario.name} has {asked}; allowed: {', '.join(names)}")
