"""Attempt price: the dollars that one attempt took of what its route pays by use; no clock."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from sim.catalog.api_rates import ApiPrice
from sim.cost.hosted import AS_COUNTED, CacheUse, cache_use
from sim.cost.reference import NO_RATES, ReferenceRates, reference_seconds, seconds_by_row
from sim.ledger.records import HOSTED_REPLICA
from sim.ledger.usage import RouteOnPool
from sim.report.attempts import Chunk, UsdOf
from sim.scenario.document import Scenario

if TYPE_CHECKING:
    from sim.studies.result import Result


Place = tuple[str, str]
"""A route and one of its pools."""


def usd_of_run(result: Result) -> UsdOf:
    """Dollars of the attempts of *result*'s replication 0, by that replication's own account."""
    usage, scenario = result.runs[0].usage, result.scenario
    statement = result.statement_of(usage)
    rates = {p: b.rates for p, b in result.benchmarks.items()}
    parts = {
        (name, pool): part
        for name, route in usage.routes.items()
        for pool, part in route.by_pool.items()
    }
    return usd_of_attempts(
        {place: statement.routes[place[0]].by_pool_usd[place[1]] for place in parts},
        {place: reference_total_s(p, rates.get(place[1], NO_RATES)) for place, p in parts.items()},
        rates,
        {name: api for name in scenario.routes if (api := _answering(scenario, name))},
    )


def _answering(scenario: Scenario, name: str) -> tuple[ApiPrice, CacheUse] | None:
    """The API that answers requests of route *name*, if any, and what its cache does."""
    route = scenario.routes[name]
    if route.pools:
        return None if route.overflow is None else (route.overflow.price, AS_COUNTED)
    api = scenario.hosted_of(name)
    return None if api is None else (api.price, cache_use(scenario, name))


def reference_total_s(part: RouteOnPool, rates: ReferenceRates) -> float:
    """Reference seconds of all attempts of a route that ended on one pool in the window."""
    return math.fsum(
        reference_seconds(ended, rates).total_s for ended in (part.ended_useful, part.ended_waste)
    )


def usd_of_attempts(
    usd_by_place: Mapping[Place, float],
    seconds_by_place: Mapping[Place, float],
    rates_by_pool: Mapping[str, ReferenceRates],
    apis: Mapping[str, tuple[ApiPrice, CacheUse]],
) -> UsdOf:
    """Dollars of attempts: reference seconds x dollars per reference second of route and pool.

    An attempt that computed nothing has none. All attempts come to the route's dollars, but for
    those that cross an end of the window: attempts are listed by arrival, and paid when they end.
    What one of *apis* answered has the API's price instead, which *usd_by_place* is without.
    """
    usd_per_s = {
        place: usd / seconds_by_place[place] if seconds_by_place[place] > 0 else 0.0
        for place, usd in usd_by_place.items()
    }

    def usd_of(chunk: Chunk) -> NDArray[np.float64]:
        usd = np.zeros(len(chunk["route"]))
        for (route, pool), price in usd_per_s.items():
            mine = (chunk["route"] == route) & (chunk["pool"] == pool)
            if price and mine.any():
                part = {name: chunk[name][mine] for name in _NEEDED}
                usd[mine] = price * _seconds(part, rates_by_pool[pool])
        for route, api in apis.items():
            answered = (chunk["route"] == route) & (chunk["replica"] == HOSTED_REPLICA)
            if answered.any():
                usd[answered] = _api_usd({n: c[answered] for n, c in chunk.items()}, *api)
        return usd

    return usd_of


_COMPUTED = ("computed_input_tokens", "recomputed_input_tokens", "recomputed_output_tokens")
_NEEDED = (*_COMPUTED, "input_tokens", "output_tokens")


def _seconds(chunk: Chunk, rates: ReferenceRates) -> NDArray[np.float64]:
    """Reference seconds of each attempt; one that never decoded pays no context rent."""
    computed = np.sum([chunk[name] for name in _COMPUTED], axis=0)
    prompt = np.where(chunk["output_tokens"] > 0, chunk["input_tokens"], 0)
    tokens = np.stack([computed, prompt, chunk["output_tokens"]], axis=1)
    return seconds_by_row(tokens, rates)


def _api_usd(chunk: Chunk, price: ApiPrice, use: CacheUse) -> NDArray[np.float64]:
    """The API's price of each attempt that it completed, 0 of one that it had not answered yet."""
    prompt = chunk["input_tokens"]
    cached = chunk["cached_input_tokens"] if use.hit is None else use.hit * prompt
    written = use.written * (prompt - cached)
    usd = np.zeros(len(prompt))
    for rates in price.tiers:
        whole = (
            (prompt - cached - written) * rates.input
            + cached * rates.cached_input
            + written * rates.writing
            + chunk["output_tokens"] * rates.output
        )
        usd = np.where(prompt > rates.above_tokens, whole, usd) if rates.above_tokens else whole
    return np.where(chunk["outcome"] == "completed", usd / 1e6, 0.0)
