"""Capacity tables: the kinds of utilization and the states of paid GPU time; knows no clock."""

from __future__ import annotations

from sim.report.numerals import MISSING, dollars, hours, percent, significant
from sim.report.summary import Summary
from sim.report.table import Table, table

UTILIZATIONS = {
    "busy": "paid replica time with a step running, however few sequences are in it",
    "benchmark": "useful tokens over what the benchmark would make (half: twice the cost)",
    "useful": "paid GPU time that the useful tokens would take at the benchmark's efficiency",
    "kv": "KV-cache blocks in use, averaged over time",
}
"""One line of meaning for each kind of utilization."""

STATES = {
    "reference_useful": ("useful work", "useful tokens at the benchmark's efficiency"),
    "reference_waste": ("wasted work", "other tokens at the benchmark's efficiency"),
    "slack": ("slack", "steps ran, but under-filled"),
    "idle": ("idle", "no step ran"),
    "starting": ("starting", "provisioning and loading"),
    "draining": ("draining", "finishing before release"),
    "failed": ("failed", "crashed, not yet replaced"),
    "unplaced": ("unplaced", "GPUs of a node without a replica"),
    "committed_unused": ("commitment", "committed to, but not running"),
}
"""The nine states of paid GPU time: their label and meaning."""


def utilization(summary: Summary) -> Table:
    """The kinds of utilization with their meaning; `useful` is for the JSON alone."""
    rows = [
        (kind, percent(summary.number(f"utilization.{kind}")), meaning)
        for kind, meaning in UTILIZATIONS.items()
        if kind != "useful"
    ]
    above = (summary.number("utilization.benchmark") or 0.0) > 1.0
    note = "Above 100 %: the prefix cache does what the benchmark had to compute." if above else ""
    return table("Utilization", ["<kind", "share", "<meaning"], rows, note)


def pools(summary: Summary) -> Table:
    """A row per pool: its mean replicas, how full they were, and what it costs.

    Empty for a single pool whose replicas were always ready: the other tables say it all.
    """
    parts = {name: summary.part("pools", name) for name in summary.names("pools")}
    if len(parts) < 2 and not any(_varies(pool) for pool in parts.values()):
        return table("Pools", [], [])
    heads = ["replicas\npaid", "ready", "busy", "benchmark", "KV", "GPU-hours", "$"]
    rows = [(name, *_pool(part)) for name, part in parts.items()]
    note = "Replicas are means over time; ready are also those that finish what they began."
    return table("Pools", ["<pool", *heads], rows, note)


def _varies(pool: Summary) -> bool:
    """Whether replicas started, drained or failed."""
    return any(pool.number(f"gpu_hours.{state}") for state in ("starting", "draining", "failed"))


def _pool(pool: Summary) -> tuple[str, ...]:
    replicas = [pool.number(f"replicas.{key}") for key in ("paid", "ready")]
    return (
        *(MISSING if n is None else significant(n) for n in replicas),
        *(percent(pool.number(f"utilization.{kind}")) for kind in ("busy", "benchmark", "kv")),
        hours(pool.number("gpu_hours.paid")),
        dollars(pool.number("usd")),
    )


def gpu_hours(summary: Summary) -> Table:
    """Paid GPU-hours by state; states with none are named below."""
    paid = summary.number("gpu_hours.paid")
    figures = {s: summary.number(f"gpu_hours.{s}") for s in STATES}
    least = 1e-9 * (paid or 0.0)  # what is less has come of rounding
    rows = [
        (STATES[s][0], hours(n), percent(n / paid if paid else None), STATES[s][1])
        for s, n in figures.items()
        if n and abs(n) > least
    ]
    rows.append(("paid", hours(paid), percent(1.0 if paid else None), "the sum"))
    none = [STATES[s][0] for s, n in figures.items() if not n or abs(n) <= least]
    note = f"None: {', '.join(none)}." if none else ""
    return table("GPU-hours", ["<state", "hours", "share", "<meaning"], rows, note, total=True)
