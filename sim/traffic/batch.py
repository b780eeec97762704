"""Batch: the next requests of all routes in time order, merged from their chunks; no clock."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from sim.serving.turn import Turn
from sim.traffic.chunk import CHUNK_REQUESTS, Chunk, ObjectArray, Prefix, repeated


@dataclass(frozen=True, slots=True)
class Batch:
    """Time-ordered requests of all routes, at most 65,536; equal times are in route order.

    Lists, not arrays, since their reader is a Python loop. `route` is an index into the
    scenario's routes; `number` counts a route's requests from 0, warm-up included;
    `input_tokens` includes the route's template; `prefix` is what the head of the prompt shares
    with others, ((key, tokens), …), where a key also stands for all content before it; `turn` is
    the request's place in a conversation: behind the prefix, a turn's prompt begins with the whole
    prompt of the turn before it that has the same `content` (and its answer, if it `resends`).
    """

    arrived_at_s: list[float]
    route: list[int]
    number: list[int]
    input_tokens: list[int]
    output_tokens: list[int]
    prefix: list[Prefix | None]
    turn: list[Turn | None]

    def __len__(self) -> int:
        return len(self.arrived_at_s)


class _Piece(NamedTuple):
    """Requests of one route that are ready to go, the first being its number *first*."""

    route: int
    first: int
    chunk: Chunk


def merge(chunks: Mapping[int, Iterator[Chunk]]) -> Iterator[Batch]:
    """Merge each route's time-ordered chunks into batches ordered by (time, route index).

    Nothing that is still unread can come before the earliest of the held chunks' ends, so each
    round emits what is held up to there: one stable sort a round, and the memory of one chunk a
    route. How routes are cut into chunks does not show in the order.
    """
    unread = dict(sorted(chunks.items()))
    held: dict[int, Chunk] = {}
    numbers = dict.fromkeys(unread, 0)
    while True:
        for index in [index for index in unread if index not in held]:
            if (chunk := next(unread[index], None)) is None:
                del unread[index]
            else:
                held[index] = chunk
        if not held:
            return
        held = {index: held[index] for index in sorted(held)}
        yield from _round(held, numbers)


def _round(held: dict[int, Chunk], numbers: dict[int, int]) -> Iterator[Batch]:
    """Take from *held* what is ready, remove emptied chunks, and yield it in batches."""
    end_s, bound = min((float(chunk.arrived_at_s[-1]), index) for index, chunk in held.items())
    ready: list[_Piece] = []
    for index, chunk in list(held.items()):
        n = int(np.searchsorted(chunk.arrived_at_s, end_s, "right" if index <= bound else "left"))
        if n:
            ready.append(_Piece(index, numbers[index], chunk.slice(0, n)))
            numbers[index] += n
        if n == len(chunk):
            del held[index]
        elif n:
            held[index] = chunk.slice(n, len(chunk))
    yield from _interleaved(ready)


def _interleaved(pieces: Sequence[_Piece]) -> Iterator[Batch]:
    """Sort *pieces* by (time, route), then yield them in batches of bounded size."""
    chunks = [piece.chunk for piece in pieces]
    counts = [len(chunk) for chunk in chunks]
    at_s = np.concatenate([chunk.arrived_at_s for chunk in chunks])
    routes = np.repeat(np.array([piece.route for piece in pieces], dtype=np.int64), counts)
    firsts = [np.arange(p.first, p.first + len(p.chunk), dtype=np.int64) for p in pieces]
    numbers = np.concatenate(firsts)
    input_tokens = np.concatenate([chunk.input_tokens for chunk in chunks])
    output_tokens = np.concatenate([chunk.output_tokens for chunk in chunks])
    prefixes, turns = _prefixes(chunks), _turns(chunks)
    order = np.argsort(at_s, kind="stable")  # pieces are in route order, so are equal times
    for start in range(0, len(order), CHUNK_REQUESTS):
        part = order[start : start + CHUNK_REQUESTS]
        yield Batch(
            at_s[part].tolist(),
            routes[part].tolist(),
            numbers[part].tolist(),
            input_tokens[part].tolist(),
            output_tokens[part].tolist(),
            [None] * len(part) if prefixes is None else prefixes[part].tolist(),
            [None] * len(part) if turns is None else turns[part].tolist(),
        )


def _prefixes(chunks: Sequence[Chunk]) -> ObjectArray | None:
    """Return one prefix per request, or None if no request has one."""
    if all(chunk.prefix is None for chunk in chunks):
        return None
    return np.concatenate([chunk.prefixes() for chunk in chunks])


def _turns(chunks: Sequence[Chunk]) -> ObjectArray | None:
    """Return one turn (or None) per request, or None if no route has conversations."""
    if all(chunk.turns is None for chunk in chunks):
        return None
    return np.concatenate([repeated(None, len(c)) if c.turns is None else c.turns for c in chunks])
