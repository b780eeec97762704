"""Leaving: which replicas of a pool are stopped before others. Knows no clock."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

from sim.fleet.seat import Seat, State


def least_missed(seats: Iterable[Seat]) -> Iterator[Seat]:
    """Yield *seats*, first those not ready, then those of fuller zones and emptier nodes.

    One whose death is unnoticed counts as ready. The next is chosen when it is asked for: what
    became of those before it counts. O(seats) each.
    """
    left = list(seats)
    in_zone = Counter(seat.node.zone for seat in left)
    while left:
        seat = min(
            left,
            key=lambda s: (
                s.seems_ready,
                State.READY if s.seems_ready else s.state,
                -in_zone[s.node.zone],
                len(s.node.seats),
                s.held,
                -s.index,
            ),
        )
        left.remove(seat)
        in_zone[seat.node.zone] -= 1
        yield seat
