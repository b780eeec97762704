"""Scenarios and made-up usages for tests of money: consistent, but otherwise as odd as can be."""

from __future__ import annotations

import math
from dataclasses import fields, replace
from typing import Any

import numpy as np
from hypothesis import strategies as st

from sim.cost.benchmark import Benchmark
from sim.cost.reference import ReferenceRates
from sim.cost.statement import Statement, statement
from sim.ledger.usage import (
    Figures,
    HostedCounts,
    OfferedCounts,
    PoolUsage,
    ReferenceTokens,
    RequestCounts,
    RouteOnPool,
    RouteUsage,
    TokenCounts,
    Usage,
)
from sim.scenario.document import Scenario
from sim.scenario.pool import Pool
from sim.scenario.route import Route

TIMING = {"knots_tokens": [1, 256], "knots_s": [0.006, 0.009]}


def pool(usd_per_hour: float = 3.6, **changes: Any) -> dict[str, Any]:
    """A pool of explicit timing, one GPU and one replica a node unless changed."""
    node = {"usd_per_hour": usd_per_hour, "gpus": changes.pop("gpus", 1)}
    return {"timing": TIMING, "kv_tokens": 100_000, "node": node, **changes}


def route(pool: str | dict[str, Any] = "main", **changes: Any) -> dict[str, Any]:
    """A route of fixed lengths."""
    fixed = {"input_tokens": {"fixed": 500}, "output_tokens": {"fixed": 250}}
    return {"pool": pool, "arrivals": {"rps": 2.0}, **fixed, **changes}


def scenario(
    routes: dict[str, Any] | None = None,
    pools: dict[str, Any] | None = None,
    bill: list[dict[str, Any]] | None = None,
    **changes: Any,
) -> Scenario:
    """A validated scenario; by default one route on one pool."""
    return Scenario.model_validate(
        {
            "name": "example",
            "horizon": 3600,
            "routes": routes or {"chat": route()},
            "pools": pools or {"main": pool()},
            "bill": bill or [],
            **changes,
        }
    )


FLEET = scenario(
    routes={
        "chat": route(slo={"ttft_p95": 1}),
        "code": route(),
        "batch": route("big"),
    },
    pools={
        "main": pool(3.6),
        "big": pool(40.0, tensor_parallel=2, gpus=8),
        "spare": pool(1.0),
    },
    bill=[
        {"line": "storage", "driver": "node_hours", "usd": 0.05},
        {"line": "licence", "driver": "gpu_hours", "usd": 0.5, "pool": "big"},
        {"line": "gateway", "driver": "requests", "usd": 1e-5},
        {"line": "guard", "driver": "million_tokens", "usd": 0.02, "pool": "main"},
        {"line": "egress", "driver": "egress_gb", "usd": 0.09},
        {"line": "orchestration", "driver": "hours", "usd": 0.1},
        {"line": "cluster", "driver": "hours", "usd": 0.2, "pool": "spare"},
        {"line": "labels", "driver": "months", "usd": 900, "route": "code"},
        {"line": "engineering", "driver": "months", "usd": 9000},
    ],
)
"""Three routes, three pools of which one has no traffic, and a line of every driver."""

API = {
    "usd_per_million_input": 2.5,
    "usd_per_million_cached_input": 0.25,
    "usd_per_million_output": 10.0,
    "ttft": "600ms",
    "tpot": "15ms",
}
"""A hosted API, dear enough to be told from the fleet."""

LIVING = scenario(
    routes={
        "chat": route(slo={"ttft_p95": 1}, overflow=API, reasoning_share=0.6),
        "code": route(reasoning_share=0.25),
        "health": route(useful=False),
        "batch": route("big", overflow=API),
    },
    pools={
        "main": {
            **pool(3.6, startup="none"),
            "node": {
                "usd_per_hour": 3.6,
                "spot": {"share": 0.5, "usd_per_hour": 1.2, "mean_life": "12h"},
            },
        },
        "big": pool(40.0, tensor_parallel=2, gpus=8),
        "spare": pool(1.0),
    },
    bill=[line.model_dump() for line in FLEET.bill],
)
"""A fleet with spot nodes, health checks, answers that are reasoned, and a hosted API."""

