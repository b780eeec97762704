"""Compare: the headline figures of two scenarios, as paired differences; knows no clock.

Both run on the first one's seed, so that replication i of the one and of the other have the same
arrivals, lengths and failures wherever the two scenarios agree on them.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from sim.ledger.usage import RouteUsage, Usage
from sim.scenario.document import Scenario
from sim.studies.intervals import CONFIDENCE
from sim.studies.paired import Figures, Paired, paired_figures
from sim.studies.paired_runs import PairedRuns
from sim.studies.resize import Resized, resize
from sim.studies.result import Result
from sim.units import HOURS_PER_MONTH

Kind = Literal["usd", "share", "hours", "seconds"]
"""What a figure is counted in."""

LATENCIES = ("ttft_s", "tpot_s", "e2e_s")


@dataclass(frozen=True)
class Measure:
    """A figure that is compared: its path in the document, its name, what it is counted in."""

    path: str
    label: str
    kind: Kind


MONEY = (
    Measure("usd_per_million_useful_tokens", "$ per 1M useful tokens", "usd"),
    Measure("usd_per_thousand_requests", "$ per 1,000 requests", "usd"),
    Measure("usd_per_month", "$ per month", "usd"),
)
"""What a change costs or saves, in the three ways that people ask for."""

FLEET = (
    *MONEY,
    Measure("usd_per_million_goodput_tokens", "$ per 1M tokens inside SLOs", "usd"),
    Measure("utilization", "utilization (benchmark)", "share"),
    Measure("gpu_hours_per_month", "GPU-hours paid per month", "hours"),
    Measure("work_hours_per_month", "GPU-hours of work per month", "hours"),
    Measure("waste", "GPU time wasted", "share"),
    Measure("in_slo", "requests inside SLOs", "share"),
)


def measures(scenario: Scenario) -> tuple[Measure, ...]:
    """The figures of *scenario*'s fleet, then the p95s of its routes."""
    named = (("ttft_s", "TTFT"), ("tpot_s", "TPOT"), ("e2e_s", "E2E"))
    return FLEET + tuple(
        Measure(f"routes.{route}.{key}.p95", f"{route}: {name} p95", "seconds")
        for route in scenario.routes
        for key, name in named
    )


def figures(result: Result, usage: Usage) -> Figures:
    """The figures of `measures`, of one *usage* of *result*'s scenario; None where undefined.

    Hours of work are reference hours, what the tokens would take at benchmark efficiency: they tell
    what a change is worth where whole replicas hide it.
    """
    found = result.statement_of(usage)
    cost, hours = found.cost.by_use, found.gpu_hours
    per_month = 3600.0 / usage.window_s * HOURS_PER_MONTH
    slo = [u for name, u in usage.routes.items() if result.scenario.routes[name].slo is not None]
    arrived = math.fsum(u.requests.arrived for u in slo)
    return {
        "usd_per_million_useful_tokens": cost.usd_per_million_useful_tokens,
        "usd_per_thousand_requests": cost.usd_per_thousand_requests,
        "usd_per_month": found.bill.usd_per_month,
        "usd_per_million_goodput_tokens": cost.usd_per_million_goodput_tokens,
        "utilization": found.utilization.benchmark,
        "gpu_hours_per_month": hours.paid * per_month,
        "work_hours_per_month": (hours.reference_useful + hours.reference_waste) * per_month,
        "waste": hours.reference_waste / hours.paid if hours.paid else None,
        "in_slo": math.fsum(u.requests.in_slo for u in slo) / arrived if arrived else None,
        **{k: v for name, u in usage.routes.items() for k, v in _p95s(name, u)},
    }


def _p95s(name: str, usage: RouteUsage) -> list[tuple[str, float | None]]:
    return [(f"routes.{name}.{key}.p95", getattr(usage, key).p95) for key in LATENCIES]


@dataclass(frozen=True)
class Difference:
    """One figure on both sides; `paired` is None where it is undefined on one."""

    measure: Measure
    paired: Paired | None


