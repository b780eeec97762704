"""Spent: what every dollar of the bill went into: work, waste by its cause, time that was not used.

Knows no clock. Node dollars follow the states of paid GPU time (`GpuHours`), all hours of a pool at
one price: its mean. What is wasted is here only what it took at the benchmark's efficiency; that a
replica stood half empty beside it is slack and idle, whoever was to blame.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from sim.cost.bill import Bill
from sim.cost.peak import interval_lengths_s
from sim.cost.reference import ReferenceRates, reference_seconds
from sim.cost.utilization import GpuHours
from sim.ledger.usage import INTERVAL_S, PoolUsage, RouteOnPool, Usage
from sim.scenario.document import Scenario

EARLIER = "earlier"
"""Cause of waste of requests that came before the window, and whose attempts ended in it."""

STATES = ("slack", "idle", "starting", "draining", "failed", "unplaced")
"""States of paid time that are no work, as `GpuHours` calls them."""


@dataclass(frozen=True)
class Spent:
    """Dollars by what they went into; they sum to the bill.

    `waste` is by WASTE_CAUSES and EARLIER, without those of nothing. `infra`, `people` and `hosted`
    are the bill's other lines.
    """

    useful_work: float = 0.0
    waste: dict[str, float] = field(default_factory=dict)
    slack: float = 0.0
    idle: float = 0.0
    starting: float = 0.0
    draining: float = 0.0
    failed: float = 0.0
    unplaced: float = 0.0
    unused_commitment: float = 0.0
    infra: float = 0.0
    people: float = 0.0
    hosted: float = 0.0

    @property
    def total_usd(self) -> float:
        """All of it: the bill."""
        return math.fsum(
            math.fsum(value.values()) if isinstance(value, dict) else value
            for value in vars(self).values()
        )


def spent(
    usage: Usage,
    scenario: Scenario,
    billed: Bill,
    hours: Mapping[str, GpuHours],
    rates: Mapping[str, ReferenceRates],
) -> Spent:
    """What the dollars of *billed* went into, by the *hours* of each pool."""
    states: dict[str, list[float]] = {state: [] for state in ("useful_work", *STATES)}
    waste: dict[str, list[float]] = {}
    for name in scenario.pools:
        of, usd = hours[name], _usd_per_hour(name, billed, hours)
        if usd is None:  # a node without GPU time has no replica
            states["unplaced"].append(billed.node_usd(name) - billed.unused_usd(name))
            continue
        states["useful_work"].append(usd * of.reference_useful)
        for state in STATES:
            states[state].append(usd * getattr(of, state))
        for cause, share in _waste_shares(name, usage, scenario, rates[name]).items():
            waste.setdefault(cause, []).append(usd * of.reference_waste * share)
    return Spent(
        **{state: math.fsum(parts) for state, parts in states.items()},
        waste={cause: math.fsum(parts) for cause, parts in waste.items()},
        unused_commitment=billed.kind_usd("commitment"),
        **{kind: billed.kind_usd(kind) for kind in ("infra", "people", "hosted")},
    )


def _usd_per_hour(pool: str, billed: Bill, hours: Mapping[str, GpuHours]) -> float | None:
    """Mean price of a GPU-hour that was not an unused commitment; None if there was none."""
    used_hours = hours[pool].paid - hours[pool].committed_unused
    used_usd = billed.node_usd(pool) - billed.unused_usd(pool)
    return used_usd / used_hours if used_hours > 0.0 else None


def idle_usd(
    usage: Usage,
    billed: Bill,
    hours: Mapping[str, GpuHours],
    needed: Mapping[str, np.ndarray],
) -> dict[str, float]:
    """The idle dollars of `Spent` in two: `valley`, within the replicas that each pool *needed* in
    each 5 minutes, and `headroom`, beyond them (see `headroom_share`).

    A pool of which nothing is said needed none.
    """
    parts: dict[str, list[float]] = {"valley": [], "headroom": []}
    for name, pool in usage.pools.items():
        usd = (_usd_per_hour(name, billed, hours) or 0.0) * hours[name].idle
        need = needed.get(name, np.zeros(len(pool.paid_by_interval)))
        beyond = usd * headroom_share(pool, need, usage.window_s)
        parts["headroom"].append(beyond)
        parts["valley"].append(usd - beyond)
    return {cause: math.fsum(usd) for cause, usd in parts.items()}


def _waste_shares(
    pool: str, usage: Usage, scenario: Scenario, rates: ReferenceRates
) -> dict[str, float]:
    """Parts of a pool's wasted reference seconds by cause: each route's by its own causes."""
    seconds: dict[str, list[float]] = {}
    for name, route in scenario.routes.items():
        if pool not in route.pools:
            continue
        part = usage.routes[name].by_pool[pool]
        wasted_s = reference_seconds(part.ended_waste, rates).total_s
        for cause, share in _cause_shares(part, rates).items():
            seconds.setdefault(cause, []).append(wasted_s * share)
    totals = {cause: math.fsum(parts) for cause, parts in seconds.items()}
    total_s = math.fsum(totals.values())
    return {cause: s / total_s for cause, s in totals.items() if s} if total_s > 0.0 else {}


def _cause_shares(part: RouteOnPool, rates: ReferenceRates) -> dict[str, float]:
    """Parts of a route's waste by the cause of its wasted tokens, prefill and decode at their
    reference rates; what is computed again after a preemption is all prefill."""
    causes = dict.fromkeys([*part.wasted_input, *part.wasted_output])
    weights = {}
    for cause in causes:
        tokens_in = part.wasted_input.get(cause, 0.0)
        tokens_out = part.wasted_output.get(cause, 0.0)
        out_s = rates.pre_s if cause == "preempted" else rates.out_s
        weights[cause] = tokens_in * rates.pre_s + tokens_out * out_s
    total = math.fsum(weights.values())
    return {c: w / total for c, w in weights.items()} if total > 0.0 else {EARLIER: 1.0}


def headroom_share(pool: PoolUsage, needed: np.ndarray, window_s: float) -> float:
    """Part of a pool's idle time that is headroom: replicas beyond those that were *needed*.

    *needed* are replicas in each 5 minutes of the window (rung 4 of the gap ladder: as many as a
    perfect scaler would hold). The rest of the idle time is valley, within the needed ones. Paid
    replicas beyond the needed ones are taken to be idle as far as there is idle time.

    >>> pool = PoolUsage(idle_s=600.0, paid_by_interval=np.array([2.0, 2.0]))
    >>> headroom_share(pool, np.array([2.0, 1.0]), 600.0)
    0.5
    """
    paid = pool.paid_by_interval
    lengths_s = interval_lengths_s(window_s, len(paid), INTERVAL_S)
    beyond_s = float(lengths_s @ np.maximum(paid - needed, 0.0))
    return min(1.0, beyond_s / pool.idle_s) if pool.idle_s > 0.0 else 0.0
