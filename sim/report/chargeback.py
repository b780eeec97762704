"""Chargeback: what each team and each of its routes pays; together the bill; knows no clock."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sim.report.csv_text import records_csv
from sim.report.numerals import count, dollars, percent, tokens
from sim.report.summary import Summary
from sim.report.table import Table, table

NOBODY = "(nobody)"
"""Who pays for pools that no route used."""


def teams(summary: Summary) -> Table:
    """A row per team; empty if no route has one."""
    names = summary.names("teams")
    if not names:
        return table("Teams", [], [])
    total = summary.number("bill.total_usd") or 0.0
    rows = [_team(name, summary.part("teams", name), total) for name in names]
    if unallocated := summary.number("cost.unallocated_usd"):
        share = percent(unallocated / total if total else None)
        peak = dollars(summary.number("cost.by_peak.unallocated_usd"))
        rows.append((NOBODY, "", "", "", dollars(unallocated), share, peak))
    heads = ["requests", "useful\ntokens", "$ by use", "share", "$ by peak"]
    return table("Teams", ["<team", "<routes", *heads], rows)


def _team(name: str, team: Summary, total: float) -> tuple[str, ...]:
    usd = team.number("usd.by_use")
    share = percent(usd / total if usd is not None and total else None)
    return (
        *(name, ", ".join(map(str, team.get("routes") or ()))),
        *(count(team.number("requests")), tokens(team.number("useful_tokens"))),
        *(dollars(usd), share, dollars(team.number("usd.by_peak"))),
    )


def chargeback_csv(document: Mapping[str, Any]) -> str:
    """A row per route with its team and what it pays, by use and by peak, and one for what nobody
    pays; both columns of dollars sum to the bill."""
    summary = Summary(document)
    team_of = {
        route: team
        for team in summary.names("teams")
        for route in summary.get("teams")[team]["routes"]
    }
    total = summary.number("bill.total_usd") or 0.0
    per_month = (summary.number("bill.usd_per_month") or 0.0) / total if total else 0.0
    records = [
        _record(name, team_of.get(name), summary.part("routes", name), per_month)
        for name in summary.names("routes")
    ]
    unallocated = [summary.number(f"cost.{way}unallocated_usd") or 0.0 for way in ("", "by_peak.")]
    if any(unallocated):
        nobody = {"team": NOBODY, "usd_by_use": unallocated[0], "usd_by_peak": unallocated[1]}
        records.append({**nobody, "usd_per_month_by_use": unallocated[0] * per_month})
    return records_csv(records)


def _record(name: str, team: str | None, route: Summary, per_month: float) -> dict[str, Any]:
    useful = [route.number(f"tokens.useful.{kind}") or 0.0 for kind in ("input", "output")]
    by_use = route.number("usd.by_use") or 0.0
    return {
        "team": team,
        "route": name,
        "requests": route.number("requests.arrived"),
        "useful_tokens": sum(useful),
        "usd_by_use": by_use,
        "usd_by_peak": route.number("usd.by_peak"),
        "usd_per_month_by_use": by_use * per_month,
    }
