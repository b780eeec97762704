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
from sim.scenario.lengths import Lengths
from sim.scenario.route import Route
from sim.scenario.sessions import Sessions
from sim.streams import Streams
from sim.traffic.arrivals import Arrivals, arrivals
from sim.traffic.batch import Batch, merge
from sim.traffic.chunk import CHUNK_REQUESTS, FIRST_REQUESTS, Chunk, IntArray, Prefix, chunk_sizes
from sim.traffic.lengths import headless, pair_sampler, sampler
from sim.traffic.sessions import Conversations
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
    chunks, traces = open_chunks(scenario, streams, start_s)
    return Batches(merge(chunks), traces)


def open_chunks(
    scenario: Scenario, streams: Streams, start_s: float
) -> tuple[dict[int, Iterator[Chunk]], list[tuple[str, Trace]]]:
    """Return the same requests as chunks by index of their route, and the traces by its name."""
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
        else:
            chunks[index] = _generated(name, route, scenario.starts_on, streams, start_s, limit)
    return chunks, traces


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
    name: str, route: Route, starts_on: str, streams: Streams, start_s: float, limit: int
) -> Iterator[Chunk]:
    """Return the requests of a route with random arrivals, alone or in conversations."""
    spec = route.arrivals
    assert isinstance(spec, PoissonArrivals | VaryingArrivals)
    if route.sessions is not None:
        plan = _conversations(name, route, route.sessions)
        starts = arrivals(spec, starts_on, share=1.0 / plan.mean_turns)
        return plan.chunks(starts, streams, start_s, limit)
    process = arrivals(spec, starts_on)
    return _single_requests(name, route, process, streams, start_s, limit)


def _single_requests(
    name: str, route: Route, process: Arrivals, streams: Streams, start_s: float, limit: int
) -> Iterator[Chunk]:
    template = _template(name, route)
    lengths = _Lengths(name, route, streams)
    for at_s in process.chunks(streams.of("arrivals", name), start_s, limit):
        yield Chunk(at_s, *lengths.draw(len(at_s)), template)


def _conversations(name: str, route: Route, sessions: Sessions) -> Conversations:
    answers = _needed(name, "output_tokens", route.output_tokens)
    turns = sampler(sessions.turn_law(), "input")
    gap = sessions.gap_law()
    return Conversations(
        route=name,
        turns=turns,
        gap=gap.law(),
        first=headless(
            pair_sampler(sessions.first_law(route.input_tokens), answers), route.counted_head_tokens
        ),
        follow_up=pair_sampler(sessions.follow_up_law(route.input_tokens), answers),
        mean_turns=turns.mean_tokens(),
        mean_gap_s=gap.mean_s,
        spoken=1.0 - route.reasoning_share,
        template=_template(name, route),
        max_context=sessions.max_context,
    )


def _length_pairs(name: str, route: Route, streams: Streams) -> Iterator[tuple[int, int]]:
    lengths = _Lengths(name, route, streams)
    for n in chunk_sizes():
        prompts, answers = lengths.draw(n)
        yield from zip(prompts.tolist(), answers.tolist(), strict=True)


class _Lengths:
    """The prompt (template included) and answer lengths of one route, drawn in order."""

    def __init__(self, name: str, route: Route, streams: Streams) -> None:
        self._pairs = headless(
            pair_sampler(
                _needed(name, "input_tokens", route.input_tokens),
                _needed(name, "output_tokens", route.output_tokens),
            ),
            route.counted_head_tokens,
        )
        self._rngs = streams.of("input", name), streams.of("output", name)
        self._head_tokens = route.head_tokens

    def draw(self, n: int) -> tuple[IntArray, IntArray]:
        """Return the next *n* prompts and answers, in tokens."""
        prompts, answers = self._pairs.sample(*self._rngs, n)
        return prompts + self._head_tokens, answers


def _needed(name: str, field: str, lengths: Lengths | None) -> Lengths:
    if lengths is None:
        raise ValueError(f"routes.{name} needs {field}, since it plays no trace")
    return lengths


def _template(name: str, route: Route) -> Prefix | None:
    """Return what all of the route's prompts begin with."""
    return ((("template", name), route.head_tokens),) if route.head_tokens else None
