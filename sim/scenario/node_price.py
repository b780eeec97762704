"""Node price: the three ways to say what an hour of a machine costs; knows no clock."""

from __future__ import annotations

from typing import Annotated, Any, Self

from pydantic import BeforeValidator, Field, model_validator

from sim.catalog.names import UnknownName
from sim.catalog.prices import GpuPrice, price, prices
from sim.scenario.hint import listed
from sim.scenario.scalar import Number
from sim.scenario.spec import Fault, Spec
from sim.units import shown

_Usd = Annotated[Number, Field(gt=0, le=1e6)]

PRICE_KEYS = ("price", "usd_per_hour", "usd_per_gpu_hour")
"""The three ways to say what a node costs; exactly one is given."""

PRICE_WAYS = "give price (a row of the catalog), usd_per_hour (a node) or usd_per_gpu_hour"
"""The same, as messages say it."""


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


class NodePrice(Spec):
    """What an hour of one machine costs, by one of `PRICE_KEYS` at most."""

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

    def usd_per_hour_of(self, gpus: int) -> float:
        """Return what a node of *gpus* costs for one hour, in USD; ValueError without any price."""
        if self.usd_per_hour is not None:
            return self.usd_per_hour
        if self.usd_per_gpu_hour is not None:
            return self.usd_per_gpu_hour * gpus
        if row := self.price_row:
            return row.usd_per_gpu_hour * gpus
        if isinstance(self.price, float):
            return self.price
        raise ValueError("the node has no price")
