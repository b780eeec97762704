"""Router: which replica of a pool serves a request. Sees loads and shared content, never lengths.

A load is the number of sequences that a replica holds, waiting or running.
"""

from __future__ import annotations

from bisect import bisect_right, insort
from hashlib import blake2b
from typing import Protocol

import numpy as np

from sim.serving.sequence import Prefix
from sim.serving.turn import Turn

FEW = 8
"""Sequences that a conversation's home may hold whatever the others hold: so few share an engine
with hardly any loss, while a cache that is missed costs a whole prompt."""


class Router(Protocol):
    """Chooses among the open slots of a pool; told of each sequence that it sent and that has left.

    A slot is a whole number; those that were closed are used again.
    """

    def open(self) -> int:
        """Open a slot for one more replica, which holds nothing yet; return it."""
        ...

    def close(self, slot: int) -> None:
        """Send nothing to *slot* any more; nobody will say who leaves it."""
        ...

    def pick(self, prefix: Prefix | None, turn: Turn | None = None) -> int:
        """The slot for a request with this shared *prefix*, or for this *turn* of a conversation.

        It counts as held there from now on. Some slot must be open.
        """
        ...

    def left(self, slot: int) -> None:
        """A sequence has left *slot*, which is open."""
        ...


class Slots:
    """Which slots are open, in order, and which may be used again."""

    __slots__ = ("_closed", "_used", "open")

    def __init__(self) -> None:
        self.open: list[int] = []
        self._closed: list[int] = []
        self._used = 0

    def take(self) -> int:
        """Open the lowest slot that is closed, or a new one."""
        if self._closed:
            slot = min(self._closed)
            self._closed.remove(slot)
        else:
            slot = self._used
            self._used += 1
        insort(self.open, slot)
        return slot

    def give(self, slot: int) -> None:
        """Close *slot*."""
        self.open.remove(slot)
        self._closed.append(slot)


class Loads:
    """How many sequences each open slot holds, and which hold the fewest. All O(1).

    Slots of equal load form one bit mask, so that moving one is two bit operations.
    """

    __slots__ = ("_least", "_masks", "_next", "of")

    def __init__(self) -> None:
        self.of: list[int] = []
        self._masks = [0]
        self._least = 0
        self._next = 0

    def open(self, slot: int) -> None:
        """*slot* holds nothing, and may be taken."""
        if slot == len(self.of):
            self.of.append(0)
        self.of[slot] = 0
        self._masks[0] |= 1 << slot
        self._least = 0

    def close(self, slot: int) -> None:
        """*slot* is not taken any more."""
        masks = self._masks
        masks[self.of[slot]] ^= 1 << slot
        if any(masks):
            while not masks[self._least]:
                self._least += 1

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

    def add(self, slot: int) -> None:
        """One more on *slot*."""
        load = self.of[slot]
        masks, bit = self._masks, 1 << slot
        self.of[slot] = load + 1
        masks[load] ^= bit
        if load + 1 == len(masks):
            masks.append(0)
        masks[load + 1] |= bit
        if load == self._least and not masks[load]:
            self._least = load + 1

    def remove(self, slot: int) -> None:
        """One fewer on *slot*."""
        load = self.of[slot] - 1
        masks, bit = self._masks, 1 << slot
        self.of[slot] = load
        masks[load + 1] ^= bit
        masks[load] |= bit
        if load < self._least:
            self._least = load


class LeastLoaded:
    """The slot that holds the fewest sequences; equals take turns."""

    def __init__(self) -> None:
        self.slots = Slots()
        self.loads = Loads()

    def open(self) -> int:
        """O(slots)."""
        slot = self.slots.take()
        self.loads.open(slot)
        return slot

    def close(self, slot: int) -> None:
        """O(slots)."""
        self.slots.give(slot)
        self.loads.close(slot)

    def pick(self, prefix: Prefix | None, turn: Turn | None = None) -> int:
        """O(1)."""
        return self.loads.take()

    def left(self, slot: int) -> None:
        """O(1)."""
        self.loads.remove(slot)


class OnlyOne:
    """The router of a pool that has one replica for ever."""

    def open(self) -> int:
        """The one slot."""
        return 0

    def close(self, slot: int) -> None:
        """There is nothing to remember."""

    def pick(self, prefix: Prefix | None, turn: Turn | None = None) -> int:
        """O(1)."""
        return 0

    def left(self, slot: int) -> None:
        """There is nothing to choose."""


