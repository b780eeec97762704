"""Timeline figure: a pool through the window, panel below panel on one time axis; no clock."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sim.ledger.events import FleetEvent
from sim.report import canvas
from sim.report.canvas import BLACK, INK, MUTED, PURPLE, VERMILLION
from sim.report.clock import Clock
from sim.report.fleet_events import told
from sim.report.happenings import FAILURES, OUTAGE, ROLLOUT, Happening
from sim.report.numerals import clean, dollars, length
from sim.report.summary import Summary
from sim.report.time_axis import clock_axis
from sim.report.timeline_events import LANE_HEIGHT, draw_lanes, lanes
from sim.report.timeline_latency import Target
from sim.report.timeline_panels import Panel, changes, panels
from sim.report.timeseries import Row, Samples, by_pool

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

WIDTH = 8.0
_LEFT, _RIGHT, _TOP, _BOTTOM = 0.95, 0.3, 0.5, 0.65
"""Inches of the figure and of its margins."""

_HEAD = 0.36
"""Inches above a panel, for its head and its legend."""

_GUIDES = {**dict.fromkeys(FAILURES, VERMILLION), ROLLOUT: PURPLE}
"""Colours of the thin lines that lead a labelled event through all panels."""


@dataclass(frozen=True)
class Timeline:
    """What the picture of one pool needs; `about` stands below its head."""

    samples: Samples
    found: tuple[Happening, ...]
    targets: tuple[Target, ...]
    clock: Clock
    about: str = ""


def timelines(
    rows: Sequence[Row], events: Sequence[FleetEvent], summary: Summary, clock: Clock
) -> dict[str, Timeline]:
    """One timeline per pool of *rows*, in order of appearance."""
    return {
        samples.pool: Timeline(
            samples,
            tuple(told(events, samples, clock.window_s)),
            _targets(summary, samples.pool),
            clock,
            _about(summary, samples, clock),
        )
        for samples in by_pool(rows)
    }


def _targets(summary: Summary, pool: str) -> tuple[Target, ...]:
    """SLOs on 95th percentiles of the routes that *pool* serves."""
    return tuple(
        Target(str(row["metric"]), str(row["route"]), float(row["target_s"]))
        for row in summary.rows("slo")
        if row["quantile"] == 0.95 and pool in summary.part("routes", str(row["route"])).pools
    )


def _about(summary: Summary, samples: Samples, clock: Clock) -> str:
    """What is not to be seen in the panels: how long, of how many runs, and what never changes."""
    parts = [length(clock.window_s)]
    replications = int(summary.number("replications") or 1)
    if replications > 1:
        parts.append(f"the first of {replications} replications")
    ready, usd = samples.level("replicas_ready"), samples.level("usd_per_hour")
    if ready is not None and not changes(samples, "replicas_ready"):
        parts.append(f"{ready[0]:.0f} ready all the time")
    if usd is not None and not changes(samples, "usd_per_hour"):
        parts.append(f"{dollars(usd[0])} an hour all the time")
    return ", ".join(parts)


def timeline_figure(timeline: Timeline) -> Figure:
    """Panels of load, replicas, requests, latencies and dollars, with events marked.

    Panels of what never changes are left out, and of what was not sampled. Text is measured to
    keep labels apart, so the figure must keep its size.
    """
    clock, samples = timeline.clock, timeline.samples
    below = list(panels(samples, timeline.targets, clock.window_s / 3600.0))
    shown = lanes(timeline.found)
    strip = [Panel("Events", "", LANE_HEIGHT * len(shown), lambda axes: None)] if shown else []
    height = _TOP + _BOTTOM + sum(panel.height + _HEAD for panel in [*strip, *below])

    def draw(figure: Figure) -> None:
        figure.set_layout_engine("none")
        _title(figure, timeline, height)
        drawn = _stack(figure, [*strip, *below], clock, height)
        if strip:
            guided = draw_lanes(drawn[0], timeline.found, clock.window_s)
            _guide(drawn[1:], guided)

    return canvas.figure(draw, WIDTH, height)


def _title(figure: Figure, timeline: Timeline, height: float) -> None:
    left = 0.12 / WIDTH
    figure.text(
        left, 1.0 - 0.26 / height, f"Pool {clean(timeline.samples.pool)} over time",
        fontsize=12.0, fontweight="bold", color=INK,
    )  # fmt: skip
    figure.text(left, 1.0 - 0.46 / height, clean(timeline.about), fontsize=9.5, color=MUTED)


def _stack(figure: Figure, shown: Sequence[Panel], clock: Clock, height: float) -> list[Axes]:
    """Axes one below the other, each with its head; the last has the labels of the time axis."""
    drawn: list[Axes] = []
    top = height - _TOP
    width = (WIDTH - _LEFT - _RIGHT) / WIDTH
    for panel in shown:
        top -= _HEAD + panel.height
        place = (_LEFT / WIDTH, top / height, width, panel.height / height)
        axes = figure.add_axes(place, sharex=drawn[0] if drawn else None)
        drawn.append(axes)
        panel.draw(axes)
        _head(axes, panel)
    for axes in drawn[:-1]:
        axes.tick_params(axis="x", which="both", labelbottom=False)
    clock_axis(drawn[-1], clock)
    drawn[-1].tick_params(axis="x", which="both", pad=6.0)
    return drawn


def _head(axes: Axes, panel: Panel) -> None:
    head = axes.annotate(
        panel.title, (0.0, 1.0), (0, 5), xycoords="axes fraction", textcoords="offset points",
        color=INK, fontweight="bold", fontsize=10.0,
    )  # fmt: skip
    axes.annotate(
        panel.unit, (1.0, 0.0), (5, 0), xycoords=head, textcoords="offset points",
        color=MUTED, fontsize=9.0, va="bottom",
    )  # fmt: skip


def _guide(drawn: Sequence[Axes], found: Sequence[Happening]) -> None:
    """Lead events through the panels: outages as grey bands, others as thin lines."""
    for one in found:
        for axes in drawn:
            if one.kind == OUTAGE and one.until_s > one.at_s:
                axes.axvspan(
                    one.at_s / 3600.0, one.until_s / 3600.0, color=BLACK, alpha=0.1, linewidth=0
                )
            elif one.kind in _GUIDES or one.kind == OUTAGE:
                colour = _GUIDES.get(one.kind, BLACK)
                axes.axvline(one.at_s / 3600.0, color=colour, linewidth=0.8, alpha=0.7)
