"""Attempt price: the dollars that one attempt took of what its route pays by use; no clock."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from sim.cost.reference import NO_RATES, ReferenceRates, reference_seconds, seconds_by_row
from sim.ledger.records import HOSTED_REPLICA
from sim.ledger.usage import RouteUsage
from sim.report.attempts import Chunk, UsdOf
from sim.scenario.overflow import Overflow

if TYPE_CHECKING:
    from sim.studies.result import Result


def usd_of_run(result: Result) -> UsdOf:
    """Dollars of the attempts of *result*'s replication 0, by that replication's own account."""
    usage, scenario = result.runs[0].usage, result.scenario
    statement = result.statement_of(usage)
    rates = {
        name: result.benchmarks[route.pool].rates if route.pool in result.benchmarks else NO_RATES
        for name, route in scenario.routes.items()
    }
    own_usd = {name: r.by_use_usd - r.hosted_usd for name, r in statement.routes.items()}
    return usd_of_attempts(
        own_usd,
        {name: reference_total_s(usage.routes[name], rates[name]) for name in scenario.routes},
        rates,
        {name: route.overflow for name, route in scenario.routes.items() if route.overflow},
    )


def reference_total_s(route: RouteUsage, rates: ReferenceRates) -> float:
    """Reference seconds of all attempts of *route* that ended in the window."""
    return math.fsum(
        reference_seconds(ended, rates).total_s for ended in (route.ended_useful, route.ended_waste)
    )


def usd_of_attempts(
    usd_by_route: Mapping[str, float],
    seconds_by_route: Mapping[str, float],
    rates_by_route: Mapping[str, ReferenceRates],
    apis: Mapping[str, Overflow],
) -> UsdOf:
    """Dollars of attempts: their reference seconds x their route's dollars per reference second.

    An attempt that computed nothing has none. All attempts come to the route's dollars, but for
    those that cross an end of the window: attempts are listed by arrival, and paid when they end.
    What one of *apis* answered has the API's price instead, which *usd_by_route* is without.
    """
    usd_per_s = {
        route: usd / seconds_by_route[route] if seconds_by_route[route] > 0 else 0.0
        for route, usd in usd_by_route.items()
    }

    def usd_of(chunk: Chunk) -> NDArray[np.float64]:
        usd = np.zeros(len(chunk["route"]))
        for route, price in usd_per_s.items():
            mine = chunk["route"] == route
            if mine.any():
                part = {name: chunk[name][mine] for name in _NEEDED}
                usd[mine] = price * _seconds(part, rates_by_route[route])
        for route, api in apis.items():
            answered = (chunk["route"] == route) & (chunk["replica"] == HOSTED_REPLICA)
            if answered.any():
                usd[answered] = _api_usd({n: c[answered] for n, c in chunk.items()}, api)
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


def _api_usd(chunk: Chunk, api: Overflow) -> NDArray[np.float64]:
    """The API's price of each attempt that it completed, 0 of one that it had not answered yet."""
    cached = chunk["cached_input_tokens"]
    usd = (
        (chunk["input_tokens"] - cached) * api.usd_per_million_input
        + cached * api.cached_input_usd
        + chunk["output_tokens"] * api.usd_per_million_output
    )
    return np.where(chunk["outcome"] == "completed", usd / 1e6, 0.0)