class RoundRobin:
    """Each open slot in turn, whatever its load."""

    def __init__(self) -> None:
        self.slots = Slots()
        self._last = -1

    def open(self) -> int:
        """O(slots)."""
        return self.slots.take()

    def close(self, slot: int) -> None:
        """O(slots)."""
        self.slots.give(slot)

    def pick(self, prefix: Prefix | None, turn: Turn | None = None) -> int:
        """O(log slots)."""
        slots = self.slots.open
        place = bisect_right(slots, self._last)
        self._last = slot = slots[place] if place < len(slots) else slots[0]
        return slot

    def left(self, slot: int) -> None:
        """Loads are not looked at."""


class PowerOfTwo:
    """The less loaded of two drawn at random (Mitzenmacher 2001)."""

    def __init__(self, rng: np.random.Generator) -> None:
        self.slots = Slots()
        self.loads: list[int] = []
        self._rng = rng
        self._drawn: list[float] = []

    def open(self) -> int:
        """O(slots)."""
        slot = self.slots.take()
        if slot == len(self.loads):
            self.loads.append(0)
        self.loads[slot] = 0
        return slot

    def close(self, slot: int) -> None:
        """O(slots)."""
        self.slots.give(slot)

    def pick(self, prefix: Prefix | None, turn: Turn | None = None) -> int:
        """O(1), draws amortised."""
        if len(self._drawn) < 2:
            self._drawn = self._rng.random(4096).tolist()
        slots = self.slots.open
        n = len(slots)
        one = int(self._drawn.pop() * n)
        two = int(self._drawn.pop() * (n - 1)) if n > 1 else one
        two += two >= one and n > 1
        one, two = slots[one], slots[two]
        slot = two if self.loads[two] < self.loads[one] else one
        self.loads[slot] += 1
        return slot

    def left(self, slot: int) -> None:
        """O(1)."""
        self.loads[slot] -= 1


class PrefixAffinity:
    """The same replica for the same conversation, unless it holds much more than its share.

    The home of a request is that of its conversation, or a hash of its *last* shared piece that
    other requests have sent before, so that conversations spread and each returns to its cache. A
    home that would hold more than *slack* times the mean load, and more than *few*, passes the
    request on to the least loaded (bounded loads; Mirrokni, Thorup and Zadimoghaddam 2018).
    """

    def __init__(self, slack: float = 1.25, few: int = 1, remembered: int = 1 << 16) -> None:
        self.slots = Slots()
        self.loads = Loads()
        self.slack = slack
        self.few = few
        self.total = 0
        self._homes: dict[object, int] = {}
        self._remembered = remembered

    def open(self) -> int:
        """O(slots)."""
        slot = self.slots.take()
        self.loads.open(slot)
        return slot

    def close(self, slot: int) -> None:
        """What was at home there gets a new home when it comes again. O(homes)."""
        self.total -= self.loads.of[slot]
        self.slots.give(slot)
        self.loads.close(slot)
        self._homes = {key: home for key, home in self._homes.items() if home != slot}

    def pick(self, prefix: Prefix | None, turn: Turn | None = None) -> int:
        """O(pieces of the prefix)."""
        if turn is not None:
            prefix = (*(prefix or ()), (turn.conversation, 0))
        slot = self._home(prefix)
        bound = self.slack * (self.total + 1) / len(self.slots.open)
        if slot is None or self.loads.of[slot] + 1 > max(bound, self.few):
            slot = self.loads.take()
        else:
            self.loads.add(slot)
        if prefix:
            self._remember(prefix, slot)
        self.total += 1
        return slot

    def _home(self, prefix: Prefix | None) -> int | None:
        if not prefix:
            return None
        for key, _ in reversed(prefix):
            if (home := self._homes.get(key)) is not None:
                return home
        digest = blake2b(repr(prefix[-1][0]).encode(), digest_size=8).digest()
        return self.slots.open[int.from_bytes(digest, "little") % len(self.slots.open)]

    def _remember(self, prefix: Prefix, slot: int) -> None:
        """Note where the content now is; forget the oldest beyond the bound."""
        homes = self._homes
        for key, _ in prefix[1:] or prefix:
            homes.pop(key, None)
            homes[key] = slot
        while len(homes) > self._remembered:
            del homes[next(iter(homes))]

    def left(self, slot: int) -> None:
        """O(1)."""
        self.loads.remove(slot)
        self.total -= 1


def router(kind: str, most: int, rng: np.random.Generator) -> Router:
    """Build the router that a scenario names, for at most *most* replicas; some draw from *rng*.

    Its slots have still to be opened.
    """
    if most == 1:
        return OnlyOne()
    if kind == "round-robin":
        return RoundRobin()
    if kind == "power-of-two":
        return PowerOfTwo(rng)
    if kind == "prefix-affinity":
        return PrefixAffinity(few=FEW)
    return LeastLoaded()