@dataclass(frozen=True)
class Comparison:
    """All figures of two results.

    `confidence` is that of each interval: 1 - 0.05/m for m figures that hold together with 95 %
    (Bonferroni; Law 2015, section 9.7).
    """

    before: Result
    after: Result
    rows: tuple[Difference, ...]
    confidence: float
    note: str = ""

    def of(self, path: str) -> Paired | None:
        """The difference of the figure at *path*; None if it is undefined or not compared."""
        return next((row.paired for row in self.rows if row.measure.path == path), None)


def compared(
    before: Result,
    after: Result,
    only: Sequence[Measure] | None = None,
    *,
    note: str = "",
    together: bool = True,
) -> Comparison:
    """The differences of *after* and *before*, figure by figure.

    Without *together* each interval is a 95 % one by itself, whatever the others do. Raises
    ValueError unless both have equally many replications.
    """
    wanted = measures(before.scenario) if only is None else tuple(only)

    def paired(confidence: float) -> dict[str, Paired | None]:
        return paired_figures(
            before.usages,
            after.usages,
            lambda usage: figures(before, usage),
            lambda usage: figures(after, usage),
            confidence,
        )

    first = paired(CONFIDENCE)
    kept = [m for m in wanted if m.path in first]
    unsure = sum(_has_interval(first[m.path]) for m in kept) if together else 1
    confidence = 1 - (1 - CONFIDENCE) / max(1, unsure)
    found = first if unsure <= 1 else paired(confidence)
    rows = tuple(Difference(m, found[m.path]) for m in kept)
    return Comparison(before, after, rows, confidence, note)


def _has_interval(found: Paired | None) -> bool:
    return found is not None and found.interval is not None


@dataclass(frozen=True)
class BothWays:
    """A change priced twice: on the same fleet, and with both fleets resized to their SLOs."""

    same_fleet: Comparison
    resized: Comparison | None
    fleets: tuple[Resized, Resized] | None = None


def compare(
    before: Scenario, after: Scenario, *, runs: PairedRuns, resized: bool = True
) -> BothWays:
    """Run both scenarios on *before*'s seed and compare them; with *resized*, both ways.

    Raises what a simulation raises.
    """
    after = after.model_copy(update={"seed": before.seed})
    first, second = runs.result(before), runs.result(after)
    same = compared(first, second)
    if not resized:
        return BothWays(same, None)
    small = resize(before, runs=runs), resize(after, runs=runs, like=first)
    note = "; ".join(dict.fromkeys(r.note for r in small if r.note))
    return BothWays(same, compared(small[0].result, small[1].result, note=note), small)


def document(both: BothWays) -> dict[str, Any]:
    """*both* as plain values, for JSON: every figure under `same_fleet` and `resized`."""
    first = both.same_fleet
    return {
        "before": first.before.scenario.name,
        "after": first.after.scenario.name,
        "seed": first.before.scenario.seed,
        "replications": len(first.before.runs),
        "same_fleet": comparison_tree(first),
        "resized": None if both.resized is None else comparison_tree(both.resized),
        "replicas": None
        if both.fleets is None
        else {side: sizes(r) for side, r in zip(("before", "after"), both.fleets, strict=True)},
    }


def comparison_tree(found: Comparison) -> dict[str, Any]:
    """One comparison as plain values."""
    return {
        "confidence_of_each": found.confidence,
        "note": found.note,
        "figures": {row.measure.path: paired_tree(row.paired) for row in found.rows},
    }


def paired_tree(found: Paired | None) -> dict[str, Any] | None:
    """One difference as plain values."""
    if found is None:
        return None
    interval = found.interval
    return {
        "before": found.before,
        "after": found.after,
        "difference": found.difference,
        "interval": None if interval is None else [interval.low, interval.high],
        "shown": found.shown,
        "variance_ratio": found.variance_ratio,
    }


def sizes(found: Resized) -> dict[str, float]:
    """Mean paid replicas of each pool of a resized fleet."""
    usage = found.result.usage
    return {name: pool.paid_s / usage.window_s for name, pool in usage.pools.items()}
