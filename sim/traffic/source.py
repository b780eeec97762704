"""Source: the requests of all open routes as one time-ordered stream of batches; no clock.

Every route draws from streams of its own, so adding one changes no other. Generated traffic
starts at *start_s* (the warm-up's begin) and has no end; `count` and traces start at time 0.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from sim.scenario.arrivals import ClosedArrivals, PoissonArrivals, TraceArrivals, VaryingArrivals
from sim.scenario.document import Scenario
from sim.scenario.route import Route
from sim.streams import Streams
from sim.traffic.arrivals import Arrivals, arrivals
from sim.traffic.batch import Batch, merge
from sim.traffic.chunk import CHUNK_REQUESTS, FIRST_REQUESTS, Chunk, IntArray, Prefix, chunk_sizes
from sim.traffic.lengths import Field, sampler
from sim.traffic.traces import Trace, TraceReport


class Batches(Iterator[Batch]):
    """The merged stream; ends when every route's has ended, which generated ones never do."""

    def __init__(self, merged: Iterator[Batch], traces: Sequence[tuple[str, Trace]]) -> None:
        self._merged = merged
        self._traces = traces

    def __next__(self) -> Batch:
        return next(self._merged)

    def trace_reports(self) -> list[tuple[str, TraceReport]]:
        """Return (route name, report) of every trace as far as it was read until now."""
        return [(name, trace.report) for name, trace in self._traces]


def batches(scenario: Scenario, streams: Streams, start_s: float) -> Batches:
    """Return the requests of every route that is not closed-loop, from *start_s* (<= 0) on.

    Reading it raises TraceError when it comes to something wrong in a trace.
    """
    open_routes = {
        index: (name, route)
        for index, (name, route) in enumerate(scenario.routes.items())
        if not isinstance(route.arrivals, ClosedArrivals)
    }
    limit = max(FIRST_REQUESTS, CHUNK_REQUESTS // max(1, len(open_routes)))
    chunks: dict[int, Iterator[Chunk]] = {}
    traces: list[tuple[str, Trace]] = []
    for index, (name, route) in open_routes.items():
        if isinstance(route.arrivals, TraceArrivals):
            trace = open_trace(route.arrivals)
            traces.append((name, trace))
            chunks[index] = trace.chunks(
                repeat=route.arrivals.repeat,
                speedup=route.arrivals.speedup,
                template=_template(name, route),
                limit=limit,
            )
        elif isinstance(route.arrivals, PoissonArrivals | VaryingArrivals):
            process = arrivals(route.arrivals, scenario.starts_on)
            chunks[index] = _generated(name, route, process, streams, start_s, limit)
    return Batches(merge(chunks), traces)


def trace_reports(source: Batches) -> list[tuple[str, TraceReport]]:
    """Return (route name, report) of every trace that *source* has read, as far as it has."""
    return source.trace_reports()


def open_trace(spec: TraceArrivals) -> Trace:
    """Return the trace of *spec*; its file is opened when it is first read."""
    chosen = {} if spec.columns is None else spec.columns.model_dump(exclude_none=True)
    return Trace(Path(spec.trace), spec.format, chosen, spec.time_unit)


@dataclass
class ClosedLoop:
    """A closed-loop route: *concurrency* users, each asking again after its answer.

    `think_time_s` passes between an answer and the same user's next request. `prefix` is shared
    by all of the route's prompts.
    """

    route: int
    concurrency: int
    think_time_s: float
    lengths: Iterator[tuple[int, int]]
    prefix: Prefix | None = None

    def next_request(self) -> tuple[int, int]:
        """Return (input tokens with the template, output tokens) of the route's next request."""
        return next(self.lengths)


def closed_loops(scenario: Scenario, streams: Streams) -> list[ClosedLoop]:
    """Return the scenario's closed-loop routes in file order."""
    return [
        ClosedLoop(
            index,
            route.arrivals.concurrency,
            route.arrivals.think_time,
            _length_pairs(name, route, streams),
            _template(name, route),
        )
        for index, (name, route) in enumerate(scenario.routes.items())
        if isinstance(route.arrivals, ClosedArrivals)
    ]


def _generated(
    name: str,
    route: Route,
    process: Arrivals,
    streams: Streams,
    start_s: float,
    limit: int,
) -> Iterator[Chunk]:
    template = _template(name, route)
    input_tokens = _Lengths("input", name, route, streams)
    output_tokens = _Lengths("output", name, route, streams)
    for at_s in process.chunks(streams.of("arrivals", name), start_s, limit):
        n = len(at_s)
        yield Chunk(at_s, input_tokens.draw(n), output_tokens.draw(n), template)


def _length_pairs(name: str, route: Route, streams: Streams) -> Iterator[tuple[int, int]]:
    input_tokens = _Lengths("input", name, route, streams)
    output_tokens = _Lengths("output", name, route, streams)
    for n in chunk_sizes():
        yield from zip(input_tokens.draw(n).tolist(), output_tokens.draw(n).tolist(), strict=True)


class _Lengths:
    """The prompt (template included) or answer lengths of one route, drawn in order."""

    def __init__(self, field: Field, name: str, route: Route, streams: Streams) -> None:
        spec = route.input_tokens if field == "input" else route.output_tokens
        if spec is None:
            raise ValueError(f"routes.{name} needs {field}_tokens, since it plays no trace")
        self._sampler = sampler(spec, field)
        self._rng = streams.of(field, name)
        self._template_tokens = route.template_tokens if field == "input" else 0

    def draw(self, n: int) -> IntArray:
        """Return the next *n* lengths in tokens."""
        return self._sampler.sample(self._rng, n) + self._template_tokens


def _template(name: str, route: Route) -> Prefix | None:
    """Return what all of the route's prompts begin with."""
    return ((("template", name), route.template_tokens),) if route.template_tokens else None
