"""Bill line: what a fleet costs beside its nodes, and what drives it; knows no clock."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from sim.scenario.scalar import Label, Name, Number
from sim.scenario.spec import Fault, Spec, with_default

Driver = Literal[
    "node_hours", "gpu_hours", "hours", "months", "egress_gb", "requests", "million_tokens"
]
"""What a line's price is multiplied by."""


class BillLine(Spec):
    """One line of the bill: a driver and a price."""

    line: Label = Field(description="Name of the line.")
    driver: Driver = Field(
        description="What is counted: paid node-hours or GPU-hours, hours or months (730 h) of "
        "simulated time, GB of answers sent, completed requests, or millions of useful tokens."
    )
    usd: Annotated[Number, Field(ge=0, le=1e9)] = Field(description="USD per unit of the driver.")
    kind: Literal["infra", "people"] = Field(
        default="infra",
        description="infra or people. Default: people if the driver is months (salaries come by "
        "the month), else infra.",
    )
    pool: Name | None = Field(
        default=None,
        description="Count this pool (or its routes) only, and charge it. Default: all.",
    )
    route: Name | None = Field(
        default=None,
        description="Count this route (or its pool's nodes) only, and charge it. Default: all.",
    )
    bytes_per_token: Annotated[Number, Field(gt=0, le=1e6)] = Field(
        default=4.0, description="Bytes of an output token on the wire, for egress_gb."
    )

    @model_validator(mode="before")
    @classmethod
    def _people_come_by_the_month(cls, data: Any) -> Any:
        by_the_month = isinstance(data, dict) and data.get("driver") == "months"
        return with_default(data, "kind", "people") if by_the_month else data

    @model_validator(mode="after")
    def _one_owner(self) -> Self:
        if self.pool is not None and self.route is not None:
            raise Fault("give pool or route, not both", "route")
        return self
