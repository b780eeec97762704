"""Node: the machine that is rented, and its price; knows no clock."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field, Strict

from sim.scenario.billing import Billing
from sim.scenario.distinct import Distinct
from sim.scenario.filled import Filled
from sim.scenario.node_price import NodePrice
from sim.scenario.scalar import Count, Name
from sim.scenario.spec import Fault
from sim.scenario.spot import Spot

MOST_ZONES = 64
"""Zones that a pool may stand in."""


def _not_too_many(zones: tuple[str, ...]) -> tuple[str, ...]:
    if len(zones) > MOST_ZONES:
        raise Fault(f"must be at most {MOST_ZONES} zones (got {len(zones)})")
    return zones


class Node(NodePrice):
    """One machine: how many GPUs it has, what an hour of it costs, where it stands."""

    gpus: Annotated[Count, Field(ge=1, le=1024)] = Field(default=1, description="GPUs of a node.")
    zones: Annotated[
        tuple[Name, ...], Strict(False), Filled, Distinct, AfterValidator(_not_too_many)
    ] = Field(
        default=("a",),
        description="Zones that the pool's nodes are spread over, evenly: what fails together. "
        "One, called a, by default.",
    )
    billing: Billing = Field(
        default_factory=Billing, description="How a node's lease becomes paid time."
    )
    spot: Spot | None = Field(
        default=None, description="Spot nodes among the pool's: cheaper, but taken back at times."
    )

    @property
    def usd_per_node_hour(self) -> float:
        """List price of one node for one hour, in USD; raises ValueError without any price."""
        return self.usd_per_hour_of(self.gpus)

    @property
    def usd_per_spot_node_hour(self) -> float:
        """Price of one spot node for one hour, in USD; raises ValueError without spot nodes."""
        if self.spot is None:
            raise ValueError("the pool has no spot nodes")
        return self.spot.usd_per_hour_of(self.gpus)
