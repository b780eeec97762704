"""Catalog of APIs: what hosted models ask for tokens, with where it was read; today is given."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from sim.catalog.api_prices import api_prices
from sim.catalog.api_rates import ApiPrice, TokenRates
from sim.catalog.genai import package_version
from sim.catalog.prices import STALE_AFTER_DAYS
from sim.report.numerals import dollars, tokens
from sim.report.table import Table, table


def api_table(today: date) -> Table:
    """Prices by provider and model, a row for each tier of prompt length."""
    rows = [row for price in api_prices() for row in _rows(price, today)]
    heads = ["input", "cached\ninput", "cache\nwrite", "output"]
    columns = ["<provider", "<model", "prompts\nabove", *heads, "as of"]
    version = package_version()
    other = (
        f"genai-prices {version} is installed: its prices come first, and it knows many models more"
        if version
        else "with the package genai-prices (pip install 'tokenfleet[prices]') many models more"
    )
    note = f"USD per 1M tokens. hosted: {{provider, model}} names them; {other}. "
    note += f"! = over {STALE_AFTER_DAYS} days old. Sources are in --json."
    return table("Hosted APIs", columns, rows, note)


def _rows(price: ApiPrice, today: date) -> list[tuple[str, ...]]:
    read = price.as_of or today
    mark = "! " if (today - read).days > STALE_AFTER_DAYS else ""
    return [
        (
            *(("", "") if rates.above_tokens else (price.provider, price.model)),
            tokens(rates.above_tokens) if rates.above_tokens else "",
            *_usd(rates),
            "" if rates.above_tokens else f"{mark}{read.isoformat()}",
        )
        for rates in price.tiers
    ]


def _usd(rates: TokenRates) -> tuple[str, ...]:
    write = "" if rates.cache_write is None else dollars(rates.cache_write)
    return dollars(rates.input), dollars(rates.cached_input), write, dollars(rates.output)


def plain(price: ApiPrice, today: date) -> Mapping[str, Any]:
    """A row as plain JSON values, with its age."""
    read = price.as_of
    age = None if read is None else (today - read).days
    return {
        "provider": price.provider,
        "model": price.model,
        "tiers": [_tier(rates) for rates in price.tiers],
        "as_of": None if read is None else read.isoformat(),
        "age_days": age,
        "stale": age is not None and age > STALE_AFTER_DAYS,
        "source": price.source,
        "note": price.note,
    }


def _tier(rates: TokenRates) -> dict[str, float | None]:
    return {
        "above_tokens": rates.above_tokens,
        "usd_per_million_input": rates.input,
        "usd_per_million_cached_input": rates.cached_input,
        "usd_per_million_cache_write": rates.cache_write,
        "usd_per_million_output": rates.output,
    }
