"""Spent table: what every dollar of the bill went into; knows no clock."""

from __future__ import annotations

from collections.abc import Iterator

from sim.report.numerals import dollars, percent
from sim.report.summary import Summary
from sim.report.table import Table, table

SPENT = {
    "useful_work": ("useful work", "useful tokens, at the benchmark's efficiency"),
    "slack": ("slack", "steps ran, but under-filled"),
    "idle": ("idle", "no step ran"),
    "starting": ("starting", "provisioning and loading"),
    "draining": ("draining", "finishing before release"),
    "failed": ("failed", "crashed, not yet replaced"),
    "unplaced": ("unplaced", "GPUs of a node without a replica"),
    "unused_commitment": ("unused commitment", "reserved or owned, but not running"),
    "infra": ("other lines", "of the bill: infra"),
    "people": ("people", "of the bill"),
    "hosted": ("hosted API", "what it took"),
}
"""What money goes into, but for waste: label and meaning."""

IDLE = {
    "valley": "within the replicas that a perfect scaler would hold",
    "headroom": "replicas held beyond those",
}
"""Why no step ran, where a gap's ladder says it."""

WASTED = {
    "timed_out": "the client gave up",
    "failed": "a replica died, or the answer was an error",
    "cancelled": "the client left",
    "preempted": "computed again after the KV cache was full",
    "retried": "earlier attempts of requests tried again",
    "escalated": "answers that were not good enough",
    "not_useful": "health checks and the like",
    "earlier": "requests that came before the window",
}
"""What is wasted, at the benchmark's efficiency, by its cause."""


def spent(summary: Summary) -> Table:
    """Dollars by what they went into, with what is nothing named below; empty without a bill."""
    total = summary.number("bill.total_usd")
    if not total:
        return table("Where the money goes", [], [])
    figures = list(_figures(summary))
    least = 1e-9 * total  # what is less has come of rounding
    month = summary.number("bill.usd_per_month") or 0.0
    real = summary.number("cost.usd_per_million_useful_tokens.value")
    rows = [
        (label, *_money(usd / total, usd, month, real), meaning)
        for label, usd, meaning in figures
        if abs(usd) > least
    ]
    rows.append(("the bill", *_money(1.0, total, month, real), "the sum"))
    none = [label for label, usd, _ in figures if abs(usd) <= least and label[:7] != "wasted:"]
    note = f"None: {', '.join(none)}." if none else ""
    heads = ["share", "$", "$ per\nmonth", "$ per 1M"]
    columns = ["<went into", *heads, "<meaning"]
    return table("Where the money goes", columns, rows, note, total=True)


def _figures(summary: Summary) -> Iterator[tuple[str, float, str]]:
    """(label, dollars, meaning), waste after useful work."""
    for key, (label, meaning) in SPENT.items():
        if key == "idle" and summary.get("spent.idle_by_cause"):
            for cause, why in IDLE.items():
                yield f"idle: {cause}", summary.number(f"spent.idle_by_cause.{cause}") or 0.0, why
            continue
        yield label, summary.number(f"spent.{key}") or 0.0, meaning
        if key == "useful_work":
            for cause, why in WASTED.items():
                usd = summary.number(f"spent.waste.{cause}") or 0.0
                yield f"wasted: {cause.replace('_', ' ')}", usd, why


def _money(share: float, usd: float, month: float, real: float | None) -> tuple[str, ...]:
    per_million = dollars(None if real is None else share * real)
    return percent(share), dollars(usd), dollars(share * month), per_million
