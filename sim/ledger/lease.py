"""Lease: a paid interval of a node, from the order to the end of what is billed. No clock."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(slots=True)
class Lease:
    """One node as the provider bills it; times are written as they come.

    `cause`: why it was ordered (start, scale, rollout, replacement, warm). `paid_until_s` is the
    end of the last unit that was begun, infinity while the node is held. It has room for `slots`
    replicas, and `spare_gpus` besides.
    """

    pool: str
    node: int
    zone: str
    spot: bool
    cause: str
    slots: int
    spare_gpus: int
    begun_at_s: float
    up_at_s: float | None = None
    released_at_s: float | None = None
    paid_until_s: float = math.inf

    def paid_s(self, from_s: float, to_s: float) -> float:
        """Return the seconds within [from_s, to_s) that are paid."""
        return max(0.0, min(self.paid_until_s, to_s) - max(self.begun_at_s, from_s))
