"""Chunks: views, shared prefixes and sizes."""

from __future__ import annotations

import itertools

import numpy as np

from sim.traffic.chunk import CHUNK_REQUESTS, Chunk, chunk_sizes, repeated

TEMPLATE = (("template", 600),)


def make(n: int, prefix: object = None) -> Chunk:
    return Chunk(np.arange(n) * 1.0, np.arange(n) + 10, np.arange(n) + 20, prefix)  # type: ignore[arg-type]


def test_a_slice_takes_the_same_requests_from_every_array() -> None:
    each = np.empty(5, dtype=np.object_)
    for index in range(5):
        each[index] = (((index,), 512),)
    part = make(5, each).slice(1, 3)
    assert len(part) == 2
    assert part.arrived_at_s.tolist() == [1.0, 2.0]
    assert part.input_tokens.tolist() == [11, 12]
    assert part.output_tokens.tolist() == [21, 22]
    assert part.prefixes().tolist() == [(((1,), 512),), (((2,), 512),)]


def test_one_prefix_stands_for_all_requests() -> None:
    part = make(5, TEMPLATE).slice(2, 5)
    assert part.prefixes().tolist() == [TEMPLATE] * 3
    assert make(2).prefixes().tolist() == [None, None]


def test_repeated_does_not_unpack_tuples() -> None:
    cells = repeated((1, 2, 3), 3)
    assert cells.shape == (3,)
    assert cells.tolist() == [(1, 2, 3)] * 3


def test_chunk_sizes_double_up_to_the_limit_and_never_pass_it() -> None:
    sizes = list(itertools.islice(chunk_sizes(), 9))
    assert sizes[:3] == [1024, 2048, 4096]
    assert sizes[-2:] == [CHUNK_REQUESTS, CHUNK_REQUESTS]
    assert list(itertools.islice(chunk_sizes(100), 3)) == [100, 100, 100]
