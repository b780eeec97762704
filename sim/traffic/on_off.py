"""On and off: clients that are active by turns, as a share of those active; knows no clock.

The number of active ones among n clients, each on and off for exponential times, is a birth and
death process (Ehrenfest's): up at rate (n - k)/off, down at k/on. It is simulated exactly.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from sim.traffic.chunk import FloatArray
from sim.traffic.draws import exponentials

_DRAWN_AT_ONCE = 256


def switches_per_s(clients: int, on_s: float, off_s: float) -> float:
    """Return how often any of *clients* goes on or off, on average, per second."""
    return 2.0 * clients / (on_s + off_s)


class OnOffPath:
    """How the number of active clients goes, from *start_s* on, relative to its mean.

    Stationary: each client is on with probability on/(on + off) at the start.
    """

    def __init__(
        self, rng: np.random.Generator, clients: int, on_s: float, off_s: float, start_s: float
    ) -> None:
        on_share = on_s / (on_s + off_s)
        self._mean = clients * on_share
        self._active = int((rng.random(clients) < on_share).sum())
        self._switches = _switches(rng, clients, on_s, off_s, start_s, self._active)
        self._next = next(self._switches)

    def until(self, end_s: float) -> tuple[FloatArray, FloatArray]:
        """Return the switches before *end_s* not told yet, and the factor before and after each.

        The factor is the number of active clients over its mean; there is one more than switches.
        """
        times: list[float] = []
        active = [self._active]
        while self._next[0] < end_s:
            times.append(self._next[0])
            active.append(self._next[1])
            self._next = next(self._switches)
        self._active = active[-1]
        return np.array(times), np.array(active) / self._mean


def _switches(
    rng: np.random.Generator, clients: int, on_s: float, off_s: float, at_s: float, active: int
) -> Iterator[tuple[float, int]]:
    """Yield (instant in s, active clients from then on), endless."""
    while True:
        waits = exponentials(rng, _DRAWN_AT_ONCE).tolist()
        lots = rng.random(_DRAWN_AT_ONCE).tolist()
        for wait, lot in zip(waits, lots, strict=True):
            up, down = (clients - active) / off_s, active / on_s
            at_s += wait / (up + down)
            active += 1 if lot * (up + down) < up else -1
            yield at_s, active
