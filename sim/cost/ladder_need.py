"""Need: replicas that perfect fleets would have for what came to a pool; knows no clock."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

ROUNDING = 1e-9
"""A need this little above a whole number of replicas is that number."""

Levels = NDArray[np.float64]
"""One number for each interval."""


@dataclass(frozen=True)
class Need:
    """What one pool's log asks for; several replications may be averaged field by field.

    `lengths` and `cache` are factors on replica-seconds: that requests differ, and that a prefix
    cache saves. `slo_s` are the replica-seconds of replicas that are as full as every SLO allows,
    None if none binds; `whole_s` those of whole replicas, as few as do in each interval, and
    `whole_by_interval` and `need_by_interval` their numbers with and without rounding up.
    `held_by_min_s` are seconds in which replicas were ready only since the pool may not have fewer.
    """

    lengths: float = 1.0
    cache: float = 1.0
    slo_s: float | None = None
    whole_s: float = 0.0
    held_by_min_s: float = 0.0
    whole_by_interval: Levels = field(default_factory=lambda: np.zeros(0))
    need_by_interval: Levels = field(default_factory=lambda: np.zeros(0))


def whole_replicas(need_s: Levels, lengths_s: Levels) -> Levels:
    """The fewest replicas that give *need_s* replica-seconds in intervals of *lengths_s*.

    >>> whole_replicas(np.array([0.0, 300.0, 301.0]), np.array([300.0, 300.0, 300.0])).tolist()
    [0.0, 1.0, 2.0]
    """
    return np.ceil(np.round(need_s / lengths_s, 12) - ROUNDING) + 0.0


def needed(
    need_s: Levels,
    lengths_s: Levels,
    floor: Levels,
    floor_ready: Levels,
    *,
    lengths: float,
    cache: float,
    has_slo: bool,
) -> Need:
    """The need of one replication, whose log asks for *need_s* replica-seconds in each interval.

    *floor* and *floor_ready* say for which share of each interval a least number of replicas was
    in force, and how many were ready under it: what they are above the whole replicas that were
    needed is held by that rule alone.
    """
    whole = whole_replicas(need_s, lengths_s)
    held = np.maximum(0.0, floor_ready - whole * floor) if len(floor) else np.zeros(1)
    spans_s = lengths_s if len(floor) else np.zeros(1)
    return Need(
        lengths=lengths,
        cache=cache,
        slo_s=float(need_s.sum()) if has_slo else None,
        whole_s=float((whole * lengths_s).sum()),
        held_by_min_s=float((held * spans_s).sum()),
        whole_by_interval=whole,
        need_by_interval=need_s / lengths_s,
    )
