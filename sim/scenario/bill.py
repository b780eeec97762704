"""Bill line: what a fleet costs beside its nodes, and what drives it; knows no clock."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import (
    BeforeValidator,
    Field,
    Strict,
    ValidationInfo,
    field_validator,
    model_validator,
)

from sim.catalog.bill_prices import BillPrice
from sim.scenario.bill_price import RowName, row_or_none
from sim.scenario.distinct import Distinct
from sim.scenario.filled import Filled
from sim.scenario.lognormal import SomeTime
from sim.scenario.one_time import OneTime
from sim.scenario.scalar import Label, Name, Number
from sim.scenario.spec import Fault, Spec, raise_all, with_default
from sim.scenario.split import Split
from sim.units import Share

Driver = Literal[
    "node_hours", "gpu_hours", "replica_hours", "hours", "months", "requests", "million_tokens",
    "egress_gb", "cross_zone_gb", "log_gb", "stored_gb_months", "bill_usd",
]  # fmt: skip
"""What a line's price is multiplied by."""

PerTime = ("node_hours", "gpu_hours", "replica_hours", "hours", "months")
"""Drivers that go on whether anybody asks or not; these may be had several times."""

ByBytes = ("egress_gb", "cross_zone_gb", "log_gb", "stored_gb_months")
"""Drivers that count bytes of requests and their tokens."""

TOKEN_BYTES = {"egress_gb": 4.0, "cross_zone_gb": 4.0}
"""Bytes of a token on the wire, some four letters; nothing of it is logged unless told."""

REQUEST_BYTES = {"log_gb": 1000.0, "stored_gb_months": 1000.0}
"""Bytes of a request beside its tokens: a line of a log (an assumption)."""

Kind = Literal["node", "commitment", "infra", "people", "hosted"]
"""Kinds of lines: nodes that are used, commitments that are not, all else, salaries, an API."""

SUPPORTED: tuple[Kind, ...] = ("node", "commitment", "infra")
"""Kinds whose dollars a percentage is taken of, by default."""

PRICES = ("usd", "price", "one_time", "percent")
"""The four ways to say what a line costs; exactly one is given."""

YOURS = "yours"
"""Source of a number without any other."""

_APPLIES: dict[str, tuple[str, ...]] = {
    "count": PerTime,
    "bytes_per_token": ByBytes,
    "bytes_per_request": ByBytes,
    "crossing": ("cross_zone_gb",),
    "gb": ("stored_gb_months",),
    "gb_per_node": ("stored_gb_months",),
    "retention": ("stored_gb_months",),
    "of": ("bill_usd",),
}
"""Keys, and the drivers that know them."""

_UNSAID: Any = None  # default of a field whose validator then misses it

_Usd = Annotated[Number, Field(ge=0, le=1e9)]
_Amount = Annotated[Number, Field(ge=0, le=1e9)]
_Bytes = Annotated[Number, Field(ge=0, le=1e6)]


def _as_share(value: Any) -> Any:
    return float(value) if isinstance(value, bool) else value


