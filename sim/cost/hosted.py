"""Hosted: what an API takes for requests, and for the same traffic as the fleet; knows no clock.

Every request is priced in the tier of its own prompt, so a route's counts come by tier.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from sim.catalog.api_rates import ApiPrice
from sim.cost.pricing import MILLION
from sim.ledger.usage import HostedCounts, RouteUsage, TierCounts, Usage
from sim.scenario.arrivals import TraceArrivals
from sim.scenario.bill import BillLine
from sim.scenario.document import Scenario
from sim.scenario.route import Route

KINDS = ("input", "cached_input", "cache_write", "output")
"""Kinds of token that an API has a price for; `input` is neither cached nor written."""


@dataclass(frozen=True)
class CacheUse:
    """What an API's cache does with input: `hit` is the part found in it (None: as was counted),
    `written` the part of the rest that is written into it."""

    hit: float | None = None
    written: float = 0.0


AS_COUNTED = CacheUse()
"""For what an API did answer: cached tokens as they were counted."""


def cache_use(scenario: Scenario, name: str) -> CacheUse:
    """What the API of route *name* is taken to do.

    Unless said, what is not found is written where prompts come again with more to them, in
    conversations and traces; else only a template is worth keeping, and it stays there.
    """
    route, api = scenario.routes[name], scenario.hosted_of(name)
    if api is None or api.cache_hit == "none":
        return CacheUse(hit=0.0)
    written = _comes_again(route) if api.cache_written is None else api.cache_written
    return CacheUse(None if api.cache_hit == "same" else float(api.cache_hit), written)


def _comes_again(route: Route) -> float:
    return float(route.sessions is not None or isinstance(route.arrivals, TraceArrivals))


@dataclass(frozen=True)
class Charge:
    """What is asked for tokens of one kind in one tier."""

    kind: str
    above_tokens: int
    tokens: float
    usd_per_million: float

    @property
    def usd(self) -> float:
        """Dollars of it."""
        return self.tokens * self.usd_per_million / MILLION


def charges(
    counts: Sequence[HostedCounts], edges_tokens: Sequence[int], price: ApiPrice, use: CacheUse
) -> list[Charge]:
    """What *price* asks for requests whose *counts* come by length of prompt.

    The first are those up to the first of *edges_tokens*, at which at least the tiers of *price*
    begin.
    """
    starts = (0, *edges_tokens)[: len(counts)]
    return [
        charge
        for start, count in zip(starts, counts, strict=True)
        for charge in _charges(start, count, price, use)
    ]


def _charges(start: int, count: HostedCounts, price: ApiPrice, use: CacheUse) -> Iterator[Charge]:
    cached = count.cached_input if use.hit is None else use.hit * count.input
    written = use.written * (count.input - cached)
    rates = price.rates(start + 1)
    tokens = (count.input - cached - written, cached, written, count.output)
    usd = (rates.input, rates.cached_input, rates.writing, rates.output)
    for kind, n, each in zip(KINDS, tokens, usd, strict=True):
        yield Charge(kind, rates.above_tokens, n, each)


@dataclass(frozen=True)
class RouteAtApi:
    """A route's traffic at an API: that of answered requests, and (`arrived_usd`) of all.

    `cached_share`: of the input of answered requests.
    """

    price: ApiPrice
    requests: float
    tokens: float
    input_usd: float
    cached_input_usd: float
    cache_write_usd: float
    output_usd: float
    cached_share: float
    arrived_usd: float

    @property
    def usd(self) -> float:
        """Dollars for the requests that were answered."""
        kinds = (self.input_usd, self.cached_input_usd, self.cache_write_usd, self.output_usd)
        return math.fsum(kinds)


@dataclass(frozen=True)
class AtApi:
    """The fleet's traffic at APIs: `remaining_usd` is paid all the same, people above all.

    `missing`: routes of use whose API nobody named; they are in none of the figures.
    """

    routes: dict[str, RouteAtApi]
    remaining_usd: float
    missing: tuple[str, ...]

    @property
    def tokens_usd(self) -> float:
        """Dollars that the APIs take for the answered requests."""
        return math.fsum(route.usd for route in self.routes.values())

    @property
    def usd(self) -> float:
        """Dollars of the answered traffic, with what remains."""
        return self.tokens_usd + self.remaining_usd

    @property
    def arrived_usd(self) -> float:
        """The same if the APIs answered all that arrived."""
        return math.fsum(r.arrived_usd for r in self.routes.values()) + self.remaining_usd


def at_api(usage: Usage, scenario: Scenario, remaining_usd: float) -> AtApi | None:
    """The traffic of *usage* at the APIs that *scenario* names; None if it names none.

    Routes that are of use to nobody (health checks) would not be sent there.
    """
    named = {n: scenario.hosted_of(n) for n, route in scenario.routes.items() if route.useful}
    routes = {
        name: _route(usage.routes[name], scenario, name, api.price)
        for name, api in named.items()
        if api is not None
    }
    if not routes:
        return None
    return AtApi(routes, remaining_usd, tuple(n for n, api in named.items() if api is None))


def _route(used: RouteUsage, scenario: Scenario, name: str, price: ApiPrice) -> RouteAtApi:
    edges, use = scenario.api_edges_tokens(name), cache_use(scenario, name)
    answered = charges([t.answered for t in used.by_tier], edges, price, use)
    arrived = charges([t.arrived for t in used.by_tier], edges, price, use)
    usd, tokens = (
        {kind: math.fsum(getattr(c, what) for c in answered if c.kind == kind) for kind in KINDS}
        for what in ("usd", "tokens")
    )
    whole = tokens["input"] + tokens["cached_input"] + tokens["cache_write"]
    return RouteAtApi(
        price=price,
        requests=math.fsum(t.answered.requests for t in used.by_tier),
        tokens=whole + tokens["output"],
        input_usd=usd["input"],
        cached_input_usd=usd["cached_input"],
        cache_write_usd=usd["cache_write"],
        output_usd=usd["output"],
        cached_share=tokens["cached_input"] / whole if whole else 0.0,
        arrived_usd=math.fsum(c.usd for c in arrived),
    )


def answered_by_api(tiers: Sequence[TierCounts], scenario: Scenario, name: str) -> list[Charge]:
    """What the API of route *name* is paid for requests that it did answer: instead of a pool
    (`pool: hosted`), or for a pool that could not (`overflow`)."""
    route = scenario.routes[name]
    api = route.overflow if route.pools else scenario.hosted_of(name)
    if api is None:
        return []
    edges, counts = scenario.api_edges_tokens(name), [tier.hosted for tier in tiers]
    use = AS_COUNTED if route.pools else cache_use(scenario, name)
    return [c for c in charges(counts, edges, api.price, use) if c.tokens]


def remaining_usd(lines: Sequence[tuple[float, object]]) -> float:
    """Dollars of bill lines, given with what each stands for, that an API would not save."""
    return math.fsum(usd * spec.remains for usd, spec in lines if isinstance(spec, BillLine))