SPREAD = scenario(
    routes={
        "chat": route({"split": {"main": 0.7, "big": 0.3}}, slo={"ttft_p95": 1}, overflow=API),
        "code": route({"cascade": ["main", "big"], "escalates": 0.25}, reasoning_share=0.25),
        "batch": route("big"),
    },
    pools={"main": pool(3.6), "big": pool(40.0, tensor_parallel=2, gpus=8), "spare": pool(1.0)},
    bill=[line.model_dump() for line in FLEET.bill],
)
"""Routes that split, and go on from one pool to the next."""

BENCHMARKS = {
    "main": Benchmark(18_750.0, ReferenceRates(2e-5, 1e-5, 1e-4), 256, 500, 250, "by hand"),
    "big": Benchmark(5_000.0, ReferenceRates(1e-4, 2e-5, 5e-4), 128, 1000, 100, "by hand"),
}

INTERVALS = 4
WINDOW_S = 1000.0  # the last interval is short

counts = st.one_of(st.just(0.0), st.floats(1.0, 1e7))
seconds = st.one_of(st.just(0.0), st.floats(1.0, 1e6))


@st.composite
def token_counts(draw: st.DrawFn) -> TokenCounts:
    cached, uncached = draw(counts), draw(counts)
    return TokenCounts(cached + uncached, cached, cached / 2, draw(counts))


@st.composite
def reference_tokens(draw: st.DrawFn) -> ReferenceTokens:
    uncached, cached = draw(counts), draw(counts)
    return ReferenceTokens(uncached, uncached + cached, cached, draw(counts))


@st.composite
def hosted_counts(draw: st.DrawFn, tokens: TokenCounts) -> HostedCounts:
    """A part of *tokens*, all of them or none included."""
    part = draw(st.one_of(st.sampled_from([0.0, 1.0]), st.floats(0.0, 1.0)))
    return HostedCounts(
        requests=part, input=tokens.input * part, cached_input=tokens.cached_input * part,
        output=tokens.output * part,
    )  # fmt: skip


@st.composite
def parts(draw: st.DrawFn, of: Route) -> RouteOnPool:
    """What one pool did; without an overflow nothing is hosted, of a useless route all is waste."""
    useful, waste = draw(reference_tokens()), draw(reference_tokens())
    ended = np.array(
        [
            useful.uncached + waste.uncached,
            useful.prompt + waste.prompt,
            useful.output + waste.output,
        ]
    )
    weights = np.array(draw(st.lists(st.floats(0.0, 1.0), min_size=INTERVALS, max_size=INTERVALS)))
    weights = weights / weights.sum() if weights.sum() > 0.01 else np.full(INTERVALS, 0.25)
    completed = draw(counts)
    tokens = draw(token_counts())
    tokens = replace(tokens, reasoning=of.reasoning_share * tokens.output)
    hosted = draw(hosted_counts(tokens)) if of.overflow else HostedCounts()
    if not of.useful:
        useful, waste = ReferenceTokens(), ReferenceTokens(*(ended[0], ended[1], 0.0, ended[2]))
        tokens = TokenCounts()
    return RouteOnPool(
        offered=OfferedCounts(completed + 1.0, tokens.input, tokens.cached_input, tokens.output),
        completed=completed,
        useful=tokens,
        hosted=hosted,
        wasted_output={"timed_out": draw(counts), "preempted": draw(counts)},
        ended_useful=useful,
        ended_waste=waste,
        ended_by_interval=np.outer(weights, ended),
    )


@st.composite
def route_usages(draw: st.DrawFn, of: Route) -> RouteUsage:
    """Of each pool what `parts` says; the whole is their sum."""
    by_pool = {pool: draw(parts(of)) for pool in of.pools}
    whole = added(list(by_pool.values()))
    return RouteUsage(
        requests=RequestCounts(
            arrived=whole.completed + 1.0, completed=whole.completed, rejected=1.0
        ),
        offered=whole.useful,
        useful=whole.useful,
        hosted=whole.hosted,
        goodput=TokenCounts(whole.useful.input / 2, 0.0, 0.0, whole.useful.output / 2),
        wasted_output=whole.wasted_output,
        ended_useful=whole.ended_useful,
        ended_waste=whole.ended_waste,
        ended_by_interval=whole.ended_by_interval,
        by_pool=by_pool,
    )


def added(items: list[Any]) -> Any:
    """The sum of numbers, arrays, or dictionaries and dataclasses of them."""
    first = items[0]
    if isinstance(first, int | float):
        return math.fsum(items)
    if isinstance(first, np.ndarray):
        return np.sum(items, axis=0)
    if isinstance(first, dict):
        return {key: added([item[key] for item in items]) for key in first}
    names = [f.name for f in fields(first)]
    return type(first)(**{name: added([getattr(item, name) for item in items]) for name in names})


