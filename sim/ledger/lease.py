"""Lease: a paid interval of a node, from the order to the end of what is billed. No clock."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np


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


def seconds_at_least(leases: Iterable[Lease], from_s: float, to_s: float) -> np.ndarray:
    """Return the seconds of [from_s, to_s) in which at least 1, 2, 3 ... of *leases* are paid.

    They sum to the paid seconds of all, however many there are at a time.

    >>> begun = [Lease("p", n, "a", False, "start", 1, 0, begun_at_s=10.0 * n) for n in (0, 1)]
    >>> seconds_at_least(begun, 0.0, 30.0)
    array([30., 20.])
    """
    spans = [
        (max(lease.begun_at_s, from_s), min(lease.paid_until_s, to_s))
        for lease in leases
        if lease.paid_s(from_s, to_s) > 0.0
    ]
    if not spans:
        return np.zeros(0)
    begins, ends = (np.array(edges) for edges in zip(*spans, strict=True))
    at_s = np.concatenate([begins, ends])
    order = np.argsort(at_s, kind="stable")
    by = np.concatenate([np.ones(len(begins)), -np.ones(len(ends))])[order]
    count = np.cumsum(by)[:-1].astype(np.int64)  # paid after each change but the last
    at_count = np.bincount(np.maximum(count, 0), weights=np.diff(at_s[order]))[1:]
    at_least: np.ndarray = np.cumsum(at_count[::-1])[::-1]
    return at_least
