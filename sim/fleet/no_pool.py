"""No pool: what stands in the place of a pool where there is none. Knows no clock."""

from __future__ import annotations

from sim.serving.sequence import Outcome, Sequence


class NoPool:
    """A pool without a replica, ever: whoever is sent to it goes to a hosted API instead."""

    routed = 0

    def on_missed(self) -> None:
        """Nobody has to be woken."""

    def abort(self, sequence: Sequence, outcome: Outcome) -> None:
        """Nothing is ever inside that could be taken out."""
        raise AssertionError(f"{sequence} was never sent to a pool, so it cannot leave one")

    def submit(self, sequence: Sequence) -> None:
        """Nothing is ever sent."""
        raise AssertionError(f"{sequence} has no pool to go to")
