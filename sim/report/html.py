"""HTML: the whole report as one page that needs nothing else; knows no clock."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

from sim.report.assumption_table import assumed
from sim.report.headline import headline, notable, warnings
from sim.report.inline_svg import inline
from sim.report.interval_table import intervals
from sim.report.numerals import clean, magnitude
from sim.report.summary import Summary
from sim.report.table import Column, Table
from sim.report.tables import all_tables

LABELS = {
    "gap": "From the benchmark's price of a million tokens to the real one, cause by cause",
    "utilization-vs-cost": "Dollars per million tokens at each utilization",
    "gpu-hours": "Paid GPU-hours by state",
}
"""What each figure shows, for those who hear the page; others are of one pool over time."""

LEAST_ROWS_TO_SORT = 2
"""Rows, sums aside, from which on there is something to sort."""


@dataclass(frozen=True)
class Cell:
    """A cell's text, and the number by which its column is sorted; None: by the text."""

    text: str
    value: float | None


@dataclass(frozen=True)
class PageTable:
    """A table as the page shows it; `anchor` is its place on the page, `small`: in small print."""

    title: str
    anchor: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]
    note: str
    total: bool
    small: bool

    @property
    def sortable(self) -> bool:
        """Whether its heads sort it."""
        return len(self.rows) - self.total >= LEAST_ROWS_TO_SORT


def report_html(
    document: Mapping[str, Any], figures: Mapping[str, bytes], story: Sequence[Table] = ()
) -> str:
    """A self-contained page of a run's summary, of its *figures* (name to SVG) and its *story*.

    All text is escaped, and a content security policy forbids whatever might slip through: the one
    script that may run is told by its hash. The figures are trusted, so they must be our own.
    """
    from jinja2 import Environment, PackageLoader, StrictUndefined
    from markupsafe import Markup

    summary = Summary(document)
    environment = Environment(
        loader=PackageLoader("sim.report", ""), autoescape=True, undefined=StrictUndefined
    )
    script = _part("report.js")
    return environment.get_template("report.html.j2").render(
        top=headline(summary),
        figures=[
            Markup(inline(svg, name, LABELS.get(name, "A pool over time")))
            for name, svg in figures.items()
        ],
        tables=_page_tables(summary, story),
        warnings=warnings(notable(summary.rows("warnings"))),
        versions=[(clean(k), clean(v)) for k, v in (summary.get("versions") or {}).items()],
        css=Markup(_part("report.css")),
        script=Markup(script),
        script_hash=Markup(_fingerprint(script)),
    )


def _part(name: str) -> str:
    """The text of a file that lies beside this one."""
    return files("sim.report").joinpath(name).read_text(encoding="utf-8")


def _fingerprint(script: str) -> str:
    """A script as a content security policy names it."""
    return "sha256-" + base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()


def _page_tables(summary: Summary, story: Sequence[Table]) -> list[PageTable]:
    """All tables of the page: what happened, what it cost, how sure that is and why."""
    fine = [t for t in (intervals(summary), assumed(summary)) if t.rows]
    tables = [*story, *all_tables(summary), *fine]
    return [_page_table(table, i, small=table in fine) for i, table in enumerate(tables)]


def _page_table(table: Table, index: int, *, small: bool) -> PageTable:
    rows = tuple(
        tuple(
            Cell(text, None if column.is_text else magnitude(text))
            for column, text in zip(table.columns, row, strict=True)
        )
        for row in table.rows
    )
    anchor = f"table-{index}-" + re.sub(r"[^a-z0-9]+", "-", table.title.lower()).strip("-")
    return PageTable(table.title, anchor, table.columns, rows, table.note, table.total, small)
