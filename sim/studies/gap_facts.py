"""Gap facts: the numbers of a run that explain each rung, and the incidents that it rests on.

Knows no clock. Numbers alone: how they are put into words is the report's business.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from sim.cost.ladder import OF_NODES, Ladder
from sim.cost.ladder_parts import expected_failures_usd
from sim.ledger.average import mean
from sim.ledger.usage import Usage
from sim.scenario.document import Scenario
from sim.studies.result import Result
from sim.units import HOURS_PER_MONTH

if TYPE_CHECKING:
    from sim.studies.gap import Gap

QUIET = 0.5
"""An hour is quiet if demand is under this part of the busiest hour's."""

PER_HOUR = 12
"""Intervals of an hour."""

Facts = dict[str, Any]
"""Numbers, None or short texts by name, as JSON has them."""


def facts(gap: Gap, ladder: Ladder) -> dict[str, Facts]:
    """What explains each rung, by its cause; counts and dollars are means per replication."""
    result, found = gap.result, ladder.parts
    usage, scenario = result.usage, result.scenario
    needs = {pool: mean(each) for pool, each in gap.needs.items()}
    bill = result.statement.bill
    starts = _starts(usage)
    replicas = {
        "needed_replicas": math.fsum(_mean(n.need_by_interval) for n in needs.values()),
        "whole_replicas": math.fsum(_mean(n.whole_by_interval) for n in needs.values()),
        "most_whole_replicas": math.fsum(_most(n.whole_by_interval) for n in needs.values()),
        "paid_replicas": math.fsum(p.paid_s for p in usage.pools.values()) / usage.window_s,
    }
    useful = usage.overall.useful
    requests = usage.overall.requests
    return {
        "real_lengths": {"shapes": [_shape(result, pool, needs[pool].lengths) for pool in needs]},
        "prefix_cache": {
            "cached_share": useful.cached_input / useful.input if useful.input else 0.0
        },
        "latency_slo": {"pools": [_pool_slo(gap, pool) for pool in needs]},
        "whole_replicas": replicas,
        "scaling_and_headroom": {**replicas, **_quiet(usage, scenario, gap)},
        "cold_starts": {
            "starts": starts.get("scale", 0.0),
            "starting_usd": found.starting_usd,
            "tails_usd": found.tails_usd,
        },
        "redundancy": {
            "rollout_starts": starts.get("rollout", 0.0),
            "surge_usd": found.surge_usd,
            "spares_usd": found.spares_usd,
            "floor_usd": found.floor_usd,
        },
        "failures": {
            "deaths": math.fsum(p.deaths for p in usage.pools.values()),
            "replacements": starts.get("replacement", 0.0),
            "dead_usd": found.dead_usd,
            "replacing_usd": found.replacing_usd,
            "expected_usd_per_month": closed_form(result),
        },
        "clients": {
            "waste_usd": found.waste_usd,
            "lost_share": 1.0 - ladder.useful_tokens / ladder.log_tokens,
            "not_completed": requests.arrived - requests.completed,
            "retried": requests.retried,
        },
        "purchase": {
            "list_usd": found.list_usd,
            "paid_usd": math.fsum(line.usd for line in bill.lines if line.kind in OF_NODES),
        },
        "other_lines": {
            "lines": [
                [line.line, line.usd]
                for line in sorted(bill.lines, key=lambda line: -line.usd)
                if line.kind not in (*OF_NODES, "people") and line.usd
            ]
        },
        "people": {
            "lines": [line.line for line in bill.lines if line.kind == "people"],
            "usd_per_month": math.fsum(line.usd for line in bill.lines if line.kind == "people")
            / (usage.window_s / 3600.0)
            * HOURS_PER_MONTH,
        },
    }


def _mean(levels: np.ndarray) -> float:
    return float(levels.mean()) if len(levels) else 0.0


def _most(levels: np.ndarray) -> float:
    return float(levels.max()) if len(levels) else 0.0


