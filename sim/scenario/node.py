"""Node: the machine that is rented, and its price; knows no clock."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field, Strict

from sim.scenario.billing import Billing
from sim.scenario.distinct import Distinct
from sim.scenario.filled import Filled
from sim.scenario.node_price import NodePrice
from sim.scenario.owned import Owned
from sim.scenario.reserved import Reserved
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
    reserved: Reserved | None = Field(
        default=None,
        description="Nodes that are committed to: cheaper, but paid whether used or not.",
    )
    owned: Owned | None = Field(
        default=None,
        description="Nodes that were bought: paid whether used or not. Without a price, what an "
        "hour of one costs is the list price too.",
    )

    @property
    def is_priced(self) -> bool:
        """Whether it is known what an hour costs: by a price, or by what an owned node costs."""
        return self.has_price or self.owned is not None

    @property
    def usd_per_node_hour(self) -> float:
        """List price of one node for one hour, in USD; that of an owned one, used, without any.

        Raises ValueError without either.
        """
        if not self.has_price and self.owned is not None:
            return self.owned.usd_per_node_hour()
        return self.usd_per_hour_of(self.gpus)

    @property
    def usd_per_reserved_node_hour(self) -> float:
        """Price of one reserved node for one hour, in USD; raises ValueError without any."""
        if self.reserved is None:
            raise ValueError("the pool has no reserved nodes")
        return self.reserved.usd_per_node_hour(self.gpus, self.usd_per_node_hour)

    @property
    def committed_nodes(self) -> int:
        """Nodes that are paid whether used or not: owned ones and reserved ones."""
        return sum(some.nodes for some in (self.owned, self.reserved) if some is not None)

    @property
    def usd_per_spot_node_hour(self) -> float:
        """Price of one spot node for one hour, in USD; raises ValueError without spot nodes."""
        if self.spot is None:
            raise ValueError("the pool has no spot nodes")
        return self.spot.usd_per_hour_of(self.gpus)
