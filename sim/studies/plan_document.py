"""Plan document: a plan as plain nested data, for JSON, tables and figures; knows no clock."""

from __future__ import annotations

import math
from dataclasses import asdict
from datetime import date
from typing import Any

from sim.cost.pricing import MILLION
from sim.studies.attainment import is_met
from sim.studies.plan import Plan, PoolPlan
from sim.studies.plan_judge import Margin
from sim.studies.plan_race import Contender
from sim.studies.result import Result, versions

Tree = dict[str, Any]
"""A JSON object."""


def plan_document(
    found: Plan, *, growth_percent_per_week: float = 0.0, today: date | None = None
) -> Tree:
    """All of *found*; with *growth_percent_per_week*, the day on which the fleet is full.

    The day is counted from *today*, and None without one.
    """
    room, growth = found.headroom, growth_percent_per_week
    full = None if today is None else room.full_on(growth, today)
    return {
        "scenario": found.scenario.name,
        "seed": found.scenario.seed,
        "replications": len(found.result.runs),
        "found": found.found,
        "now": _fleet(found.before),
        "planned": _fleet(found.result),
        "pools": {pool.pool: _pool(pool) for pool in found.pools},
        "headroom": {
            "multiple": room.multiple,
            "misses_at": room.misses_at,
            "binds": room.binds,
            "by_peak": room.by_peak,
            "rps": room.multiple * _rps(found.result),
            "growth_percent_per_week": growth,
            "weeks_until_full": room.weeks_until_full(growth),
            "full_on": None if full is None else full.isoformat(),
        },
        "simulated": found.simulated,
        "exhaustive": found.exhaustive,
        "versions": versions(),
    }


def _rps(result: Result) -> float:
    return result.usage.overall.requests.arrived / result.usage.window_s


def _fleet(result: Result) -> Tree:
    cost, slo_windows = result.statement.cost.by_use, result.scenario.slo_windows
    path = "cost.usd_per_million_useful_tokens"
    figures = [figure for route in result.usage.routes.values() for figure in route.slo]
    return {
        "usd_per_month": result.statement.bill.usd_per_month,
        "usd_per_million_useful_tokens": {
            "value": cost.usd_per_million_useful_tokens,
            "ci95": result.intervals.get(path),
        },
        "benchmark_utilization": result.statement.utilization.benchmark,
        "slos": len(figures),
        "slos_met": sum(is_met(figure, slo_windows) is True for figure in figures),
        "million_tokens_per_day": _tokens_per_day(result) / MILLION,
    }


def _tokens_per_day(result: Result) -> float:
    useful = result.usage.overall.useful
    return (useful.input + useful.output) * 86_400.0 / result.usage.window_s


def _pool(pool: PoolPlan) -> Tree:
    ahead = pool.ahead
    return {
        "choice": None if pool.choice is None else _contender(pool.choice),
        "runner_up": None if pool.runner_up is None else _contender(pool.runner_up),
        "runner_up_dearer_usd_per_month": None
        if ahead is None
        else {
            "value": ahead.difference,
            "ci95": None if ahead.interval is None else list(asdict(ahead.interval).values()),
            "shown": ahead.shown,
        },
        "tried": [_contender(c) for c in pool.tried],
        "beyond": [_contender(c) for c in pool.beyond],
        "left_out": [asdict(left) for left in pool.left],
        "note": pool.note,
    }


def _contender(contender: Contender) -> Tree:
    ran = bool(contender.usd_per_month)
    binding = contender.binding
    return {
        "design": contender.design.label,
        "size": contender.size,
        "met": contender.met,
        "verdict": contender.verdict,
        "replications": len(contender.usd_per_month),
        "usd_per_month": contender.mean_usd_per_month if ran else None,
        "nodes_usd_per_month": contender.nodes_usd_per_month
        if ran
        else contender.floor_usd_per_month,
        "binding": None if binding is None else _margin(binding),
        "slos": [_margin(m) for m in contender.margins],
    }


def _margin(margin: Margin) -> Tree:
    tree = asdict(margin)
    for key in ("load", "windows_lost"):
        tree[key] = tree[key] if math.isfinite(tree[key]) else None
    worst = margin.worst
    return {**tree, "met": margin.met, "worst": worst if math.isfinite(worst) else None}
