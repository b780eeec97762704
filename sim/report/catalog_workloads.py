"""Catalog tables of traffic: workloads, what they reproduce and lack, and day curves; no clock."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Sequence
from datetime import date

from sim.catalog.workloads import (
    ArrivalPreset,
    DayCurve,
    Evidence,
    LengthTable,
    SessionPreset,
    Workload,
    day_curves,
    workloads,
)
from sim.report.numerals import count, seconds, significant
from sim.report.table import Table, table

NONE = "-"
MARK = "(assumption)"
ASSUMED = f"{MARK} = a stand-in for traffic that has no public trace; its numbers are choices."


def length_table(today: date) -> Table:
    """Tokens of prompts and answers, how they go together, and the head that prompts share."""
    heads = ["input\np50", "\np99", "output\np50", "\np99", "output by\ninput rank"]
    columns = ["<workload", *heads, "shared\nhead", "hidden\nreasoning"]
    rows = [_lengths(row) for row in workloads()]
    note = f"The shared head is part of the input. {ASSUMED}"
    return table("Workloads: token lengths", columns, rows, note)


def _lengths(row: Workload) -> tuple[str, ...]:
    quantiles = (count(_quantile(side, q)) for side in (row.input, row.output) for q in (0.5, 0.99))
    bins = row.output_given_input
    return (
        _named(row),
        *quantiles,
        f"{len(bins)} bins" if bins else NONE,
        count(row.template_tokens) if row.template_tokens else NONE,
        f"{row.reasoning_share:.0%}" if row.reasoning_share else NONE,
    )


def _quantile(side: LengthTable, level: float) -> float:
    """Tokens at *level*, linear in their logarithm between the levels of the table."""
    right = bisect_left(side.levels, level)
    if side.levels[right] == level:
        return side.tokens[right]
    (p, q), (x, y) = side.levels[right - 1 : right + 1], side.tokens[right - 1 : right + 1]
    return float(x * math.exp((level - p) / (q - p) * math.log(y / x)))


def arrival_table(today: date) -> Table:
    """How requests come, and how many turns follow each other."""
    columns = [
        "<workload",
        "requests\nper s",
        "gap\nshape",
        "<burst variance,\ntime",
        "batch\nsize",
    ]
    columns += ["<day curve", "turns", "turn gap\np50"]
    known = [row for row in workloads() if row.arrivals or row.sessions]
    rows = [(_named(row), *_arrivals(row.arrivals), *_sessions(row.sessions)) for row in known]
    return table("Workloads: arrivals", columns, rows, ASSUMED)


def _arrivals(row: ArrivalPreset | None) -> tuple[str, ...]:
    if row is None:
        return (NONE,) * 5
    bursts = "; ".join(f"{term.variance:g}, {seconds(term.time_s)}" for term in row.bursts)
    batch = significant(row.batch_mean_size) if row.batch_mean_size > 1 else NONE
    figures = (significant(row.mean_rps), f"{row.gap_shape:g}")
    return *figures, bursts or NONE, batch, row.day_curve or NONE


def _sessions(row: SessionPreset | None) -> tuple[str, str]:
    if row is None:
        return NONE, NONE
    return significant(row.mean_turns), seconds(row.gap_s[row.levels.index(0.5)])


def evidence_table(today: date) -> Table:
    """Figures as they come out of a workload's constants, beside those of its source."""
    rows = [(_named(row), _evidence(row.evidence)) for row in workloads() if row.evidence]
    note = (
        "As it comes out of the constants, of what the source has; IDC: variance / mean of counts."
    )
    return table("Workloads: how near", ["<workload", "<figures"], rows, note)


def _evidence(rows: Sequence[Evidence]) -> str:
    return "; ".join(f"{row.figure} {row.preset:,.6g} of {row.source:,.6g}" for row in rows)


def source_table(today: date) -> Table:
    """What each workload is, and where it comes from."""
    rows = [(_named(w), f"{w.title}. {w.source} ({w.licence})") for w in workloads()]
    columns = ["<workload", "<what it is; source (licence)"]
    return table("Workloads: sources", columns, rows, ASSUMED)


def scope_table(today: date) -> Table:
    """What each workload gives back of its source, and what it does not."""
    rows = [(_named(row), row.reproduces, row.lacks) for row in workloads()]
    columns = ["<workload", "<reproduces", "<lacks"]
    return table("Workloads: what they reproduce", columns, rows)


def reasoning_table(today: date) -> Table:
    """Why each stand-in is as it is."""
    rows = [(row.name, row.reasoning) for row in workloads() if row.assumption]
    return table("Workloads: assumptions", ["<workload", "<reasoning"], rows)


def _named(row: Workload) -> str:
    return f"{row.name} {MARK}" if row.assumption else row.name


def curve_table(today: date) -> Table:
    """Day curves of public traces."""
    columns = ["<day curve", "lowest\nhour", "busiest\nhour", "<weekends", "clock", "<source"]
    rows = [_curve(row) for row in day_curves()]
    return table("Workloads: day curves (1 = mean)", columns, rows)


def _curve(row: DayCurve) -> tuple[str, ...]:
    every = (*row.weekday, *row.weekend)
    weekend = "their own" if row.has_weekend else "as weekdays"
    figures = (significant(min(every)), significant(max(every)))
    return row.name, *figures, weekend, row.clock, f"{row.source} ({row.licence})"


WORKLOAD_TABLES = (
    length_table,
    arrival_table,
    evidence_table,
    source_table,
    scope_table,
    reasoning_table,
    curve_table,
)
"""All tables of traffic, in the order in which they are shown."""
