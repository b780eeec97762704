"""Curve: the price of a token against utilization, by running one fleet at several loads.

Knows no clock. The loads are steady, so that a short run tells what a point costs. Of what makes
traffic uneven a point keeps all that averages out within it: the shape of gaps, batches, and
bursts that pass many times (where load grows by clients, they even out from point to point).
What would only make its mean rate another one is left out: the day curve, growth, events, clients
that go on and off, and bursts that are slow against the point.

A point's fleet is fixed: as many replicas as were ready in the run, on average, of which none fails
or is replaced, so that the curve is of load alone. Nothing goes to a hosted API or is deferred.

A point counts the tokens of attempts that *ended* in its window. Those of requests that arrived
in it would overstate a short, overloaded run, whose queue drains afterwards.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from sim.cost.benchmark import Benchmark
from sim.cost.bill import bill
from sim.cost.pricing import MILLION, per
from sim.cost.utilization import share
from sim.ledger.usage import RouteOnPool, Usage
from sim.scenario.arrivals import (
    ClosedArrivals,
    PoissonArrivals,
    TraceArrivals,
    VaryingArrivals,
)
from sim.scenario.bursts import BurstTerm
from sim.scenario.document import MAX_HORIZON_S, Scenario
from sim.scenario.route import Route
from sim.scenario.spec import FrozenDict
from sim.simulation import simulate
from sim.studies.executors import Progress, run_all
from sim.studies.result import Result

UTILIZATIONS = (0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 1.0)
"""Points aimed at, as parts of the benchmark; of more traffic than the last only queues grow."""

NEAR = 0.15
"""A scale this near to 1 would only repeat the run itself."""

REQUESTS = 4_000
"""Requests of a point, more or less: its price is then known to one or two per cent."""

BURSTS_PASS = 100.0
"""A burst term stays if its time fits so often into a point: its mean is then near the term's."""

LEAST_S = 60.0
ANSWERS = 10.0
WARM_ANSWERS = 5.0
"""A point lasts for so many answer times at least, after so many of warm-up."""


@dataclass(frozen=True)
class CurvePoint:
    """One load: `scale` x the scenario's traffic; `factor` is over the naive price of the run."""

    scale: float
    utilization: float | None
    usd_per_million: float | None
    factor: float | None


def curve(
    result: Result,
    scales: Sequence[float] | None = None,
    *,
    requests: int = REQUESTS,
    jobs: int = 1,
    progress: Progress | None = None,
) -> tuple[CurvePoint, ...]:
    """The points at *scales*, by default at loads from 5 % of the benchmark to beyond it.

    Benchmarks are those of *result*, so that all points have one naive line. Empty if nothing
    arrived. Raises what the first point that failed raised.
    """
    rate_per_s = result.usage.overall.requests.arrived / result.usage.window_s
    if rate_per_s <= 0:
        return ()
    scales = scales_of(result) if scales is None else scales
    answer_s = max((b.answer_s for b in result.benchmarks.values()), default=1.0)
    fleet = _fixed_fleet(result)
    tasks = [scaled(fleet, s, requests / (rate_per_s * s), answer_s) for s in scales]
    outcomes = run_all(_usage, tasks, jobs, progress)
    naive = result.statement.naive.usd_per_million_tokens
    return tuple(
        _point(scale, task, outcome.unwrap(), result.benchmarks, naive)
        for scale, task, outcome in zip(scales, tasks, outcomes, strict=True)
    )


def _usage(scenario: Scenario) -> Usage:
    return simulate(scenario).usage


def scales_of(result: Result) -> list[float]:
    """Scales that lead to UTILIZATIONS, of two digits, and 1 for any near it; in order."""
    utilization = result.statement.utilization.benchmark
    if not utilization:
        return [1.0]
    wanted = (float(f"{u / utilization:.2g}") for u in UTILIZATIONS)
    return sorted({1.0, *(scale for scale in wanted if abs(scale - 1.0) > NEAR)})


