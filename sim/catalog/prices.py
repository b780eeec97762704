"""Prices: what a GPU-hour costs where, as read on a date; knows no clock (today is an argument)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from functools import cache
from typing import Any

from sim.catalog.datafiles import read_yaml
from sim.catalog.names import find

STALE_AFTER_DAYS = 90
"""A price older than this is warned about."""


@dataclass(frozen=True, kw_only=True)
class GpuPrice:
    """One price. `key` is provider[/instance]/gpu/term; `via` says whose transcription it is."""

    key: str
    provider: str
    gpu: str
    term: str
    region: str | None
    usd_per_gpu_hour: float
    as_of: date
    source: str
    via: str
    note: str


def price(key: str) -> GpuPrice:
    """Return the row called *key*; raises `UnknownName`.

    >>> price("lambda/h100-sxm/on-demand").usd_per_gpu_hour
    3.99
    """
    return find("price", key, _by_key())


def prices() -> tuple[GpuPrice, ...]:
    """Return all rows, in the order of the data file."""
    return tuple(_by_key().values())


def age_days(row: GpuPrice, today: date) -> int:
    """Return how many days before *today* the price was read (below 0 if after)."""
    return (today - row.as_of).days


@cache
def _by_key() -> dict[str, GpuPrice]:
    return {row["key"]: _price(row) for row in read_yaml("prices.yaml")["prices"]}


def _price(row: dict[str, Any]) -> GpuPrice:
    provider, *_, gpu, term = row["key"].split("/")
    defaults = {"region": None, "note": ""}
    return GpuPrice(**(defaults | row), provider=provider, gpu=gpu, term=term)
