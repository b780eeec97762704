"""API prices: what hosted APIs ask for tokens, by model, as read on a date; knows no clock.

`genai-prices` is asked first where it is installed (the extra ``prices``); the catalog's own rows
are the models that people compare with most, and need nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

from sim.catalog import genai
from sim.catalog.api_rates import ApiPrice, TokenRates
from sim.catalog.datafiles import read_yaml
from sim.catalog.names import UnknownName


def api_prices() -> tuple[ApiPrice, ...]:
    """The catalog's own rows, in the order of the data file."""
    return tuple(_by_name().values())


def is_listed(provider: str, model: str) -> bool:
    """Whether the catalog itself has that model; reads one small file."""
    return (provider, model) in _by_name()


@cache
def api_price(provider: str, model: str) -> ApiPrice:
    """The price of *model* at *provider*: genai-prices' where installed, else the catalog's.

    Raises `UnknownName` if neither has it.

    >>> api_price("openai", "gpt-4o-mini").rates(1000).output
    0.6
    """
    found = genai.price(provider, model) or _by_name().get((provider, model))
    if found is None:
        raise unknown(provider, model)
    return found


def unknown(provider: str, model: str) -> UnknownName:
    """The error that says what *provider* has, or which providers there are."""
    of_it = [m for p, m in _by_name() if p == provider] + genai.models(provider)
    if of_it:
        return UnknownName(f"model of {provider}", model, dict.fromkeys(of_it))
    known = [p for p, _ in _by_name()] + genai.providers()
    return UnknownName("provider of an API", provider, dict.fromkeys(known))


@cache
def _by_name() -> Mapping[tuple[str, str], ApiPrice]:
    document = read_yaml("api_prices.yaml")
    rows = [_price(row, document) for row in document["prices"]]
    return {(row.provider, row.model): row for row in rows}


def _price(row: dict[str, Any], document: dict[str, Any]) -> ApiPrice:
    return ApiPrice(
        provider=row["provider"],
        model=row["model"],
        tiers=tuple(_rates(tier) for tier in (row, *row.get("tiers", ()))),
        source=f"{document['sources'][row['provider']]}, via {document['via']}",
        as_of=document["as_of"],
        note=row.get("note", ""),
    )


def _rates(row: dict[str, Any]) -> TokenRates:
    write = row.get("cache_write")
    return TokenRates(
        above_tokens=row.get("above_tokens", 0),
        input=float(row["input"]),
        cached_input=float(row.get("cached_input", row["input"])),
        cache_write=None if write is None else float(write),
        output=float(row["output"]),
    )
