"""Sweep table: the points of a sweep side by side, as text and as data; knows no clock."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sim.report.csv_text import records_csv
from sim.report.numerals import MISSING, clean, dollars, percent, seconds
from sim.report.table import Table, table
from sim.studies.grid import label, short_names
from sim.studies.store import Row
from sim.studies.sweep import best
from sim.studies.sweep_point import COLUMNS, FIGURES

MOST_ROWS = 30
"""Rows that a table shows; of more points only the best."""

MOST_FAILED = 5
"""Failed points whose errors are told in full."""


def sweep_tables(rows: Sequence[Row]) -> list[Table]:
    """The points with their figures, the best first if there are many; then what failed."""
    tables = [_points(rows)]
    failed = [row for row in rows if row.status == "failed"]
    if failed:
        tables.append(_failed(failed))
    return tables


def _points(rows: Sequence[Row]) -> Table:
    names = short_names(list(rows[0].parameters)) if rows else {}
    winner = best(rows)
    shown = list(rows) if len(rows) <= MOST_ROWS else sorted(rows, key=_rank)[:MOST_ROWS]
    judged = any(row.meets_slos is not None for row in rows)
    heads = ["<#", *names.values(), "$ per 1M", "±", "$ per month", "util.", "TTFT p95", "TPOT p95"]
    cells = (_cells(row, list(names), winner, judged) for row in shown)
    return table("Sweep", [*heads, *(["<SLOs"] if judged else [])], cells, _note(rows, winner))


def _rank(row: Row) -> tuple[bool, bool, float, int]:
    """Those that meet their SLOs first, cheap before dear, without a price last."""
    usd = row.figures.get("usd_per_million")
    return (row.meets_slos is False, usd is None, usd or 0.0, row.number)


def _cells(row: Row, paths: Sequence[str], winner: Row | None, judged: bool) -> list[str]:
    mark = " *" if winner is not None and row.number == winner.number else ""
    at = row.figures.get
    cells = [f"{row.number}{mark}", *(label(row.parameters[path]) for path in paths)]
    cells += [dollars(at("usd_per_million")), _half_width(row), dollars(at("usd_per_month"))]
    cells += [percent(at("utilization")), seconds(at("ttft_p95_s")), seconds(at("tpot_p95_s"))]
    if row.status != "ok":
        return [*cells, row.status] if judged else [*cells[:-6], row.status, *[""] * 5]
    met = {True: "met", False: "NO", None: MISSING}[row.meets_slos]
    return [*cells, met] if judged else cells


def _half_width(row: Row) -> str:
    """Half the 95 % interval of the price, in per cent of it."""
    usd, low, high = (row.figures.get(f"usd_per_million{end}") for end in ("", "_low", "_high"))
    if not usd or low is None or high is None:
        return ""
    return percent((high - low) / 2 / usd)


def _note(rows: Sequence[Row], winner: Row | None) -> str:
    parts = []
    if len(rows) > MOST_ROWS:
        parts.append(f"The best {MOST_ROWS} of {len(rows):,} points; --out writes all.")
    missing = sum(row.status == "missing" for row in rows)
    if missing:
        parts.append(f"{missing:,} points are still missing.")
    if winner is None:
        if any(row.meets_slos is not None for row in rows):
            parts.append("No point meets every SLO.")
    else:
        parts.append(f"* {told(winner)}.")
    parts.append("±: half the 95 % interval of the price.")
    return " ".join(parts)


def told(winner: Row) -> str:
    """The best point in words.

    >>> told(Row(3, "", {"pools.main.replicas": 2}, "ok", None, True, {"usd_per_million": 0.5}))
    'the cheapest that meets every SLO: #3, $0.500 per 1M with replicas 2'
    """
    names = short_names(list(winner.parameters))
    chosen = ", ".join(f"{names[p]} {label(value)}" for p, value in winner.parameters.items())
    kind = "the cheapest that meets every SLO" if winner.meets_slos else "the cheapest"
    usd = dollars(winner.figures.get("usd_per_million"))
    return clean(f"{kind}: #{winner.number}, {usd} per 1M with {chosen}")


def _failed(rows: Sequence[Row]) -> Table:
    cells = [[f"#{row.number}", " ".join(str(row.error).split())] for row in rows[:MOST_FAILED]]
    more = len(rows) - MOST_FAILED
    note = f"{more:,} more failed." if more > 0 else ""
    title = "Failed; the same command tries again"
    return table(title, ["<point", "<error"], cells, note)


def sweep_csv(rows: Sequence[Row]) -> str:
    """All points with all figures and the ends of their intervals, a row each."""
    return records_csv(
        [
            {
                "number": row.number,
                **{p: _cell(value) for p, value in row.parameters.items()},
                "status": row.status,
                "meets_slos": row.meets_slos,
                **{column: row.figures.get(column) for column in COLUMNS},
                "error": row.error,
            }
            for row in rows
        ]
    )


def _cell(value: Any) -> Any:
    return value if isinstance(value, int | float | str) else label(value)


def sweep_document(rows: Sequence[Row], about: Mapping[str, Any]) -> dict[str, Any]:
    """The whole sweep as what JSON has; *about* comes first."""
    winner = best(rows)
    statuses = [row.status for row in rows]
    return {
        **about,
        "ok": statuses.count("ok"),
        "failed": statuses.count("failed"),
        "missing": statuses.count("missing"),
        "best": None if winner is None else winner.number,
        "points": [_point(row) for row in rows],
    }


def _point(row: Row) -> dict[str, Any]:
    return {
        "number": row.number,
        "parameters": dict(row.parameters),
        "status": row.status,
        "error": row.error,
        "meets_slos": row.meets_slos,
        "figures": {
            name: {"value": row.figures.get(name), "ci95": _interval(row, name)} for name in FIGURES
        },
        "key": row.key,
    }


def _interval(row: Row, name: str) -> list[float] | None:
    low, high = row.figures.get(f"{name}_low"), row.figures.get(f"{name}_high")
    return None if low is None or high is None else [low, high]


def rows_of(document: Mapping[str, Any]) -> list[Row]:
    """The rows that `sweep_document` wrote, with the figures that it keeps."""
    return [_row(point) for point in document["points"]]


def _row(point: Mapping[str, Any]) -> Row:
    figures: dict[str, float | None] = {}
    for name, told_figure in point["figures"].items():
        low, high = told_figure["ci95"] or (None, None)
        figures |= {name: told_figure["value"], f"{name}_low": low, f"{name}_high": high}
    return Row(**{**point, "figures": figures})
