"""Bill prices: what is paid beside the GPUs, as read on a date; knows no clock."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from functools import cache
from typing import Any

from sim.catalog.datafiles import read_yaml
from sim.catalog.names import find

STALE_AFTER_DAYS = 365
"""A price older than this is warned about; those of networks and disks move slower than a GPU's."""


@dataclass(frozen=True, kw_only=True)
class BillPrice:
    """One price, `usd` per unit of `driver`. `key` is provider/service; `via` says whose
    transcription it is."""

    key: str
    driver: str
    usd: float
    as_of: date
    source: str
    via: str
    note: str

    @property
    def provider(self) -> str:
        """Who asks it."""
        return self.key.partition("/")[0]


def age_days(row: BillPrice, today: date) -> int:
    """Return how many days before *today* the price was read (below 0 if after)."""
    return (today - row.as_of).days


def bill_price(key: str) -> BillPrice:
    """Return the row called *key*; raises `UnknownName`.

    >>> bill_price("aws/egress").usd
    0.09
    """
    return find("bill price", key, _by_key())


def bill_prices() -> tuple[BillPrice, ...]:
    """Return all rows, in the order of the data file."""
    return tuple(_by_key().values())


@cache
def _by_key() -> dict[str, BillPrice]:
    return {row["key"]: _price(row) for row in read_yaml("bill_prices.yaml")["prices"]}


def _price(row: dict[str, Any]) -> BillPrice:
    return BillPrice(**({"note": ""} | row))
