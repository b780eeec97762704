"""Assumption table: what a run takes for granted, and who says so; knows no clock."""

from __future__ import annotations

from sim.report.summary import Summary
from sim.report.table import Table, table


def assumed(summary: Summary) -> Table:
    """A row for each assumption: where the scenario makes it, its source, how far it may be off."""
    rows = [
        tuple(str(row.get(key) or "") for key in ("path", "says", "source", "doubt"))
        for row in summary.rows("assumptions")
    ]
    return table("Assumptions and their sources", ["<where", "<what", "<source", "<doubt"], rows)
