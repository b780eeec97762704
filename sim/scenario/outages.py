"""Outage: a time at which part of a pool's nodes is gone, as scripted; knows no clock."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import Field, model_validator

from sim.scenario.period import Period
from sim.scenario.scalar import Label, Name
from sim.scenario.spec import Fault
from sim.units import Share


class Outage(Period):
    """``{at: 14h, for: 1h, zone: a}`` or ``{at: 2h, for: 120s, share: 80%}``."""

    zone: Name | None = Field(default=None, description="The zone whose nodes all fail.")
    share: Annotated[Share, Field(gt=0)] | None = Field(
        default=None,
        description="Or the part of the pool's nodes that fails, rounded up to whole nodes: 80%.",
    )
    name: Label | None = Field(default=None, description="What it is, for people.")

    @model_validator(mode="after")
    def _says_what_is_gone(self) -> Self:
        if (self.zone is None) == (self.share is None):
            got = "neither" if self.zone is None else "both"
            raise Fault(f"needs zone or share, to say which nodes are gone (got {got})")
        return self
