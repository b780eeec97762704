"""Exhibits: what figures and page of a run show beside its summary, kept to be drawn again.

Knows no clock.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from sim.ledger.events import FleetEvent
from sim.report.canvas import render
from sim.report.clock import Clock
from sim.report.curve_figure import curve_figure
from sim.report.gap_figure import gap_figure
from sim.report.hours_figure import hours_figure
from sim.report.html import report_html
from sim.report.latency_bins import Counts
from sim.report.latency_figure import latency_figure
from sim.report.routes_figure import routes_figure
from sim.report.summary import Summary
from sim.report.table import Column, Table
from sim.report.timeline_figure import timeline_figure, timelines
from sim.report.timeseries import Row
from sim.scenario.scaling_plan import Weekday

EXHIBITS = "exhibits.json"
"""The file that keeps them."""


@dataclass(frozen=True)
class Exhibits:
    """Samples and events of the first replication, its story as tables, points of the curve, and
    answers by latency bin (see `latency_bins`); `starts_on` is the day whose midnight is time 0."""

    timeseries: Sequence[Row] = ()
    events: Sequence[FleetEvent] = ()
    story: Sequence[Table] = ()
    starts_on: Weekday = "monday"
    curve: Sequence[Mapping[str, float | None]] = ()
    latencies: Counts = field(default_factory=dict)

    def text(self) -> str:
        """All of it as JSON text, which `exhibits_of` reads again."""
        tree = {
            "starts_on": self.starts_on,
            "curve": [dict(point) for point in self.curve],
            "latencies": self.latencies,
            "story": [asdict(table) for table in self.story],
            "events": [asdict(event) for event in self.events],
            "timeseries": [dict(row) for row in self.timeseries],
        }
        return json.dumps(tree, allow_nan=False) + "\n"


def exhibits_of(text: str) -> Exhibits:
    """What `Exhibits.text` wrote; ValueError, KeyError or TypeError if it did not write this."""
    tree = json.loads(text)
    return Exhibits(
        timeseries=tree["timeseries"],
        events=[FleetEvent(**event) for event in tree["events"]],
        story=[_table(table) for table in tree["story"]],
        starts_on=tree["starts_on"],
        curve=tree["curve"],
        latencies=tree["latencies"],
    )


def _table(tree: dict[str, Any]) -> Table:
    columns = tuple(Column(**column) for column in tree["columns"])
    rows = tuple(tuple(row) for row in tree["rows"])
    return Table(**{**tree, "columns": columns, "rows": rows})


def exhibition(document: Mapping[str, Any], exhibits: Exhibits) -> dict[str, bytes]:
    """Every figure of a run and its page, by the file's name; equal input gives equal bytes."""
    figures = draw_figures(document, exhibits)
    page = report_html(document, figures, exhibits.story).encode()
    return {**{f"figures/{name}.svg": svg for name, svg in figures.items()}, "report.html": page}


def draw_figures(document: Mapping[str, Any], exhibits: Exhibits) -> dict[str, bytes]:
    """SVG by name, without those that there is nothing to draw of."""
    summary = Summary(document)
    drawn = {
        "gap": gap_figure(summary),
        "utilization-vs-cost": curve_figure(summary, exhibits.curve),
        "cost-by-route": routes_figure(summary),
        "gpu-hours": hours_figure(summary),
        "latency": latency_figure(summary, exhibits.latencies),
    }
    found = {name: svg for name, svg in drawn.items() if svg is not None}
    clock = Clock(summary.number("window_s") or 0.0, exhibits.starts_on)
    for pool, timeline in timelines(exhibits.timeseries, exhibits.events, summary, clock).items():
        found[f"timeline-{pool}"] = render(timeline_figure(timeline))
    return found
