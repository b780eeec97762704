"""Service tables: what became of requests, how fast they were answered, and the SLOs; no clock."""

from __future__ import annotations

from sim.report.numerals import count, percent, seconds, significant
from sim.report.summary import Json, Summary
from sim.report.table import Table, table


def requests(summary: Summary) -> str:
    """One line on what became of all requests."""
    states = ("completed", "rejected", "timed_out", "failed", "cancelled", "in_flight")
    counts = {s: summary.number(f"requests.{s}") or 0.0 for s in states}
    told = [f"{count(n)} {s.replace('_', ' ')}" for s, n in counts.items() if n or s == "completed"]
    return f"{count(summary.number('requests.arrived'))} requests arrived: {', '.join(told)}."


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
    """Each SLO against its figure; `windows` are of five minutes."""
    heads = ["target", "measured", "windows\ninside", "met"]
    columns = ["<route", "<SLO", *heads]
    return table("SLOs", columns, [_slo(row) for row in summary.rows("slo")])


def slo_name(row: Json) -> str:
    """An SLO as people write it, say "TTFT p95".

    >>> slo_name({"metric": "ttft_s", "quantile": 0.95})
    'TTFT p95'
    """
    metric = str(row["metric"]).removesuffix("_s").upper()
    return f"{metric} p{significant(float(row['quantile']) * 100, 4).rstrip('0').rstrip('.')}"


def _slo(row: Json) -> tuple[str, ...]:
    met = row["met"]
    verdict = "undecided" if met is None else ("yes" if met else "NO")
    share = percent(row["windows_met_share"])
    measured = seconds(row["value_s"])
    return str(row["route"]), slo_name(row), seconds(row["target_s"]), measured, share, verdict
