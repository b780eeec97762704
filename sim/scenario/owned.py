"""Owned: nodes that were bought, and what an hour of one comes to; knows no clock."""

from __future__ import annotations

import math
from typing import Annotated, Self

from pydantic import Field, model_validator

from sim.scenario.scalar import Count, Number
from sim.scenario.spec import Fault, Spec
from sim.units import HOURS_PER_MONTH, Share

HOURS_PER_YEAR = 12.0 * HOURS_PER_MONTH

_Usd = Annotated[Number, Field(ge=0, le=1e9)]


def annuity_usd_per_year(price_usd: float, salvage_usd: float, years: float, rate: float) -> float:
    """Return the equal yearly payment that *price_usd* less the discounted salvage amounts to.

    (P - S / (1 + i)^n) x i / (1 - (1 + i)^-n), payments at the end of each year: the equivalent
    annual cost of Brealey, Myers and Allen, Principles of Corporate Finance, ch. 6. At a rate of
    0 it is straight-line depreciation.

    >>> round(annuity_usd_per_year(300_000, 30_000, 4, 0.10), 2)
    88177.12
    >>> annuity_usd_per_year(100, 20, 4, 0)
    20.0
    """
    growth = years * math.log1p(rate)
    present_usd = price_usd - salvage_usd * math.exp(-growth)
    factor = rate / -math.expm1(-growth) if growth > 1e-12 else 1.0 / years
    return present_usd * factor


class Owned(Spec):
    """Machines that are bought once, and then paid whether used or not."""

    nodes: Annotated[Count, Field(ge=1, le=100_000)] = Field(
        description="Nodes that serve; what the fleet needs beyond them is paid at the list price."
    )
    purchase_usd: _Usd = Field(description="USD for one node, delivered and installed.")
    years: Annotated[Number, Field(gt=0, le=50)] = Field(description="Years that it is kept.")
    salvage_usd: _Usd | None = Field(
        default=None, description="USD that one node brings at the end. Default: 0."
    )
    salvage_share: Share | None = Field(
        default=None, description="The same as a share of purchase_usd."
    )
    cost_of_capital: Share = Field(
        default=0.0,
        description="Yearly interest on what is bound in it: 8% or 0.08. Default: none, which is "
        "straight-line depreciation.",
    )
    kw: Annotated[Number, Field(ge=0, le=1e4)] = Field(
        default=0.0, description="Mean power that a node draws at the plug, in kW."
    )
    unused_kw: Annotated[Number, Field(ge=0, le=1e4)] | None = Field(
        default=None,
        description="The same of a node that the fleet does not use just then. Default: kw; 0 if "
        "it is switched off.",
    )
    pue: Annotated[Number, Field(ge=1, le=10)] = Field(
        default=1.0, description="Power of the whole building over that of its machines."
    )
    usd_per_kwh: Annotated[Number, Field(ge=0, le=100)] = Field(
        default=0.0, description="USD per kWh."
    )
    space_usd_per_month: _Usd = Field(
        default=0.0, description="USD per month for the place of one node: rack, network, hands."
    )
    spares: Annotated[Count, Field(ge=0, le=100_000)] = Field(
        default=0, description="Nodes that were bought to stand in for others, and do not serve."
    )

    @model_validator(mode="after")
    def _sound(self) -> Self:
        if self.salvage_usd is not None and self.salvage_share is not None:
            raise Fault("give salvage_usd or salvage_share, not both", "salvage_share")
        if self.salvage > self.purchase_usd:
            rule = f"must be at most purchase_usd, {self.purchase_usd:g}"
            raise Fault(f"{rule} (got {self.salvage:g})", "salvage_usd")
        if self.kw and not self.usd_per_kwh:
            raise Fault("is missing: what does a kWh cost? (kw is given)", "usd_per_kwh")
        if self.unused_kw is not None and self.unused_kw > self.kw:
            raise Fault(f"must be at most kw, {self.kw:g} (got {self.unused_kw:g})", "unused_kw")
        return self

    @property
    def salvage(self) -> float:
        """USD that one node brings at the end."""
        if self.salvage_share is not None:
            return self.salvage_share * self.purchase_usd
        return self.salvage_usd or 0.0

    @property
    def capital_usd_per_hour(self) -> float:
        """Annuity of one node per hour."""
        yearly_usd = annuity_usd_per_year(
            self.purchase_usd, self.salvage, self.years, self.cost_of_capital
        )
        return yearly_usd / HOURS_PER_YEAR

    def power_usd_per_hour(self, *, used: bool = True) -> float:
        """What a node's power costs per hour: kW x PUE x $ per kWh."""
        kw = self.kw if used or self.unused_kw is None else self.unused_kw
        return kw * self.pue * self.usd_per_kwh

    @property
    def space_usd_per_hour(self) -> float:
        """What a node's place costs per hour."""
        return self.space_usd_per_month / HOURS_PER_MONTH

    @property
    def spares_usd_per_hour(self) -> float:
        """A node's part of the spares per hour: their capital; they draw no power, and fill no
        place of their own."""
        return self.capital_usd_per_hour * self.spares / self.nodes

    def parts_usd_per_hour(self, *, used: bool = True) -> dict[str, float]:
        """USD per hour of one node by what it is for, those of nothing left out."""
        parts = {
            "capital": self.capital_usd_per_hour,
            "power": self.power_usd_per_hour(used=used),
            "space": self.space_usd_per_hour,
            "spares": self.spares_usd_per_hour,
        }
        return {name: usd for name, usd in parts.items() if usd > 0.0}

    def usd_per_node_hour(self, *, used: bool = True) -> float:
        """USD per hour of one node, all parts together."""
        return math.fsum(self.parts_usd_per_hour(used=used).values())
