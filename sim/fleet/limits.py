"""Limits: how many requests may wait in a pool, by their priority. Knows no clock."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping


class QueueLimits:
    """The limit of a priority is that of the nearest one given that is not below it in urgency.

    With {0: 512, 5: 100} priorities 5 and beyond (less urgent) are turned away from 100 waiting
    on, 0 to 4 from 512 on, and those below 0 never.
    """

    __slots__ = ("_limits", "_priorities", "any")

    def __init__(self, limits: Mapping[int, int] | int | None) -> None:
        if isinstance(limits, int):
            limits = {-(10**9): limits}
        ordered = sorted((limits or {}).items())
        self._priorities = [priority for priority, _ in ordered]
        self._limits = [limit for _, limit in ordered]
        self.any = bool(ordered)

    def of(self, priority: int) -> int | None:
        """Return how many may wait before one of *priority* is turned away; None: any number.

        >>> [QueueLimits({0: 512, 5: 100}).of(p) for p in (-1, 0, 4, 5, 9)]
        [None, 512, 512, 100, 100]
        """
        place = bisect_right(self._priorities, priority)
        return self._limits[place - 1] if place else None
