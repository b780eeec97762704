"""Events: what happened to a fleet, and why; one record each. Knows no clock."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class FleetEvent:
    """One event of a pool at `at_s` from the window's start.

    `kind` is a word for programs (scale, ready, rollout, crash, node-failure, repair, outage,
    outage-over, notice, no-capacity), `reason` a sentence for people; `wanted`, spare ones
    included, and `ready` are the replicas wanted and ready after it.
    """

    at_s: float
    pool: str
    kind: str
    reason: str
    wanted: int
    ready: int