def _starts(usage: Usage) -> Facts:
    causes = {cause for pool in usage.pools.values() for cause in pool.starts}
    return {c: math.fsum(p.starts.get(c, 0.0) for p in usage.pools.values()) for c in causes}


def _shape(result: Result, pool: str, lengths: float) -> Facts:
    bench = result.benchmarks[pool]
    return {
        "pool": pool,
        "input_tokens": bench.input_tokens,
        "output_tokens": bench.output_tokens,
        "is_given": result.scenario.pools[pool].naive is not None,
        "shape_unknown": bench.concurrency == 0,
        "tokens_per_s": bench.tokens_per_s,
        "real_tokens_per_s": bench.tokens_per_s / lengths,
    }


def _pool_slo(gap: Gap, pool: str) -> Facts:
    plan = gap.plans[pool]
    needs = gap.needs[pool]
    full = math.fsum(n.lengths * n.cache for n in needs) / len(needs)
    bench = gap.result.benchmarks[pool]
    return {
        "pool": pool,
        "replicas": plan.replicas,
        "requests_per_s": None if plan.rate_per_s is None else plan.rate_per_s / plan.replicas,
        "full_tokens_per_s": bench.tokens_per_s / full,
        "reason": plan.reason or None,
    }


def _quiet(usage: Usage, scenario: Scenario, gap: Gap) -> Facts:
    """Shares of GPU-hours and tokens in quiet hours, and of time; empty if there are none."""
    gpus = {p: scenario.pools[p].gpus_per_replica for p in gap.needs}
    needs = {p: np.asarray(mean(each).need_by_interval) for p, each in gap.needs.items()}
    if not needs:
        return {}
    demand = _hourly(np.sum([needs[p] * gpus[p] for p in needs], axis=0))
    paid = _hourly(np.sum([usage.pools[p].paid_by_interval * gpus[p] for p in needs], axis=0))
    ended = np.sum([r.ended_by_interval[:, 1:].sum(axis=1) for r in usage.routes.values()], axis=0)
    tokens = _hourly(ended)
    quiet = demand < QUIET * demand.max()
    if len(demand) < 2 or not quiet.any() or not paid.sum() or not tokens.sum():
        return {}
    return {
        "quiet_hours_share": float(quiet.mean()),
        "quiet_gpu_share": float(paid[quiet].sum() / paid.sum()),
        "quiet_token_share": float(tokens[quiet].sum() / tokens.sum()),
    }


def _hourly(levels: np.ndarray) -> np.ndarray:
    """Sums over hours, the last one cut."""
    starts = np.arange(0, len(levels), PER_HOUR)
    return np.add.reduceat(levels, starts)


def incidents(result: Result) -> dict[str, float]:
    """What happened in all replications that a rung rests on; causes that cannot happen are left
    out, so that an exact 0 is not called thin."""
    usage, scenario, n = result.usage, result.scenario, len(result.runs)
    starts, pools = _starts(usage), scenario.pools.values()
    requests = usage.overall.requests
    found = {}
    if any(pool.scales for pool in pools):
        found["cold_starts"] = starts.get("scale", 0.0) * n
    if any(pool.rollouts is not None for pool in pools):
        found["redundancy"] = starts.get("rollout", 0.0) * n
    if any(pool.failures is not None or pool.node.spot is not None for pool in pools):
        deaths = math.fsum(p.deaths for p in usage.pools.values())
        found["failures"] = max(deaths, starts.get("replacement", 0.0)) * n
    lost = requests.arrived - requests.completed + requests.retried
    if lost > 0:
        found["clients"] = lost * n
    return found


def closed_form(result: Result) -> float | None:
    """What nodes' failures cost a month on average, by formula; None if no rate is given."""
    usage, hours = result.usage, result.usage.window_s / 3600.0
    each = [
        expected_failures_usd(pool, usage.pools[name].node_s + usage.pools[name].spot_node_s)
        for name, pool in result.scenario.pools.items()
    ]
    known = [usd for usd in each if usd is not None]
    return math.fsum(known) / hours * HOURS_PER_MONTH if known else None
