"""Scaler: what an autoscaler sees of a pool, and what it decides. Kernel-free: time is told."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from sim.scenario.hpa_manifest import Gauge


@dataclass(frozen=True, slots=True)
class PodValues:
    """What the replicas of a pool tell of one gauge, at one scrape.

    *values* are those of the replicas that answered; *missing* run but did not answer (they load
    weights, say); *pending* do not run yet (their node or image is still to come).
    """

    values: Sequence[float]
    missing: int = 0
    pending: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """A pool as its autoscaler sees it: counts of now, measurements as old as the metric delay.

    *starting*: wanted, but not ready: ordered, starting, or being replaced after a failure.
    *p95_tpot_s*, *p95_ttft_s*: over the requests that finished in the window; None if none did.
    *oldest_wait_s*: age of the request that has waited longest, 0 if none waits. *held*: requests
    in the pool, waiting or running. *floor_tpot_s*: TPOT of a request that is alone.
    *requests_per_s*, *tokens_per_s*: demand since the observation before this one.
    """

    now_s: float
    ready: int
    starting: int = 0
    p95_tpot_s: float | None = None
    p95_ttft_s: float | None = None
    oldest_wait_s: float = 0.0
    held: int = 0
    floor_tpot_s: float = 0.0
    requests_per_s: float = 0.0
    tokens_per_s: float = 0.0
    gauges: Mapping[Gauge, PodValues] = field(default_factory=dict)

    @property
    def wanted(self) -> int:
        """Replicas that are wanted now: ready or starting."""
        return self.ready + self.starting


@dataclass(frozen=True, slots=True)
class Decision:
    """How many replicas are wanted, ready and starting together, and why."""

    replicas: int
    reason: str


class Scaler(Protocol):
    """Decides how many replicas a pool should have; asked again and again as time goes on."""

    def decide(self, seen: Observation) -> Decision:
        """Return what is wanted from `seen.now_s` on; the caller carries it out at once."""
        ...
