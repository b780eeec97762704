"""Node: the machine that is rented, and its price; knows no clock."""

from __future__ import annotations

from typing import Annotated, Any, Self

from pydantic import BeforeValidator, Field, model_validator

from sim.catalog.names import UnknownName
from sim.catalog.prices import GpuPrice, price, prices
from sim.scenario.hint import listed
from sim.scenario.scalar import Count, Number
from sim.scenario.spec import Fault, Spec
from sim.units import shown

_Usd = Annotated[Number, Field(gt=0, le=1e6)]

PRICE_KEYS = ("price", "usd_per_hour", "usd_per_gpu_hour")
"""The three ways to say what a node costs; exactly one is given."""


def price_rows(gpu: str | None) -> list[str]:
    """Return the keys of the catalog's price rows for *gpu*, of all rows without one."""
    return [row.key for row in prices() if gpu is None or row.gpu == gpu]


def _check_price(value: Any) -> Any:
    if value is None:
        return None
    if isinstance(value, str):
        return _check_row(value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        rule = "must be the name of a price row, or a number: USD per node-hour"
        raise Fault(f"{rule} (got {shown(value)})")
    if not 0 < value <= 1e6:  # false for NaN too
        raise Fault(f"must be more than 0 and at most 1e6 USD per node-hour (got {shown(value)})")
    return float(value)


def _check_row(key: str) -> str:
    try:
        price(key)
    except UnknownName as unknown:
        meant = f"; did you mean {unknown.suggestion!r}?" if unknown.suggestion else ";"
        parts = key.split("/")
        near = [row for row in unknown.choices if any(part in row.split("/") for part in parts)]
        rows = listed(near or unknown.choices)
        raise Fault(f"no price row {shown(key)}{meant} rows: {rows}") from None
    return key


class Node(Spec):
    """One machine: how many GPUs it has, and what an hour of it costs."""

    gpus: Annotated[Count, Field(ge=1, le=1024)] = Field(default=1, description="GPUs of a node.")
    price: Annotated[str | float | None, BeforeValidator(_check_price)] = Field(
        default=None,
        description="A price row of the catalog (its price counts for every GPU of the node), or "
        "a number: USD per node-hour.",
        json_schema_extra={"x-catalog": "prices"},
    )
    usd_per_hour: _Usd | None = Field(default=None, description="USD per node-hour.")
    usd_per_gpu_hour: _Usd | None = Field(
        default=None, description="USD per GPU-hour; a node costs gpus times this."
    )

    @model_validator(mode="after")
    def _one_price(self) -> Self:
        given = [key for key in PRICE_KEYS if getattr(self, key) is not None]
        if len(given) > 1:
            raise Fault(f"give only one of {', '.join(given)}", given[-1], whole=True)
        return self

    @property
    def has_price(self) -> bool:
        """Whether any of the three price keys is given."""
        return any(getattr(self, key) is not None for key in PRICE_KEYS)

    @property
    def price_row(self) -> GpuPrice | None:
        """The catalog's row that `price` names; None if the price is a number."""
        return price(self.price) if isinstance(self.price, str) else None

    @property
    def usd_per_node_hour(self) -> float:
        """List price of one node for one hour, in USD; raises ValueError without any price."""
        if self.usd_per_hour is not None:
            return self.usd_per_hour
        if self.usd_per_gpu_hour is not None:
            return self.usd_per_gpu_hour * self.gpus
        if row := self.price_row:
            return row.usd_per_gpu_hour * self.gpus
        if isinstance(self.price, float):
            return self.price
        raise ValueError("the node has no price")
