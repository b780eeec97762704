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
        text = "\x1f".join(f"{type(part).__name__}:{part}" for part in (purpose, *owner))
        digest = hashlib.sha256(text.encode()).digest()
        words = tuple(int.from_bytes(digest[i : i + 4], "little") for i in range(0, 16, 4))
        sequence = np.random.SeedSequence(self.seed, spawn_key=(self.replication, *words))
        return np.random.Generator(np.random.PCG64(sequence))
