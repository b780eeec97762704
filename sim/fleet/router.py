"""Router: which replica of a pool serves a request. Sees loads and shared content, never lengths.

A load is the number of sequences that a replica holds, waiting or running.
"""

from __future__ import annotations

from hashlib import blake2b
from typing import Protocol

import numpy as np

from sim.serving.sequence import Prefix


class Router(Protocol):
    """Chooses among replicas 0 … n-1; told of each sequence that it sent and that has left."""

    def pick(self, prefix: Prefix | None) -> int:
        """The replica for a request with this shared *prefix*; it counts as held from now on."""
        ...

    def left(self, replica: int) -> None:
        """A sequence has left *replica*."""
        ...


class Loads:
    """How many sequences each replica holds, and which hold the fewest. All O(1).

    Replicas of equal load form one bit mask, so that moving one is two bit operations.
    """

    __slots__ = ("_least", "_masks", "_next", "of")

    def __init__(self, replicas: int) -> None:
        self.of = [0] * replicas
        self._masks = [(1 << replicas) - 1]
        self._least = 0
        self._next = 0

    def take(self) -> int:
        """One more on one of the least loaded, taking turns among equals; return which."""
        least, masks, turn = self._least, self._masks, self._next
        mask = masks[least]
        ahead = mask >> turn
        if ahead:
            index = turn + (ahead & -ahead).bit_length() - 1
        else:
            index = (mask & -mask).bit_length() - 1
        self._next = index + 1
        bit = 1 << index
        self.of[index] = least + 1
        masks[least] = mask = mask ^ bit
        if least + 1 == len(masks):
            masks.append(bit)
        else:
            masks[least + 1] |= bit
        if not mask:
            self._least = least + 1
        return index

    def add(self, replica: int) -> None:
        """One more on *replica*."""
        load = self.of[replica]
        masks, bit = self._masks, 1 << replica
        self.of[replica] = load + 1
        masks[load] ^= bit
        if load + 1 == len(masks):
            masks.append(0)
        masks[load + 1] |= bit
        if load == self._least and not masks[load]:
            self._least = load + 1

    def remove(self, replica: int) -> None:
        """One fewer on *replica*."""
        load = self.of[replica] - 1
        masks, bit = self._masks, 1 << replica
        self.of[replica] = load
        masks[load + 1] ^= bit
        masks[load] |= bit
        if load < self._least:
            self._least = load


class LeastLoaded:
    """The replica that holds the fewest sequences; equals take turns."""

    def __init__(self, replicas: int) -> None:
        self.loads = Loads(replicas)

    def pick(self, prefix: Prefix | None) -> int:
        """O(1)."""
        return self.loads.take()

    def left(self, replica: int) -> None:
        """O(1)."""
        self.loads.remove(replica)


class OnlyOne:
    """The router of a pool of one."""

    def pick(self, prefix: Prefix | None) -> int:
        """O(1)."""
        return 0

    def left(self, replica: int) -> None:
        """There is nothing to choose."""


class RoundRobin:
    """Each in turn, whatever its load."""

    def __init__(self, replicas: int) -> None:
        self.replicas = replicas
        self._last = -1

    def pick(self, prefix: Prefix | None) -> int:
        """O(1)."""
        self._last = index = (self._last + 1) % self.replicas
        return index

    def left(self, replica: int) -> None:
        """Loads are not looked at."""


class PowerOfTwo:
    """The less loaded of two drawn at random (Mitzenmacher 2001)."""

    def __init__(self, replicas: int, rng: np.random.Generator) -> None:
        self.loads = [0] * replicas
        self._rng = rng
        self._drawn: list[float] = []

    def pick(self, prefix: Prefix | None) -> int:
        """O(1), draws amortised."""
        if len(self._drawn) < 2:
            self._drawn = self._rng.random(4096).tolist()
        n = len(self.loads)
        one = int(self._drawn.pop() * n)
        two = int(self._drawn.pop() * (n - 1)) if n > 1 else one
        two += two >= one and n > 1
        index = two if self.loads[two] < self.loads[one] else one
        self.loads[index] += 1
        return index

    def left(self, replica: int) -> None:
        """O(1)."""
        self.loads[replica] -= 1


class PrefixAffinity:
    """The same replica for the same conversation, unless it holds much more than its share.

    The home of a request is a hash of its *last* shared piece that other requests have sent
    before, so that conversations spread and each returns to its own cache. A home that would
    hold more than *slack* times the mean load passes the request on to the least loaded
    (bounded loads; Mirrokni, Thorup and Zadimoghaddam 2018).
    """

    def __init__(self, replicas: int, slack: float = 1.25, remembered: int = 1 << 16) -> None:
        self.loads = Loads(replicas)
        self.slack = slack
        self.total = 0
        self._homes: dict[object, int] = {}
        self._remembered = remembered

    def pick(self, prefix: Prefix | None) -> int:
        """O(pieces of the prefix)."""
        index = self._home(prefix)
        bound = self.slack * (self.total + 1) / len(self.loads.of)
        if index is None or self.loads.of[index] + 1 > max(bound, 1.0):
            index = self.loads.take()
        else:
            self.loads.add(index)
        if prefix:
            self._remember(prefix, index)
        self.total += 1
        return index

    def _home(self, prefix: Prefix | None) -> int | None:
        if not prefix:
            return None
        for key, _ in reversed(prefix):
            if (home := self._homes.get(key)) is not None:
                return home
        digest = blake2b(repr(prefix[-1][0]).encode(), digest_size=8).digest()
        return int.from_bytes(digest, "little") % len(self.loads.of)

    def _remember(self, prefix: Prefix, index: int) -> None:
        """Note where the content now is; forget the oldest beyond the bound."""
        homes = self._homes
        for key, _ in prefix[1:] or prefix:
            homes.pop(key, None)
            homes[key] = index
        while len(homes) > self._remembered:
            del homes[next(iter(homes))]

    def left(self, replica: int) -> None:
        """O(1)."""
        self.loads.remove(replica)
        self.total -= 1


def router(kind: str, replicas: int, rng: np.random.Generator) -> Router:
    """Build the router that a scenario names; *rng* is used by those that draw."""
    if replicas == 1:
        return OnlyOne()
    if kind == "round-robin":
        return RoundRobin(replicas)
    if kind == "power-of-two":
        return PowerOfTwo(replicas, rng)
    if kind == "prefix-affinity":
        return PrefixAffinity(replicas)
    return LeastLoaded(replicas)
