"""Assumptions: what a scenario's numbers rest on, each with its source; knows no clock.

Sampling noise is in the intervals; what the model takes for granted stands here.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from sim.catalog import hosts
from sim.catalog.day_curves import day_curve
from sim.catalog.failures import failure_rates
from sim.catalog.gpus import gpu
from sim.catalog.models import model
from sim.catalog.startup import startup
from sim.catalog.timings import kernel_table
from sim.catalog.workloads import workload
from sim.scenario.arrivals import TraceArrivals, VaryingArrivals
from sim.scenario.document import Scenario
from sim.scenario.length_tables import WorkloadLengths
from sim.scenario.pool import Pool
from sim.scenario.route import Route
from sim.scenario.startup import NO_STARTUP

YOURS = "yours"
"""Source of what the scenario itself says."""


@dataclass(frozen=True)
class Assumption:
    """What is taken for granted at `path` of the scenario, and who says so.

    `doubt` says how far it may be off, where that is known; empty if not.
    """

    path: str
    says: str
    source: str
    doubt: str = ""


def assumptions(scenario: Scenario) -> list[Assumption]:
    """All assumptions of *scenario*, pools first, in its order."""
    found = [a for name, pool in scenario.pools.items() for a in _of_pool(f"pools.{name}", pool)]
    for name, route in scenario.routes.items():
        found += _of_route(f"routes.{name}", route)
    return found


def _of_pool(path: str, pool: Pool) -> Iterator[Assumption]:
    if pool.explicit:
        yield Assumption(f"{path}.timing", "step times by given coefficients", YOURS)
    else:
        yield from _of_catalog(path, pool)
    yield _price(path, pool)
    if pool.starts_replicas:
        yield _startup(path, pool)
    yield from _failures(path, pool)


def _of_catalog(path: str, pool: Pool) -> Iterator[Assumption]:
    assert pool.model is not None
    assert pool.gpu is not None
    card = gpu(pool.gpu)
    table = kernel_table(
        pool.model, card.table, pool.tensor_parallel, pool.precision, allow_extrapolated=True
    )
    yield Assumption(
        f"{path}.timing",
        f"step times of {pool.model} in {pool.precision} on {pool.tensor_parallel} x {pool.gpu} "
        f"({table.basis})",
        _dated(table.source, table.as_of),
        table.errors_note,
    )
    if pool.compute_factor is not None:
        text = f"compute takes {pool.compute_factor:g} x what the tables say on this card"
        yield Assumption(f"{path}.compute_factor", text, YOURS)
    else:
        low, high = card.compute_factor_range
        yield Assumption(
            f"{path}.gpu",
            f"compute takes {card.compute_factor:g} x what the tables say on this card",
            _dated(card.compute_factor_note, card.as_of),
            f"{low:g} to {high:g}",
        )
    shape = model(pool.model)
    yield Assumption(
        f"{path}.model", f"shape of {pool.model}, {pool.resolved_kv_tokens():,} tokens of KV cache",
        _dated(shape.source, shape.as_of),
    )  # fmt: skip
    if isinstance(pool.host, str):
        stack = hosts.host(pool.host)
        spread = "; ".join(
            f"{key} {low:g} to {high:g}" for key, (low, high) in stack.ranges.items()
        )
        yield Assumption(
            f"{path}.host", f"overhead of {stack.name}", _dated(stack.source, stack.as_of), spread
        )
    else:
        yield Assumption(f"{path}.host", "overhead by given seconds", YOURS)


def _price(path: str, pool: Pool) -> Assumption:
    says = f"${pool.node.usd_per_node_hour:,.4g} per node-hour of {pool.node.gpus} GPUs"
    row = pool.node.price_row
    if row is None:
        return Assumption(f"{path}.node", says, YOURS)
    note = f", {row.note}" if row.note else ""
    return Assumption(f"{path}.node", f"{says} ({row.key}{note})", _dated(row.source, row.as_of))


def _startup(path: str, pool: Pool) -> Assumption:
    says = f"a cold start takes {pool.mean_startup_s / 60:.1f} min on average"
    named = isinstance(pool.startup, str) and pool.startup != NO_STARTUP
    if not named:
        return Assumption(f"{path}.startup", says, YOURS)
    preset = startup(str(pool.startup))
    phases = len({phase.source for phase in preset.phases.values()})
    return Assumption(
        f"{path}.startup",
        f"{says} ({preset.name}: {preset.title})",
        _dated(f"{phases} published measurements: tokenfleet catalog startup", preset.as_of),
    )


def _failures(path: str, pool: Pool) -> Iterator[Assumption]:
    for key in ("mtbf", "replica_mtbf", "zone_mtbf"):
        mtbf_s = getattr(pool.failures, key, None)
        if mtbf_s is None:
            continue
        rate = next((r for r in failure_rates() if key == "mtbf" and r.mtbf_s == mtbf_s), None)
        says = f"a mean of {mtbf_s / 86_400:g} days between failures"
        if rate is None:
            yield Assumption(f"{path}.failures.{key}", says, YOURS)
        else:
            source = _dated(rate.source, rate.as_of)
            yield Assumption(f"{path}.failures.{key}", f"{says}: {rate.counts}", source)


def _of_route(path: str, route: Route) -> Iterator[Assumption]:
    yield from _arrivals(path, route)
    for side in ("input_tokens", "output_tokens"):
        lengths = getattr(route, side)
        if isinstance(lengths, WorkloadLengths):
            yield _workload(f"{path}.{side}", lengths.workload, "lengths")
        elif lengths is not None:
            yield Assumption(f"{path}.{side}", "lengths by a given law", YOURS)
    if route.sessions is not None and route.sessions.workload is not None:
        yield _workload(f"{path}.sessions", route.sessions.workload, "conversations")


def _arrivals(path: str, route: Route) -> Iterator[Assumption]:
    arrivals, at = route.arrivals, f"{path}.arrivals"
    if isinstance(arrivals, TraceArrivals):
        yield Assumption(at, f"requests as recorded in {arrivals.trace}", YOURS)
        return
    if not isinstance(arrivals, VaryingArrivals):
        yield Assumption(at, "steady arrivals", YOURS)
        return
    yield Assumption(f"{at}.mean_rps", f"{arrivals.mean_rps:g} requests per s on average", YOURS)
    if isinstance(arrivals.day_curve, str):
        curve = day_curve(arrivals.day_curve)
        says = f"hours of the week as in {curve.name} ({curve.clock} time)"
        yield Assumption(f"{at}.day_curve", says, _dated(curve.source, curve.as_of))
    if isinstance(arrivals.bursts, str):
        yield _workload(f"{at}.bursts", arrivals.bursts, "bursts")


def _workload(path: str, name: str, what: str) -> Assumption:
    found = workload(name)
    doubt = found.lacks
    if found.assumption:
        doubt = f"a stand-in, of no public trace; {doubt}"
    return Assumption(path, f"{what} as in {found.name}", _dated(found.source, found.as_of), doubt)


def _dated(source: str, as_of: object) -> str:
    return f"{source} ({as_of})" if as_of is not None else source
