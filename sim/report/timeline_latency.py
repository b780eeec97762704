"""Timeline latency: a percentile through time against its SLOs, as one panel; knows no clock."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sim.report.canvas import BLUE, INK, VERMILLION, patch
from sim.report.timeline_parts import LOG_FROM_RATIO, few_ticks, flow, legend, line, with_neighbours
from sim.report.timeseries import WAITING, Samples

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from sim.report.timeseries import Mask

_LINE_OF_TEXT = 0.18
"""Inches that a line of small text takes."""

_ROOM = 0.25
"""Share of a logarithmic axis above its largest value, for the words of a target there."""

_MOST_NAMES, _MOST_TARGETS = 2, 3
"""Routes that are named at one target, and targets that are told one by one at one place."""


@dataclass(frozen=True)
class Target:
    """An SLO on a 95th percentile: `metric` as in the summary (ttft, tpot)."""

    metric: str
    route: str
    target_s: float


@dataclass(frozen=True)
class Latency:
    """A 95th percentile: the start of its names, its title, and its unit with `factor` of a s."""

    metric: str
    title: str
    unit: str
    factor: float

    @property
    def column(self) -> str:
        """Its column of the samples."""
        return f"{self.metric}_p95_s"


LATENCIES = (
    Latency("ttft", "Time to first token", "s", 1.0),
    Latency("tpot", "Time per output token", "ms", 1e3),
)


def draw_latency(axes: Axes, samples: Samples, latency: Latency, targets: Sequence[Target]) -> None:
    """Draw a percentile with its targets as lines, red where it is above the least of them.

    Where attempts were sent and none was answered there is no percentile, so that is marked.
    """
    import numpy as np

    hours, values_s = flow(samples, latency.column)
    values = values_s * latency.factor
    mine = [target for target in targets if target.metric == latency.metric]
    lines = _lines(mine, latency)
    known = [*values[values > 0.0].tolist(), *lines]
    _scale(axes, min(known, default=1.0), max(known, default=1.0))
    lost = _lost(samples)
    if np.any(lost):
        axes.fill_between(
            hours, 0.0, 1.0, where=with_neighbours(lost), transform=axes.get_xaxis_transform(),
            color=VERMILLION, alpha=0.15, linewidth=0, label="nothing was answered",
        )  # fmt: skip
    least = min(lines, default=math.inf)
    if np.any(values > least):
        axes.fill_between(
            hours, least, values, where=values > least, interpolate=True, color=VERMILLION,
            alpha=0.6, linewidth=0, label=f"above the {'least ' if len(lines) > 1 else ''}SLO",
        )  # fmt: skip
    line(axes, hours, values, color=BLUE, linewidth=1.3)
    _draw_targets(axes, lines, latency.unit)
    if axes.get_legend_handles_labels()[0]:
        legend(axes)


def _scale(axes: Axes, low: float, high: float) -> None:
    """Set the vertical axis for values from *low* to *high*."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

    if high <= LOG_FROM_RATIO * low:
        axes.set_ylim(0.0, 1.3 * high)
        few_ticks(axes)
        return
    axes.set_yscale("log")
    axes.set_ylim(low / 1.5, high * (high / low) ** _ROOM)
    axes.yaxis.set_major_locator(LogLocator(numticks=5))
    axes.yaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,g}"))


def _lost(samples: Samples) -> Mask:
    """Where attempts were sent or waited between two samples, and none was answered."""
    sent, waiting = samples.column("offered_rps"), samples.column(WAITING)
    return ((sent > 0.0) | (waiting > 0.0))[1:] & ~(samples.column("completed_rps") > 0.0)[1:]


def _lines(targets: Sequence[Target], latency: Latency) -> dict[float, str]:
    """What stands at each target, the least first; whose it is only where there are several."""
    routes: dict[float, list[str]] = {}
    for target in sorted(targets, key=lambda target: target.target_s):
        routes.setdefault(target.target_s * latency.factor, []).append(target.route)
    alone = len(routes) == 1
    return {
        at: f"{'SLO' if alone else f'{_few(names)}:'} {at:g} {latency.unit}"
        for at, names in routes.items()
    }


def _few(names: Sequence[str]) -> str:
    more = len(names) - _MOST_NAMES
    return ", ".join(names[:_MOST_NAMES]) + (f" and {more} more" if more > 0 else "")


def _draw_targets(axes: Axes, lines: dict[float, str], unit: str) -> None:
    """Draw a dashed line at each target; the words of those that are close together are joined."""
    together: list[list[float]] = []
    for at in lines:
        axes.axhline(at, color=INK, linewidth=1.0, linestyle=(0, (4, 3)))
        if together and _apart(axes, together[-1][-1], at) < _LINE_OF_TEXT:
            together[-1].append(at)
        else:
            together.append([at])
    for group in together:
        words = ", ".join(lines[at] for at in group)
        if len(group) > _MOST_TARGETS:
            words = f"{len(group)} SLOs: {group[0]:g} to {group[-1]:g} {unit}"
        axes.annotate(
            words, (1.0, group[-1]), (-3, 2), xycoords=("axes fraction", "data"),
            textcoords="offset points", ha="right", va="bottom", color=INK, fontsize=8.5,
            bbox=patch(),
        )  # fmt: skip


def _apart(axes: Axes, low: float, high: float) -> float:
    """Inches between two values on the vertical axis."""
    (_, y0), (_, y1) = axes.transData.transform([(0.0, low), (0.0, high)])
    return float(y1 - y0) / axes.figure.dpi