def _fixed_fleet(result: Result) -> Scenario:
    """The scenario of *result* on a fleet that does not change, its own mean one."""
    scenario, window_s = result.scenario, result.usage.window_s
    pools = {}
    for name, pool in scenario.pools.items():
        ready = result.usage.pools[name].ready_s / window_s
        replicas = pool.start_replicas if pool.is_fixed else max(1, round(ready))
        node = pool.node.model_copy(update={"spot": None})
        still = dict.fromkeys(("autoscaler", "scale_to_zero", "failures", "rollouts", "redundancy"))
        pools[name] = pool.model_copy(
            update={**still, "replicas": replicas, "warm_nodes": 0, "node": node}
        )
    apart = {"overflow": None, "deferrable": None}
    routes = {name: r.model_copy(update=apart) for name, r in scenario.routes.items()}
    fixed = {"pools": FrozenDict(pools), "routes": FrozenDict(routes)}
    return scenario.model_copy(update=fixed)


def scaled(scenario: Scenario, scale: float, length_s: float, answer_s: float) -> Scenario:
    """*scenario* with *scale* x its traffic, for about *length_s*.

    Open rates are multiplied, traces played faster, closed loops given more users. A trace that
    does not repeat is not outlived.
    """
    horizon_s = min(max(length_s, LEAST_S, ANSWERS * answer_s), MAX_HORIZON_S)
    routes = {n: _scaled_route(route, scale, horizon_s) for n, route in scenario.routes.items()}
    if any(_ends(route) for route in routes.values()):
        horizon_s = min(horizon_s, scenario.horizon / scale)
    return scenario.model_copy(
        update={
            "routes": FrozenDict(routes),
            "horizon": horizon_s,
            "warmup": WARM_ANSWERS * answer_s,
        }
    )


def _ends(route: Route) -> bool:
    return isinstance(route.arrivals, TraceArrivals) and not route.arrivals.repeat


def _scaled_route(route: Route, scale: float, horizon_s: float) -> Route:
    arrivals = route.arrivals
    if isinstance(arrivals, PoissonArrivals):
        rate = {"rps": arrivals.rps * scale, "count": None}
        return _with(route, arrivals.model_copy(update=rate))
    if isinstance(arrivals, VaryingArrivals):
        return _with(route, _steady(arrivals, scale, horizon_s))
    if isinstance(arrivals, ClosedArrivals):
        users = max(1, round(arrivals.concurrency * scale))
        return _with(route, arrivals.model_copy(update={"concurrency": users}))
    return _with(route, arrivals.model_copy(update={"speedup": arrivals.speedup * scale}))


def _steady(arrivals: VaryingArrivals, scale: float, horizon_s: float) -> VaryingArrivals:
    """*arrivals* at *scale* x their rate, without what does not average out over *horizon_s*."""
    settings = arrivals.settings()
    terms = tuple(
        BurstTerm(variance=term.variance, time=term.time_s)
        for term in settings.terms
        if term.time_s * BURSTS_PASS <= horizon_s
    )
    steady = {
        "workload": None,
        "mean_rps": arrivals.mean_rps * scale,
        "day_curve": None,
        "utc_offset_hours": 0.0,
        "bursts": terms or None,
        "bursts_at_rps": settings.bursts_at_rps,
        "on_off": None,
        "growth_percent_per_week": 0.0,
        "events": (),
    }
    return arrivals.model_copy(update=steady)


def _with(route: Route, arrivals: object) -> Route:
    return route.model_copy(update={"arrivals": arrivals})


def ended_tokens(part: RouteOnPool) -> float:
    """Useful tokens, input and output, of attempts that ended in the window."""
    return part.ended_useful.prompt + part.ended_useful.output


def _point(
    scale: float,
    scenario: Scenario,
    usage: Usage,
    benchmarks: dict[str, Benchmark],
    naive: float | None,
) -> CurvePoint:
    by_pool = {
        name: math.fsum(
            ended_tokens(usage.routes[r].by_pool[name])
            for r, route in scenario.routes.items()
            if name in route.pools
        )
        for name in scenario.pools
    }
    benchmark_hours = math.fsum(b.replica_hours(by_pool[p]) for p, b in benchmarks.items())
    paid_hours = math.fsum(pool.paid_s for pool in usage.pools.values()) / 3600.0
    billed = bill(usage, scenario)
    own_usd = billed.total_usd - billed.kind_usd("hosted")  # of routes that no pool answers
    usd = per(own_usd, math.fsum(by_pool.values()), MILLION)
    return CurvePoint(
        scale=scale,
        utilization=share(benchmark_hours, paid_hours),
        usd_per_million=usd,
        factor=None if usd is None or not naive else usd / naive,
    )
