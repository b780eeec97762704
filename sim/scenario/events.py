"""Event: a time at which more or fewer requests come than usual; knows no clock."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from sim.scenario.period import Period
from sim.scenario.scalar import Label, Number


class Event(Period):
    """A launch, a campaign, an outage of the callers: the rate is multiplied for a while."""

    times: Annotated[Number, Field(ge=0, le=1000)] = Field(
        description="The rate is multiplied by this; 0 is silence. Events that overlap multiply."
    )
    name: Label | None = Field(default=None, description="What it is, for people.")
