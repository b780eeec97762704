"""HTML: the whole report as one page that needs nothing else; knows no clock."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sim.report.headline import headline, notable, warnings
from sim.report.inline_svg import inline
from sim.report.numerals import clean
from sim.report.summary import Summary
from sim.report.table import Table
from sim.report.tables import all_tables

LABELS = {
    "utilization-vs-cost": "Dollars per million tokens at each utilization",
    "gpu-hours": "Paid GPU-hours by state",
}
"""What each figure shows, for those who hear the page; others are of one pool over time."""


def report_html(
    document: Mapping[str, Any], figures: Mapping[str, bytes], story: Sequence[Table] = ()
) -> str:
    """A self-contained page of a run's summary, of its *figures* (name to SVG) and its *story*.

    All text is escaped, and a content security policy forbids whatever might slip through. The
    figures are trusted, so they must be our own.
    """
    from jinja2 import Environment, PackageLoader, StrictUndefined
    from markupsafe import Markup

    summary = Summary(document)
    environment = Environment(
        loader=PackageLoader("sim.report", ""), autoescape=True, undefined=StrictUndefined
    )
    return environment.get_template("report.html.j2").render(
        top=headline(summary),
        figures=[
            Markup(inline(svg, name, LABELS.get(name, "A pool over time")))
            for name, svg in figures.items()
        ],
        tables=[*story, *all_tables(summary)],
        warnings=warnings(notable(summary.rows("warnings"))),
        versions=[(clean(k), clean(v)) for k, v in (summary.get("versions") or {}).items()],
    )
