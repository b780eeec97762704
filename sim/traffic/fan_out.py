"""Fan-out: requests that come in batches, as of agents that ask several at once; no clock."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from sim.traffic.chunk import CHUNK_REQUESTS, FloatArray, IntArray
from sim.traffic.draws import branch, geometrics

if TYPE_CHECKING:
    from sim.traffic.arrivals import Arrivals

_HARDLY = 1e-9  # part of the batches that may be longer than the look back


@dataclass(frozen=True)
class FanOut:
    """Batches of geometric size at the instants of *starts*, members *gap_s* apart.

    With Poisson starts the variance of counts over their mean tends to 2 · mean_size - 1 in long
    windows (a compound Poisson process: the sizes' mean square over their mean).
    """

    starts: Arrivals
    mean_size: float
    gap_s: float = 0.0

    def __post_init__(self) -> None:
        if not (1.0 <= self.mean_size < np.inf and 0.0 <= self.gap_s < np.inf):
            raise ValueError(
                f"mean_size ({self.mean_size}) must be at least 1 and gap_s ({self.gap_s}) "
                "at least 0, both finite"
            )

    def chunks(
        self, rng: np.random.Generator, start_s: float, limit: int = CHUNK_REQUESTS
    ) -> Iterator[FloatArray]:
        """Yield arrays of at most *limit* non-decreasing instants (s) from *start_s* on.

        Batches begin early enough for those that are under way at *start_s*. Members that come
        after the latest start that is known are held back: as many as go on at the same time.
        """
        sizes = branch(rng, "batches")
        held = np.empty(0)
        starts_at_once = max(1, int(limit / self.mean_size))
        for starts_s in self.starts.chunks(rng, start_s - self._longest_s(), starts_at_once):
            members = self._members(starts_s, geometrics(sizes, len(starts_s), self.mean_size))
            held = np.sort(np.concatenate((held, members[members >= start_s])), kind="stable")
            ripe = int(np.searchsorted(held, starts_s[-1], "right"))
            yield from _cut(held[:ripe], limit)
            held = held[ripe:]
        yield from _cut(held, limit)

    def _members(self, starts_s: FloatArray, sizes: IntArray) -> FloatArray:
        """Return the instants of all members, batch by batch."""
        firsts = np.repeat(np.cumsum(sizes) - sizes, sizes)
        places = np.arange(len(firsts)) - firsts
        return np.repeat(starts_s, sizes) + places * self.gap_s

    def _longest_s(self) -> float:
        """Return how long a batch lasts that hardly any outlasts."""
        if self.mean_size == 1.0:
            return 0.0
        return self.gap_s * math.ceil(math.log(_HARDLY) / math.log1p(-1.0 / self.mean_size))


def _cut(instants: FloatArray, limit: int) -> Iterator[FloatArray]:
    for begin in range(0, len(instants), limit):
        yield instants[begin : begin + limit]
