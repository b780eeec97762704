"""Named random streams: every draw belongs to a purpose and an owner, never to an order.

A stream is found by its key alone, so adding a route, a replica or a policy leaves the draws of all
others byte for byte as they were. That is what makes two scenarios comparable on common random
numbers (Law 2015, section 11.2).
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Streams:
    """All random streams of one replication of one scenario.

    >>> again, streams = Streams(7), Streams(7)
    >>> again.of("arrivals", "chat").random() == streams.of("arrivals", "chat").random()
    True
    """

    seed: int
    replication: int = 0

    def of(self, purpose: str, *owner: str | int) -> np.random.Generator:
        """Return a fresh generator for *purpose* (say ``"arrivals"``) of *owner* (say ``"chat"``).

        The key goes through SHA-256, not ``hash()``, so it is the same in every process.
        """
        return np.random.Generator(np.random.PCG64(self._sequence(purpose, *owner)))

    def keyed(self, purpose: str, *owner: str | int) -> Keyed:
        """Return draws of *purpose* of *owner* that are found by number, not by order."""
        return Keyed(int(self._sequence(purpose, *owner).generate_state(1, np.uint64)[0]))

    def _sequence(self, purpose: str, *owner: str | int) -> np.random.SeedSequence:
        text = "\x1f".join(f"{type(part).__name__}:{part}" for part in (purpose, *owner))
        digest = hashlib.sha256(text.encode()).digest()
        words = tuple(int.from_bytes(digest[i : i + 4], "little") for i in range(0, 16, 4))
        return np.random.SeedSequence(self.seed, spawn_key=(self.replication, *words))


@dataclass(frozen=True)
class Keyed:
    """A uniform number for every tuple of whole numbers, the same whenever it is asked for.

    For what happens to one request, attempt or node: whether another happened before does not
    move it. Bits are mixed by SplitMix64's finalizer (Steele, Lea and Flood 2014).

    >>> draws = Keyed(7)
    >>> draws.uniform(3, 1) == draws.uniform(3, 1) != draws.uniform(3, 2)
    True
    """

    seed: int

    def uniform(self, *numbers: int) -> float:
        """Return the number of *numbers*, in [0, 1). O(numbers)."""
        state = self.seed
        for number in numbers:
            state = _mixed(state ^ _mixed(number + _GOLDEN))
        return (state >> 11) * 2.0**-53


_GOLDEN = 0x9E3779B97F4A7C15
_WORD = (1 << 64) - 1


def _mixed(z: int) -> int:
    z &= _WORD
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & _WORD
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & _WORD
    return z ^ (z >> 31)
