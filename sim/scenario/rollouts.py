"""Rollout: how a new version replaces a pool's replicas; knows no clock."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from sim.scenario.lognormal import SomeTime
from sim.scenario.scalar import Count
from sim.scenario.spec import Fault, Spec
from sim.units import Duration

DRAIN_S = 60.0
"""How long a replica may finish what it has, by default: as KServe 0.19 (15 s before + 45 s)."""


class Rollouts(Spec):
    """New versions that come at regular times, and replace replicas a few at a time."""

    every: SomeTime = Field(description="Time from one rollout to the next.")
    first: Duration | None = Field(
        default=None,
        description="When the first one begins, from the start of the horizon. Default: every.",
    )
    max_surge: Annotated[Count, Field(ge=0, le=10_000)] = Field(
        default=1,
        description="Replicas more than wanted while it lasts; 0 where there are no GPUs to spare. "
        "(Kubernetes' own default is 25 %.)",
    )
    max_unavailable: Annotated[Count, Field(ge=0, le=10_000)] = Field(
        default=0,
        description="Replicas fewer than wanted while it lasts. (Kubernetes' own default is 25 %.)",
    )
    sigterm: Literal["drain", "abort"] = Field(
        default="drain",
        description="What a replica does with the requests it has when it is told to stop: drain "
        "finishes them, abort fails them at once (vLLM's own default: its --shutdown-timeout is "
        "0).",
    )
    drain: Duration | None = Field(
        default=None,
        description="With sigterm: drain, how long it may take; what is left then fails. Default: "
        "60s (as KServe 0.19; Kubernetes' own grace is 30 s).",
    )

    @model_validator(mode="after")
    def _can_go_on(self) -> Self:
        if self.max_surge == self.max_unavailable == 0:
            rule = "0 needs a max_unavailable of 1 or more: else no replica could ever be replaced"
            raise Fault(rule, "max_surge")
        if self.sigterm == "abort" and self.drain is not None:
            rule = "has no effect with sigterm: abort, which fails the requests at once"
            raise Fault(f"{rule}; leave one of them out", "drain")
        if self.drain == 0:
            raise Fault("must be more than 0; to wait for nothing, say sigterm: abort", "drain")
        return self

    @property
    def first_at_s(self) -> float:
        """Begin of the first rollout, in seconds after the start of the horizon."""
        return self.every if self.first is None else self.first

    @property
    def drain_s(self) -> float:
        """Seconds that a replica may finish what it has; 0 if it aborts."""
        if self.sigterm == "abort":
            return 0.0
        return DRAIN_S if self.drain is None else self.drain
