"""Interval table: how sure each figure that people quote is; knows no clock."""

from __future__ import annotations

from collections.abc import Callable

from sim.report.numerals import count, dollars, hours, percent, seconds, tokens
from sim.report.summary import Summary
from sim.report.table import Table, table

Shown = Callable[[float | None], str]

_FLEET: tuple[tuple[str, str, Shown], ...] = (
    ("$ per 1M useful tokens", "cost.usd_per_million_useful_tokens", dollars),
    ("$ per 1,000 requests", "cost.usd_per_thousand_requests", dollars),
    ("$ per 1M goodput tokens", "cost.usd_per_million_goodput_tokens", dollars),
    ("$ per 1M input tokens, not cached", "cost.usd_per_million_input_tokens", dollars),
    ("$ per 1M input tokens, cached", "cost.usd_per_million_cached_input_tokens", dollars),
    ("$ per 1M output tokens", "cost.usd_per_million_output_tokens", dollars),
    ("bill a month", "bill.usd_per_month", dollars),
    ("real price / naive price", "gap.factor", lambda x: "n/a" if x is None else f"{x:,.3g}"),
    ("useful tokens an hour", "tokens.useful_per_hour", tokens),
    ("requests", "requests.arrived", count),
    ("paid GPU-hours", "gpu_hours.paid", hours),
    ("utilization, benchmark", "utilization.benchmark", percent),
    ("utilization, busy", "utilization.busy", percent),
)
_ROUTE: tuple[tuple[str, str, Shown], ...] = (
    ("$ per 1M useful tokens", "cost.usd_per_million_useful_tokens", dollars),
    ("$ per 1,000 requests", "cost.usd_per_thousand_requests", dollars),
    ("TTFT p95", "latency.ttft_s.p95", seconds),
    ("TPOT p95", "latency.tpot_s.p95", seconds),
    ("E2E p95", "latency.e2e_s.p95", seconds),
)


def intervals(summary: Summary) -> Table:
    """A row for each figure that has a 95 % interval, the fleet's first, then by route."""
    rows = _rows(summary, "the fleet", _FLEET)
    for name in summary.names("routes"):
        rows += _rows(summary.part("routes", name), name, _ROUTE)
    runs = int(summary.number("replications") or 1)
    note = f"95 % by Student t over {runs} replications, ratios by jackknife: the noise of sampling"
    note += " alone. What the model takes for granted may be off as well: see the assumptions."
    heads = ["<of", "<figure", "value", "from", "to", "+/-"]
    return table("How sure each figure is", heads, rows, note if rows else "")


def _rows(
    summary: Summary, name: str, figures: tuple[tuple[str, str, Shown], ...]
) -> list[tuple[str, ...]]:
    rows = []
    for label, path, shown in figures:
        bounds = summary.interval(path)
        value = summary.number(path)
        value = summary.number(f"{path}.value") if value is None else value
        if bounds is None or value is None:
            continue
        half = (bounds[1] - bounds[0]) / 2.0 / abs(value) if value else None
        rows.append((name, label, shown(value), *map(shown, bounds), percent(half)))
    return rows
