"""Latency figure: the share of a route's answers within a time, against its SLOs; no clock."""

from __future__ import annotations

from itertools import accumulate
from typing import TYPE_CHECKING

from sim.report.canvas import BLUE, GREEN, INK, MUTED, ORANGE, PURPLE, SKY, VERMILLION, svg
from sim.report.latency_bins import METRICS, Counts, edges_s
from sim.report.numerals import clean, seconds
from sim.report.summary import Summary

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

TITLES = {
    "ttft_s": "Time to first token",
    "tpot_s": "Time per output token",
    "e2e_s": "Whole time of a request",
}
COLOURS = (BLUE, VERMILLION, GREEN, ORANGE, PURPLE, SKY)
DASHES = ("-", (0, (5, 2)), (0, (1, 1.4)))
"""Lines of routes differ by dash too once the colours are used up."""


def latency_figure(summary: Summary, counts: Counts, form: str = "svg") -> bytes | None:
    """One panel per latency: the share of answers within a time, a line per route.

    Crosses mark SLOs: a line that passes above its cross keeps the promise. None without answers.
    """
    names = [
        name for name in summary.names("routes") if any(map(sum, counts.get(name, {}).values()))
    ]
    if not names:
        return None

    def draw(figure: Figure) -> None:
        panels = figure.subplots(1, len(METRICS), sharey=True)
        for axes, metric in zip(panels, METRICS, strict=True):
            _panel(axes, metric, summary, names, counts)
        panels[0].set_ylabel("share of answers, %")
        handles, labels = panels[0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside lower left", ncols=4)
        figure.suptitle("How long answers took (x: SLO)", x=0.01, ha="left", fontweight="bold")

    return svg(draw, 9.0, 3.9, form)


def _panel(axes: Axes, metric: str, summary: Summary, names: list[str], counts: Counts) -> None:
    from matplotlib.ticker import FuncFormatter, LogLocator

    edges, ends = edges_s(), []
    for i, name in enumerate(names):
        bins = counts[name].get(metric, [])
        total = sum(bins)
        if not total:
            continue
        shares = [100.0 * n / total for n in accumulate(bins)]
        color, dash = COLOURS[i % len(COLOURS)], DASHES[i // len(COLOURS) % len(DASHES)]
        axes.plot(edges, shares, color=color, linestyle=dash, label=clean(name), linewidth=1.8)
        first = next(j for j, share in enumerate(shares) if share > 0.2)
        last = next(j for j, share in enumerate(shares) if share >= 99.9)
        ends += [edges[max(0, first - 1)], edges[last]]
        ends += _promises(axes, summary.part("routes", name), metric, color)
    axes.set_xscale("log")
    if ends:
        axes.set_xlim(min(ends) / 1.2, max(ends) * 1.4)
    axes.set_ylim(0, 102)
    axes.xaxis.set_major_locator(LogLocator(numticks=5))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda s, _: _short(s)))
    axes.xaxis.set_minor_formatter(FuncFormatter(lambda s, _: ""))
    axes.tick_params(labelcolor=INK)
    axes.set_title(TITLES[metric], fontsize=10.5, color=MUTED)


def _promises(axes: Axes, route: Summary, metric: str, color: str) -> list[float]:
    """Mark the route's SLOs of this latency; return their targets."""
    targets = []
    for row in route.rows("slo"):
        if str(row["metric"]).removesuffix("_s") == metric.removesuffix("_s"):
            axes.plot(
                row["target_s"], 100 * row["quantile"], "x", color=color,
                markersize=8, markeredgewidth=2.2, zorder=5,
            )  # fmt: skip
            targets.append(float(row["target_s"]))
    return targets


def _short(time_s: float) -> str:
    """A time on an axis, say "100 ms", "1 s".

    >>> _short(0.1), _short(1.0), _short(0.0001)
    ('100 ms', '1 s', '0.1 ms')
    """
    number, unit = seconds(time_s).split(" ")
    return f"{float(number.replace(',', '')):g} {unit}"
