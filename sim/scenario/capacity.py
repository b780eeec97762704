"""Capacity: whether the provider has a node when one is asked for; knows no clock."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from sim.scenario.lognormal import SomeTime
from sim.scenario.spec import Spec
from sim.units import Share


class Capacity(Spec):
    """How often a provider is out of nodes, and when it is asked again."""

    refused_share: Annotated[Share, Field(lt=1)] = Field(
        default=0.0,
        description="Chance that the provider has no node to give, each time it is asked.",
    )
    retry_after: SomeTime = Field(
        default=120.0, description="After a refusal it is asked again this much later."
    )
