"""Run: consecutive decode steps of one unchanging batch, as a closed form. Knows no clock.

Step j (from 0) lasts `first_s` + `growth_s`·j, since the batch's context grows by one token per
sequence and step; so step j begins at `begin_s` + j·first_s + growth_s·j(j−1)/2.
"""

from __future__ import annotations

from math import ceil, sqrt

TICK_S = 1e-6
"""What comes within a tick after a boundary counts as come by then: rounding decides nothing."""


class Run:
    """The steps that are planned: `count` of them from `begin_s` to `end_s`.

    One prefill step may stand before them, from `lead_begin_s` to `begin_s`, its effects booked
    already; without one the two are equal.
    """

    __slots__ = ("begin_s", "count", "end_s", "first_s", "growth_s", "lead_begin_s")

    def __init__(self) -> None:
        self.lead_begin_s = 0.0
        self.begin_s = 0.0
        self.end_s = 0.0
        self.first_s = 0.0
        self.growth_s = 0.0
        self.count = 0

    def boundary_s(self, step: int) -> float:
        """When step *step* (from 0) begins."""
        return self.begin_s + step * self.first_s + self.growth_s * (0.5 * step * (step - 1))

    def length_s(self) -> float:
        """What its steps take: their lengths, not the clock's, which rounds in the long run."""
        return self.count * self.first_s + self.growth_s * (0.5 * self.count * (self.count - 1))

    def last_begin_s(self) -> float:
        """When the last step begins; that of the lead, if no other is left."""
        return self.boundary_s(self.count - 1) if self.count else self.lead_begin_s

    def boundary_after(self, at_s: float) -> int:
        """The first boundary (from 0) that lies at or after *at_s*, a tick granted. O(1).

        Solves step·first_s + growth_s·step(step-1)/2 = wait for the step, in the form that does not
        cancel; what rounding does to it is far less than a tick.
        """
        wait_s = at_s - TICK_S - self.begin_s
        if wait_s <= 0.0:
            return 0
        growth_s = self.growth_s
        first_s = self.first_s - 0.5 * growth_s
        return ceil(2.0 * wait_s / (first_s + sqrt(first_s * first_s + 2.0 * growth_s * wait_s)))

    def cut(self, count: int) -> bool:
        """End after *count* steps, if that is sooner than planned; say whether it was."""
        if count >= self.count:
            return False
        self.count = count
        self.end_s = self.boundary_s(count)
        return True
