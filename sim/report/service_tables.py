"""Service tables: what became of requests, how fast they were answered, and the SLOs; no clock."""

from __future__ import annotations

from sim.report.numerals import count, dollars, percent, seconds, significant
from sim.report.summary import Json, Summary
from sim.report.table import Table, table
from sim.units import format_duration


def requests(summary: Summary) -> str:
    """One line on what became of all requests."""
    states = ("completed", "rejected", "timed_out", "failed", "cancelled", "in_flight")
    counts = {s: summary.number(f"requests.{s}") or 0.0 for s in states}
    told = [f"{count(n)} {s.replace('_', ' ')}" for s, n in counts.items() if n or s == "completed"]
    if hosted := summary.number("requests.hosted"):
        told[0] += f" ({count(hosted)} of them by a hosted API)"
    text = f"{count(summary.number('requests.arrived'))} requests arrived: {', '.join(told)}."
    if summary.number("requests.retried"):
        text += f" They took {count(summary.number('requests.attempts'))} attempts."
    return text


def routes_speed(summary: Summary) -> Table:
    """A row per route: how long its users waited, and how many SLOs it met."""
    heads = [
        "TTFT p50",
        "p95",
        "TPOT p50",
        "p95",
        "E2E p95",
        "SLOs\nmet",
        "requests\nin SLO",
    ]
    rows = [(n, *_route_speed(summary.part("routes", n))) for n in summary.names("routes")]
    return table("Routes: how fast they answer", ["<route", *heads], rows)


def _route_speed(route: Summary) -> tuple[str, ...]:
    shown = ("ttft_s.p50", "ttft_s.p95", "tpot_s.p50", "tpot_s.p95", "e2e_s.p95")
    figures = [seconds(route.number(f"latency.{figure}")) for figure in shown]
    slos = route.rows("slo")
    if not slos:
        return (*figures, "no SLO", "-")
    met = sum(1 for s in slos if s.get("met"))
    return (*figures, f"{met} of {len(slos)}", percent(_in_slo(route)))


def _in_slo(route: Summary) -> float | None:
    arrived, inside = route.number("requests.arrived"), route.number("requests.in_slo")
    return inside / arrived if arrived and inside is not None else None


def slos(summary: Summary) -> Table:
    """Each SLO against its figure, and the worst five minutes with when they began."""
    heads = ["target", "measured", "windows\ninside", "worst\nwindow", "from", "met"]
    columns = ["<route", "<SLO", *heads]
    rows = summary.rows("slo")
    note = "Windows are of five minutes." if rows else ""
    if any(_is_silent(row) for row in rows):
        note += " In a silent one requests ended, but none was answered."
    return table("SLOs", columns, [_slo(row) for row in rows], note)


def _is_silent(row: Json) -> bool:
    worst = row.get("worst_window")
    return worst is not None and worst["value_s"] is None


def budgets(summary: Summary) -> Table:
    """A row per route with SLOs: how much of its error budget is spent, and what is left to sell.

    A window is bad if it missed any SLO of its route.
    """
    heads = ["windows", "bad", "allowed", "budget\nused", "requests\nin SLO", "$ per 1M\nin SLO"]
    parts = {name: summary.part("routes", name) for name in summary.names("routes")}
    rows = [(name, *_budget(part)) for name, part in parts.items() if part.get("slo_budget")]
    note = "A window is bad if it missed an SLO of its route." if rows else ""
    return table("Error budgets", ["<route", *heads], rows, note)


def _budget(route: Summary) -> tuple[str, ...]:
    windows, bad, allowed, used = (
        route.number(f"slo_budget.{key}") for key in ("windows", "bad", "allowed", "used")
    )
    return (
        _windows(windows),
        _windows(bad),
        _windows(allowed),
        percent(used),
        percent(_in_slo(route)),
        dollars(route.number("cost.usd_per_million_goodput_tokens.value")),
    )


def slo_name(row: Json) -> str:
    """An SLO as people write it, say "TTFT p95".

    >>> slo_name({"metric": "ttft_s", "quantile": 0.95})
    'TTFT p95'
    """
    metric = str(row["metric"]).removesuffix("_s").upper()
    return f"{metric} p{significant(float(row['quantile']) * 100, 4).rstrip('0').rstrip('.')}"


def _windows(n: float | None) -> str:
    """A number of windows; a mean over replications, or a part, need not be whole."""
    return count(n) if n is None or n == round(n) else significant(n)


def _slo(row: Json) -> tuple[str, ...]:
    met = row["met"]
    verdict = "undecided" if met is None else ("yes" if met else "NO")
    share = percent(row["windows_met_share"])
    figures = (seconds(row["target_s"]), seconds(row["value_s"]), share, *_worst(row))
    return str(row["route"]), slo_name(row), *figures, verdict


def _worst(row: Json) -> tuple[str, str]:
    """The quantile in the worst window, and when it began."""
    worst = row.get("worst_window")
    if worst is None:
        return seconds(None), ""
    value = "silent" if _is_silent(row) else seconds(worst["value_s"])
    return value, format_duration(worst["start_s"])
