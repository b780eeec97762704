"""Batches: the merge against a plain sort, with ties and with every way to cut the chunks."""

from __future__ import annotations

import random
from collections.abc import Iterator

import numpy as np
import pytest

from sim.serving.turn import Turn
from sim.traffic.batch import Batch, merge
from sim.traffic.chunk import CHUNK_REQUESTS, Chunk, Prefix

Request = tuple[float, int, int, int, int, Prefix | None]


def chunks_of(times: list[float], cuts: list[int], prefix: Prefix | None) -> Iterator[Chunk]:
    at_s = np.array(times)
    tokens = np.arange(len(times)) + 1
    whole = Chunk(at_s, tokens, tokens * 2, prefix)
    for start, stop in zip([0, *cuts], [*cuts, len(times)], strict=True):
        if stop > start:
            yield whole.slice(start, stop)


def requests(batches: Iterator[Batch]) -> list[Request]:
    return [row for batch in batches for row in rows(batch)]


def rows(batch: Batch) -> list[Request]:
    columns = (
        batch.arrived_at_s,
        batch.route,
        batch.number,
        batch.input_tokens,
        batch.output_tokens,
        batch.prefix,
    )
    assert {len(column) for column in columns} == {len(batch)}
    return list(zip(*columns, strict=True))


@pytest.mark.parametrize("seed", range(40))
def test_merging_is_a_stable_sort_by_time_and_route(seed: int) -> None:
    draw = random.Random(seed)
    prefixes: list[Prefix | None] = [None, (("template", 9),)]
    routes = {
        index: (sorted(draw.randrange(12) / 4 for _ in range(draw.randrange(30))), prefix)
        for index, prefix in ((i, draw.choice(prefixes)) for i in draw.sample(range(9), 4))
    }
    every = [
        (at_s, index, number, number + 1, 2 * number + 2, prefix)
        for index, (times, prefix) in routes.items()
        for number, at_s in enumerate(times)
    ]
    streams = {
        index: chunks_of(times, sorted(draw.choices(range(len(times) + 1), k=3)), prefix)
        for index, (times, prefix) in routes.items()
    }
    assert requests(merge(streams)) == sorted(every, key=lambda row: row[:3])


def test_equal_times_are_in_route_order_across_chunk_ends() -> None:
    one = chunks_of([1.0, 1.0, 1.0, 2.0], [1, 2], None)
    other = chunks_of([1.0, 1.0, 2.0], [1], None)
    order = [(at_s, route) for at_s, route, *_ in requests(merge({5: other, 2: one}))]
    assert order == [(1.0, 2)] * 3 + [(1.0, 5)] * 2 + [(2.0, 2), (2.0, 5)]


def test_lists_hold_plain_python_values() -> None:
    (batch,) = merge({0: chunks_of([0.5], [], (("template", 9),))})
    assert batch == Batch([0.5], [0], [0], [1], [2], [(("template", 9),)], [None])
    assert [type(column[0]) for column in (batch.arrived_at_s, batch.route, batch.number)] == [
        float,
        int,
        int,
    ]


def test_batches_are_bounded_however_many_routes_there_are() -> None:
    times = [float(at_s) for at_s in range(1000)]
    streams = {index: chunks_of(times, [], None) for index in range(150)}
    sizes = [len(batch) for batch in merge(streams)]
    assert sum(sizes) == 150_000
    assert max(sizes) == CHUNK_REQUESTS


def test_an_endless_route_goes_on_when_another_ends() -> None:
    def endless() -> Iterator[Chunk]:
        start = 0
        while True:
            at_s = start + np.arange(4) * 1.0
            yield Chunk(at_s, np.ones(4, dtype=np.int64), np.ones(4, dtype=np.int64))
            start += 4

    merged = merge({0: endless(), 1: chunks_of([2.5], [], None)})
    got = [row[:2] for _ in range(4) for row in rows(next(merged))]
    assert got[:5] == [(0.0, 0), (1.0, 0), (2.0, 0), (2.5, 1), (3.0, 0)]
    assert [at_s for at_s, _ in got] == sorted(at_s for at_s, _ in got)
    assert got[-1][0] > 8.0


def test_no_routes_make_no_batches() -> None:
    assert list(merge({})) == []
    assert list(merge({3: iter(())})) == []


def test_turns_go_with_their_requests_and_others_have_none() -> None:
    turns = np.empty(2, dtype=np.object_)
    turns[:] = [Turn("a", "a", True, True), Turn("b", "b", False, True)]
    tokens = np.array([5, 6])
    talks = Chunk(np.array([0.0, 2.0]), tokens, tokens, turns=turns)
    alone = Chunk(np.array([1.0, 3.0]), tokens, tokens)
    found = [turn for batch in merge({0: iter([talks]), 1: iter([alone])}) for turn in batch.turn]
    assert found == [turns[0], None, turns[1], None]
