"""Hosted: the same traffic at an API, as a section of the summary; knows no clock.

Both sides answer the same: the requests of routes of use that this fleet did answer. An API would
have answered those too that the fleet turned away; what that costs stands beside (`arrived`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from sim.catalog.api_rates import ApiPrice
from sim.cost.hosted import AtApi, RouteAtApi, at_api
from sim.cost.pricing import MILLION, per
from sim.cost.statement import Statement
from sim.ledger.usage import Usage
from sim.scenario.document import Scenario
from sim.scenario.notice import Notice
from sim.units import HOURS_PER_MONTH

NO_HOSTED = Notice(
    "no-hosted", "hosted", "no hosted API is compared: name one with hosted: {provider, model}"
)


def hosted_section(usage: Usage, scenario: Scenario, statement: Statement) -> dict[str, Any] | None:
    """What the APIs of *scenario* would have taken in place of this fleet; None without any.

    Dollars are of the window unless their name says otherwise. `factor`: this fleet's bill over
    the API's; None where some route of use has no API, so that the two are not the same traffic.
    """
    found = at_api(usage, scenario, statement.bill.remaining_usd)
    if found is None:
        return None
    tokens = sum(route.tokens for route in found.routes.values())
    requests = sum(route.requests for route in found.routes.values())
    whole = not found.missing and found.usd > 0
    return {
        "usd": found.usd,
        "usd_per_month": found.usd / (usage.window_s / 3600.0) * HOURS_PER_MONTH,
        "usd_per_million_useful_tokens": per(found.usd, tokens, MILLION),
        "usd_per_thousand_requests": per(found.usd, requests, 1e3),
        "tokens_usd": found.tokens_usd,
        "remaining_usd": found.remaining_usd,
        "arrived_usd": found.arrived_usd,
        "factor": statement.bill.total_usd / found.usd if whole else None,
        "by_route": {name: _route(route) for name, route in found.routes.items()},
        "missing": list(found.missing),
        **_origin(route.price for route in found.routes.values()),
    }


def _route(route: RouteAtApi) -> dict[str, Any]:
    return {
        "provider": route.price.provider,
        "model": route.price.model,
        "requests": route.requests,
        "tokens": route.tokens,
        "cached_share": route.cached_share,
        "usd": route.usd,
        "usd_per_million_useful_tokens": per(route.usd, route.tokens, MILLION),
        "usd_per_thousand_requests": per(route.usd, route.requests, 1e3),
        "input_usd": route.input_usd,
        "cached_input_usd": route.cached_input_usd,
        "cache_write_usd": route.cache_write_usd,
        "output_usd": route.output_usd,
        "arrived_usd": route.arrived_usd,
        **_origin([route.price]),
    }


def _origin(prices: Iterable[ApiPrice]) -> dict[str, str]:
    """Where the prices come from, and as of when: of a package, its version is all there is."""
    known = list(prices)
    return {
        "source": "; ".join(dict.fromkeys(price.source for price in known)),
        "as_of": "; ".join(dict.fromkeys(as_of(price) for price in known)),
    }


def as_of(price: ApiPrice) -> str:
    """The date of a price as text; where nobody wrote one down, what stands for it."""
    return price.source if price.as_of is None else price.as_of.isoformat()


def hosted_notices(scenario: Scenario, found: AtApi | None) -> Iterator[Notice]:
    """What whoever reads the comparison should know, or that there is none."""
    if found is None:
        yield NO_HOSTED
        return
    if found.missing:
        names = ", ".join(found.missing)
        yield Notice("hosted-missing", "hosted", f"no API is named for {names}: not compared")
    people = [i for i, line in enumerate(scenario.bill) if line.kind == "people"]
    if people and not any(scenario.bill[i].remains for i in people):
        text = "at the API nobody would be paid any more: say with remains which part of the people"
        yield Notice("nobody-remains", f"bill.{people[0]}", f"{text} would stay")
