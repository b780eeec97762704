"""Reserved: nodes that are committed to for a term, and paid whether used or not; no clock."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import Field, model_validator

from sim.scenario.lognormal import SomeTime
from sim.scenario.node_price import PRICE_WAYS, NodePrice
from sim.scenario.scalar import Count, Number
from sim.scenario.spec import Fault
from sim.units import Share

HOUR_S = 3600.0


class Reserved(NodePrice):
    """So many nodes at a lower price, by the hour, up front, or both; not with spot's."""

    nodes: Annotated[Count, Field(ge=1, le=100_000)] = Field(
        description="Nodes that are committed to, and paid whether used or not."
    )
    discount: Annotated[Share, Field(lt=1)] | None = Field(
        default=None, description="Instead of a price: so much less than the node's list price."
    )
    upfront_usd: Annotated[Number, Field(ge=0, le=1e9)] = Field(
        default=0.0,
        description="USD paid at once for each node, beside what an hour costs (none, if no price "
        "is given). It is spread evenly over the term.",
    )
    term: SomeTime | None = Field(
        default=None, description="Length of the commitment, such as 365d; needed with upfront_usd."
    )

    @model_validator(mode="after")
    def _is_priced_once(self) -> Self:
        if self.discount is not None and self.has_price:
            raise Fault("give a price or a discount, not both", "discount")
        if not self.has_price and self.discount is None and not self.upfront_usd:
            raise Fault(f"has no price: {PRICE_WAYS}, discount, or upfront_usd")
        if self.upfront_usd and self.term is None:
            raise Fault("is missing: over how long is upfront_usd spread? Such as 365d", "term")
        return self

    def usd_per_node_hour(self, gpus: int, list_usd: float) -> float:
        """Return what a node of *gpus* costs for one hour of the term, in USD.

        >>> Reserved(nodes=2, discount="40%").usd_per_node_hour(8, 30.0)
        18.0
        >>> Reserved(nodes=2, upfront_usd=87_600, term="365d").usd_per_node_hour(8, 30.0)
        10.0
        """
        upfront = self.upfront_usd / (self.term / HOUR_S) if self.term is not None else 0.0
        if self.discount is not None:
            return list_usd * (1.0 - self.discount) + upfront
        return (self.usd_per_hour_of(gpus) if self.has_price else 0.0) + upfront
