"""Chunk: the next requests of one route, as arrays in time order; knows no clock."""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

FloatArray: TypeAlias = NDArray[np.float64]
IntArray: TypeAlias = NDArray[np.int64]
ObjectArray: TypeAlias = NDArray[np.object_]
Prefix: TypeAlias = tuple[tuple[Hashable, int], ...]
"""Shared content at the head of a prompt: (key, tokens) pieces; a key also names all before it."""

CHUNK_REQUESTS = 4_096
"""Most requests that are ever held in one array."""

FIRST_REQUESTS = 1_024
"""Size of a route's first chunk: a short run should not pay for a long one."""


@dataclass(frozen=True, slots=True)
class Chunk:
    """Consecutive requests of one route; all arrays have the same length, which is at least 1.

    `prefix` is one value for every request, or an object array with one for each. `turns` are the
    requests' places in conversations, None if the route has none.
    """

    arrived_at_s: FloatArray
    input_tokens: IntArray
    output_tokens: IntArray
    prefix: ObjectArray | Prefix | None = None
    turns: ObjectArray | None = None

    def __len__(self) -> int:
        return len(self.arrived_at_s)

    def slice(self, start: int, stop: int) -> Chunk:
        """Return requests start…stop-1 as views on the same memory; O(1)."""
        prefix = self.prefix
        return Chunk(
            self.arrived_at_s[start:stop],
            self.input_tokens[start:stop],
            self.output_tokens[start:stop],
            prefix[start:stop] if isinstance(prefix, np.ndarray) else prefix,
            None if self.turns is None else self.turns[start:stop],
        )

    def prefixes(self) -> ObjectArray:
        """Return one prefix (or None) per request."""
        if isinstance(self.prefix, np.ndarray):
            return self.prefix
        return repeated(self.prefix, len(self))


def repeated(value: object, n: int) -> ObjectArray:
    """Return an array of *n* references to *value*, also when it is a tuple.

    >>> repeated((("a", 1),), 2).tolist()
    [(('a', 1),), (('a', 1),)]
    """
    cell = np.empty(1, dtype=np.object_)
    cell[0] = value
    return cell.repeat(n)


def chunk_sizes(limit: int = CHUNK_REQUESTS) -> Iterator[int]:
    """Yield chunk sizes without end: small first, doubling up to *limit* requests.

    >>> sizes = chunk_sizes(3000)
    >>> [next(sizes) for _ in range(4)]
    [1024, 2048, 3000, 3000]
    """
    size = min(FIRST_REQUESTS, limit)
    while True:
        yield size
        size = min(2 * size, limit)