class BillLine(Spec):
    """One line of the bill: a driver and a price."""

    line: Label = Field(description="Name of the line.")
    price: RowName | None = Field(
        default=None,
        description="A row of the catalog's bill prices, such as aws/egress.",
        json_schema_extra={"x-catalog": "bill_prices"},
    )
    driver: Driver = Field(
        default=_UNSAID,
        validate_default=True,
        description="What is counted: paid node-hours, GPU-hours or replica-hours, hours or months "
        "(730 h) of simulated time, completed requests, millions of useful tokens, GB of answers "
        "sent, of traffic between zones, of logs written, GB-months stored, or dollars of other "
        "lines. Default: that of the price row; months for one_time; bill_usd for percent.",
    )
    usd: _Usd | None = Field(default=None, description="USD per unit of the driver.")
    one_time: OneTime | None = Field(
        default=None, description="Work that is paid once: {usd: 120000, months: 24}."
    )
    percent: Share | None = Field(
        default=None, description="A part of other lines, such as 10% for support."
    )
    kind: Literal["infra", "people"] = Field(
        default="infra",
        description="infra or people. Default: people if the driver is months and the price no row "
        "(salaries come by the month), else infra.",
    )
    source: Label = Field(
        default=YOURS,
        description="Where the number comes from, for whoever reads the bill: a contract, a page. "
        "Default: yours, or the price row's.",
    )
    count: _Amount | None = Field(
        default=None,
        description="How many of it there are: load balancers, engineers, on each node vCPUs. "
        "Default: 1.",
    )
    pool: Name | None = Field(
        default=None,
        description="Count this pool (or its routes) only, and charge it. Default: all.",
    )
    route: Name | None = Field(
        default=None,
        description="Count this route (or its pools' nodes) only, and charge it. Default: all.",
    )
    remains: Annotated[Share, BeforeValidator(_as_share)] = Field(
        default=0.0,
        description="Part of it that is paid all the same if a hosted API answers everything: true "
        "or 30%, of people above all. Only the comparison with `hosted` asks.",
    )
    split: Split | None = Field(
        default=None,
        description="How it is divided among routes: by the dollars of their nodes, by completed "
        "requests, useful tokens, evenly, or by shares {chat: 70%, code: 30%}. Default: by each "
        "route's own quantity where there is one, else by nodes.",
    )
    bytes_per_token: _Bytes | None = Field(
        default=None,
        description="Bytes of a token: on the wire (default: 4), or in a log (default: 0).",
    )
    bytes_per_request: _Bytes | None = Field(
        default=None,
        description="Bytes of a request beside its tokens: on the wire (default: 0), or in a log "
        "(default: 1000).",
    )
    crossing: Share | None = Field(
        default=None,
        description="For cross_zone_gb: part of the requests whose replica is in another zone than "
        "the gateway. Default: (z - 1)/z of z zones.",
    )
    gb: _Amount | None = Field(
        default=None, description="For stored_gb_months: GB that are always kept (weights, images)."
    )
    gb_per_node: _Amount | None = Field(
        default=None, description="For stored_gb_months: GB of disk of each paid node."
    )
    retention: SomeTime | None = Field(
        default=None, description="For stored_gb_months: how long each request's log is kept."
    )
    of: Annotated[tuple[Kind, ...], Strict(False), Filled, Distinct] | None = Field(
        default=None,
        description="For bill_usd: kinds of the lines that it is a part of. Default: node, "
        "commitment, infra.",
    )

    @model_validator(mode="before")
    @classmethod
    def _what_follows(cls, data: Any) -> Any:
        if not isinstance(data, Mapping):
            return data
        row = row_or_none(data.get("price"))
        if row is not None:
            return with_default(data, "driver", row.driver)
        if data.get("one_time") is not None:
            data = with_default(data, "driver", "months")
        if data.get("percent") is not None:
            data = with_default(data, "driver", "bill_usd")
        by_the_month = data.get("driver") == "months"
        return with_default(data, "kind", "people") if by_the_month else data

    @field_validator("driver", mode="before")
    @classmethod
    def _driver_said(cls, driver: Any, info: ValidationInfo) -> Any:
        if driver is None and "price" not in info.data:
            return "hours"  # any: the price row is wrong, and says so itself
        if driver is None:
            raise Fault("is missing: what is counted, such as node_hours, requests or months")
        return driver

    @model_validator(mode="after")
    def _sound(self) -> Self:
        raise_all([*self._unsound_price(), *self._stray_keys(), *self._unsound_owner()])
        return self

    def _unsound_price(self) -> Iterator[Fault]:
        given = [key for key in PRICES if getattr(self, key) is not None]
        if not given:
            yield Fault(
                "is missing: USD per unit of the driver (or price, one_time, percent)", "usd"
            )
        if len(given) > 1:
            yield Fault(f"give only one of {', '.join(given)}", given[-1])
        row, must = self.price_row, None
        if row is not None:
            must = (row.driver, f"the price row {row.key}")
        elif self.one_time is not None:
            must = ("months", "one_time")
        elif self.percent is not None:
            must = ("bill_usd", "percent")
        if must is not None and self.driver != must[0]:
            yield Fault(f"must be {must[0]}, that of {must[1]} (got {self.driver!r})", "driver")

    def _stray_keys(self) -> Iterator[Fault]:
        for key, drivers in _APPLIES.items():
            if getattr(self, key) is not None and self.driver not in drivers:
                yield Fault(f"is for {', '.join(drivers)}, not for {self.driver}", key)
        kept = (self.gb, self.gb_per_node, self.retention)
        if self.driver == "stored_gb_months" and all(amount is None for amount in kept):
            yield Fault("says not what is stored: give gb, gb_per_node, or retention")

    def _unsound_owner(self) -> Iterator[Fault]:
        if self.pool is not None and self.route is not None:
            yield Fault("give pool or route, not both", "route")
        if self.split is not None and self.route is not None:
            yield Fault("must not be given with route, which pays all of it", "split")
        if self.driver == "bill_usd" and self.route is not None:
            yield Fault("must not be given with bill_usd: lines are of pools, or of all", "route")

    @property
    def price_row(self) -> BillPrice | None:
        """The catalog's row that `price` names."""
        return row_or_none(self.price)

    @property
    def unit_usd(self) -> float:
        """USD per unit of the driver, however it was said."""
        if (row := self.price_row) is not None:
            return row.usd
        if self.one_time is not None:
            return self.one_time.usd_per_month
        return (self.usd if self.percent is None else self.percent) or 0.0

    @property
    def told_source(self) -> str:
        """Where the price comes from, a row's with its date."""
        row = self.price_row
        if row is None or self.source != YOURS:
            return self.source
        return f"{row.source} (via {row.via}), {row.as_of.isoformat()}"

    @property
    def times(self) -> float:
        """How many of it there are."""
        return 1.0 if self.count is None else self.count

    @property
    def token_bytes(self) -> float:
        """Bytes of a token on this line's way."""
        return (
            TOKEN_BYTES.get(self.driver, 0.0)
            if self.bytes_per_token is None
            else self.bytes_per_token
        )

    @property
    def request_bytes(self) -> float:
        """Bytes of a request beside its tokens on this line's way."""
        if self.bytes_per_request is None:
            return REQUEST_BYTES.get(self.driver, 0.0)
        return self.bytes_per_request
