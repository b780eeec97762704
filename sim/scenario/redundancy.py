"""Redundancy: replicas held on top of what the load asks for; knows no clock."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from sim.scenario.scalar import Count
from sim.scenario.spec import Fault, Spec


class Redundancy(Spec):
    """Spare replicas: a number of them, or as many as make up for the loss of a zone."""

    spare_replicas: Annotated[Count, Field(ge=1, le=10_000)] | None = Field(
        default=None, description="So many replicas more than are wanted for the load."
    )
    survive: Literal["zone"] | None = Field(
        default=None,
        description="zone: as many more that those wanted for the load are still there when any "
        "one zone is gone.",
    )

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if (self.spare_replicas is None) == (self.survive is None):
            got = "neither" if self.survive is None else "both"
            raise Fault(f"needs spare_replicas or survive: zone (got {got})")
        return self

    def total(self, wanted: int, zones: int) -> int:
        """Return the replicas to hold where the load wants *wanted*, spread over *zones* zones.

        Of n replicas the fullest of z zones holds ceil(n/z), so w are left without it as soon as
        n is w + ceil(w/(z - 1)). Raises ValueError for one zone, which nothing survives.

        >>> Redundancy(survive="zone").total(4, zones=3)
        6
        """
        if self.spare_replicas is not None:
            return wanted + self.spare_replicas
        if zones < 2:
            raise ValueError(f"no replicas survive the loss of a zone of {zones}")
        return wanted + -(-wanted // (zones - 1))
