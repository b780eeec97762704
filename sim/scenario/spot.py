"""Spot: nodes that are cheaper, and that the provider takes back; knows no clock."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import Field, model_validator

from sim.scenario.lognormal import SomeTime
from sim.scenario.node_price import PRICE_WAYS, NodePrice
from sim.scenario.spec import Fault
from sim.units import Duration, Share


class Spot(NodePrice):
    """Part of a pool's nodes rented at a spot price, until the provider wants them back."""

    share: Annotated[Share, Field(gt=0)] = Field(
        default=1.0, description="Part of the pool's nodes that are spot nodes: 50% or 0.5."
    )
    mean_life: SomeTime = Field(
        description="Mean time that a spot node is up until the notice that it will be taken back, "
        "exponential; there is no default, since published figures differ a hundredfold."
    )
    notice: Duration = Field(
        default=120.0,
        description="Warning before it is gone, in which it drains: AWS 120s, Google and Azure "
        "30s (their documentation).",
    )

    @model_validator(mode="after")
    def _has_a_price(self) -> Self:
        if not self.has_price:
            raise Fault(f"has no price: {PRICE_WAYS}")
        return self
