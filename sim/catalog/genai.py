"""genai-prices: an optional package whose wheel brings the prices of many hosted APIs.

Nothing is fetched: only what came with the package is read. It says of no price when it was read,
so its version stands for the date. A price that changes with the hour is taken as it is at noon
(UTC) of the day on which this runs.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, time
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from sim.catalog.api_rates import ApiPrice, TokenRates


@cache
def package_version() -> str | None:
    """The version that is installed, without loading it; None if none is."""
    try:
        return version("genai-prices")
    except PackageNotFoundError:
        return None


def price(provider: str, model: str) -> ApiPrice | None:
    """The price of *model* at *provider*, by its own or a near name; None if there is none here.

    None too for what is not sold by the token of input and output (speech, images).
    """
    if package_version() is None:
        return None
    from genai_prices import Usage, calc_price

    noon = datetime.combine(datetime.now(tz=UTC).date(), time(12), tzinfo=UTC)
    try:
        found = calc_price(
            Usage(input_tokens=0), model, provider_id=provider, genai_request_timestamp=noon
        )
    except LookupError:
        return None
    prices = found.model_price
    if prices.input_mtok is None or prices.output_mtok is None:
        return None
    return ApiPrice(
        provider=found.provider.id,
        model=found.model.id,
        tiers=tuple(_tiers(prices)),
        source=f"genai-prices {package_version()}",
        note=" ".join((found.model.price_comments or "").split()),
    )


def _tiers(prices: Any) -> Iterator[TokenRates]:
    """Its prices at each edge that any of them has; above it the whole request costs the tier."""
    names = ("input_mtok", "cache_read_mtok", "cache_write_mtok", "output_mtok")
    found = [getattr(prices, name) for name in names]
    edges = {t.start for p in found for t in getattr(p, "tiers", ())}
    for edge in sorted({0, *edges}):
        read, cached, write, output = (_at(p, edge) for p in found)
        assert read is not None
        assert output is not None
        yield TokenRates(
            above_tokens=edge,
            input=read,
            cached_input=read if cached is None else cached,
            cache_write=write,
            output=output,
        )


def _at(found: Any, edge_tokens: int) -> float | None:
    """A price just above *edge_tokens* of prompt."""
    if found is None:
        return None
    usd = getattr(found, "base", found)
    for tier in getattr(found, "tiers", ()):
        usd = tier.price if tier.start <= edge_tokens else usd
    return float(usd)


def providers() -> list[str]:
    """Names of all providers that the package knows; none if it is not installed."""
    return [provider.id for provider in _all()]


def models(provider: str) -> list[str]:
    """Names of all models of *provider* that the package knows."""
    return [model.id for found in _all() if found.id == provider for model in found.models]


def _all() -> list[Any]:
    if package_version() is None:
        return []
    from genai_prices.data import providers as known

    return list(known)
