"""Catalog tables of what a living fleet meets: cold starts, failures, repairs; no clock."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import date
from typing import Any

from sim.catalog.failures import FailureRate, RepairWay, failure_rates, typical_repair
from sim.catalog.startup import PHASES, Phase, Startup, startups
from sim.report.numerals import significant
from sim.report.table import Table, table
from sim.units import format_duration


def startup_table(today: date) -> Table:
    """Cold starts, phase by phase: median and 95 % quantile, or the rate of loading weights."""
    heads = [f"<{name.replace('_', ' ')}" for name in PHASES]
    note = (
        "Median (95 % quantile) of a lognormal law, or bytes of the weights over a rate. "
        "startup: NAME in a pool takes one; none takes no time."
    )
    rows = [_startup(row) for row in startups()]
    return table("Cold starts", ["<startup", *heads, "as of"], rows, note)


def _startup(row: Startup) -> tuple[str, ...]:
    return row.name, *(_phase(row.phases[name]) for name in PHASES), row.as_of.isoformat()


def _phase(phase: Phase) -> str:
    if phase.gb_per_s is not None:
        return f"{significant(phase.gb_per_s, 2)} GB/s"
    if phase.median_s is not None and phase.p95_s is not None:
        return f"{format_duration(phase.median_s)} ({format_duration(phase.p95_s)})"
    return format_duration(phase.fixed_s or 0.0)


def title_table(today: date) -> Table:
    """What each cold start is of."""
    rows = [(row.name, row.title) for row in startups()]
    return table("Cold starts: of what", ["<startup", "<is that of"], rows)


def evidence_table(today: date) -> Table:
    """Where the numbers of the phases come from, each source once."""
    sources: dict[tuple[str, str], list[str]] = {}
    for row in startups():
        for name in PHASES:
            sources.setdefault((name, row.phases[name].source), []).append(row.name)
    rows = [
        (phase.replace("_", " "), source, ", ".join(names))
        for (phase, source), names in sources.items()
    ]
    return table("Cold starts: sources", ["<phase", "<source", "<of"], rows)


def failure_table(today: date) -> Table:
    """Published rates of failure of a node."""
    note = "Of nodes with 8 GPUs. failures: {mtbf: NAME} in a pool takes one."
    columns = ["<mtbf", "days", "<what was counted", "<source", "as of"]
    return table("Node failures", columns, [_rate(row) for row in failure_rates()], note)


def _rate(row: FailureRate) -> tuple[str, ...]:
    days = significant(row.mtbf_s / 86_400)
    return row.name, days, row.counts, row.source, row.as_of.isoformat()


def repair_table(today: date) -> Table:
    """The mixture behind ``repair: typical``."""
    note = "repair: typical draws one of these. The shares are a choice."
    columns = ["<repair", "share", "time", "<source", "as of"]
    return table("Repairs", columns, [_repair(row) for row in typical_repair()], note)


def _repair(row: RepairWay) -> tuple[str, ...]:
    time = format_duration(row.duration_s)
    return row.name, f"{row.share:.0%}", time, row.source, row.as_of.isoformat()


STARTUP_TABLES = (startup_table, title_table, evidence_table, failure_table, repair_table)
"""Tables of the catalog's section `startup`."""

STARTUP_ROWS: Mapping[str, Callable[[], Iterable[Any]]] = {
    "startup": startups,
    "failure_rates": failure_rates,
    "repairs": typical_repair,
}
"""What the section holds: its own rows, and those that it brings."""
