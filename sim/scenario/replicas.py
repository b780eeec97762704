"""Replicas: how many engines a pool has, or between which bounds; knows no clock."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Self

from pydantic import Discriminator, Field, Tag, model_validator

from sim.scenario.kind import TAG_MARK, tag
from sim.scenario.scalar import Count
from sim.scenario.spec import Fault, Spec

MOST_REPLICAS = 10_000
"""Replicas that a pool may have."""

_Some = Annotated[Count, Field(ge=1, le=MOST_REPLICAS)]


class ReplicaRange(Spec):
    """Between which bounds an autoscaler may move a pool's replicas."""

    min: Annotated[Count, Field(ge=0, le=MOST_REPLICAS)] = Field(
        description="Fewest replicas; 0 needs scale_to_zero."
    )
    max: _Some = Field(description="Most replicas.")
    start: Annotated[Count, Field(ge=0, le=MOST_REPLICAS)] | None = Field(
        default=None,
        description="Replicas that are ready when the simulation begins. Default: min, or 1 if "
        "that is 0.",
    )

    @model_validator(mode="after")
    def _bounds_are_in_order(self) -> Self:
        if self.max < self.min:
            raise Fault(f"must be at least min, {self.min} (got {self.max})", "max")
        if self.start is not None and not self.min <= self.start <= self.max:
            rule = f"must be from min to max, {self.min} to {self.max}"
            raise Fault(f"{rule} (got {self.start})", "start")
        return self

    @property
    def first(self) -> int:
        """Replicas that are ready when the simulation begins."""
        return (self.min or 1) if self.start is None else self.start


def _tag_of(value: Any) -> str:
    return tag(ReplicaRange) if isinstance(value, Mapping | Spec) else TAG_MARK + "number"


Replicas = Annotated[
    Annotated[_Some, Tag(TAG_MARK + "number")] | Annotated[ReplicaRange, Tag(tag(ReplicaRange))],
    Discriminator(_tag_of),
]
"""So many replicas all the time, or ``{min: 1, max: 8, start: 2}`` for an autoscaler."""