def placed(usage: Usage, of: Scenario) -> Usage:
    """*usage* with all that its routes say of themselves said of their only pool too."""
    routes = {
        name: replace(route, by_pool={pool: on_one_pool(route) for pool in of.routes[name].pools})
        for name, route in usage.routes.items()
    }
    return replace(usage, routes=routes)


def on_one_pool(route: RouteUsage) -> RouteOnPool:
    """What the only pool of a route did for it: everything."""
    offered = route.offered
    return RouteOnPool(
        OfferedCounts(route.requests.arrived, offered.input, offered.cached_input, offered.output),
        route.completed,
        *(getattr(route, f.name) for f in fields(RouteOnPool) if f.name in _ALIKE),
    )


_ALIKE = (
    "useful", "hosted", "wasted_input", "wasted_output", "ended_useful", "ended_waste", "as_run",
    "ended_by_interval",
)  # fmt: skip


def stated(usage: Usage, of: Scenario, benchmarks: dict[str, Benchmark]) -> Statement:
    """The account of a *usage* whose routes have one pool each, of which it says nothing."""
    return statement(placed(usage, of), of, benchmarks)


@st.composite
def pool_usages(draw: st.DrawFn, of: Pool) -> PoolUsage:
    states = [draw(seconds) for _ in range(5)]
    paid_s = sum(states)
    block_s = draw(seconds)
    return PoolUsage(
        paid_s,
        *states,
        node_s=paid_s,
        spot_node_s=draw(seconds) if of.node.spot else 0.0,
        unplaced_gpu_s=draw(seconds),
        kv_used_block_s=block_s / 2,
        kv_block_s=block_s,
        paid_by_interval=np.full(INTERVALS, paid_s / WINDOW_S),
    )


@st.composite
def usages(draw: st.DrawFn, of: Scenario = FLEET) -> Usage:
    """A usage of *of*; a pool without routes has none, all else is arbitrary."""
    return Usage(
        window_s=WINDOW_S,
        routes={name: draw(route_usages(spec)) for name, spec in of.routes.items()},
        pools={name: draw(pool_usages(spec)) for name, spec in of.pools.items()},
        overall=RouteUsage(),
    )


@st.composite
def accounts(draw: st.DrawFn) -> tuple[Scenario, Usage]:
    """A plain fleet, a living one, or one whose routes use several pools, and a usage of it."""
    of = draw(st.sampled_from([FLEET, LIVING, SPREAD]))
    return of, draw(usages(of))


def hand_usage() -> Usage:
    """One hour of one replica at the default scenario, with numbers to calculate by hand.

    1,000 requests of 500 in (100 cached) and 250 out, of which 900 useful; reference seconds at
    BENCHMARKS["main"]: useful 900 x (400 x 2e-5 + 500 x 1e-5 + 250 x 1e-4) = 34.2, waste 3.8.
    """
    ended_useful = ReferenceTokens(360_000.0, 450_000.0, 90_000.0, 225_000.0)
    ended_waste = ReferenceTokens(40_000.0, 50_000.0, 10_000.0, 25_000.0)
    by_interval = np.zeros((12, 3))
    by_interval[:10] = np.array([40_000.0, 50_000.0, 25_000.0])
    chat = RouteUsage(
        requests=RequestCounts(arrived=1000.0, completed=900.0, timed_out=100.0, attempts=1000.0),
        offered=TokenCounts(500_000.0, 100_000.0, 0.0, 250_000.0),
        useful=TokenCounts(450_000.0, 90_000.0, 0.0, 225_000.0),
        goodput=TokenCounts(300_000.0, 60_000.0, 0.0, 150_000.0),
        wasted_input={"timed_out": 40_000.0},
        wasted_output={"timed_out": 25_000.0},
        ended_useful=ended_useful,
        ended_waste=ended_waste,
        ended_by_interval=by_interval,
        ttft_s=Figures(0.2, 0.18, 0.5, None, 900.0),
    )
    main = PoolUsage(
        paid_s=3600.0,
        busy_s=400.0,
        idle_s=3200.0,
        node_s=3600.0,
        kv_used_block_s=100.0,
        kv_block_s=1000.0,
        paid_by_interval=np.ones(12),
    )
    return placed(Usage(3600.0, {"chat": chat}, {"main": main}, chat), scenario())
