"""Calibration figure: measured and simulated throughput, TPOT and TTFT at each rate; no clock."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from sim.report.canvas import BLUE, FAINT, INK, MUTED, PAPER, VERMILLION
from sim.report.canvas import figure as canvas
from sim.report.numerals import clean
from sim.report.summary import Json

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

PANELS = (
    ("output_tokens_per_s", "output tokens a second", 1.0),
    ("tpot_s", "TPOT, ms", 1e3),
    ("ttft_s", "TTFT, ms", 1e3),
)

ENDLESS = 1.6
"""Where an infinite rate stands: so many times right of the highest finite one."""


def calibration_figure(document: Json) -> Figure:
    """A row of three panels per pool of `calibration_document`: dots measured, lines simulated."""
    pools = list(dict.fromkeys(run["pool"] for run in document["runs"]))

    def draw(figure: Figure) -> None:
        grid = figure.subplots(len(pools), 3, squeeze=False)
        for row, pool in enumerate(pools):
            runs = [run for run in document["runs"] if run["pool"] == pool]
            for column, panel in enumerate(PANELS):
                axes = grid[row][column]
                _panel(axes, runs, *panel)
                if row == 0:
                    axes.set_title(panel[1])
                if row == len(pools) - 1:
                    axes.set_xlabel("requests a second")
            if len(pools) > 1:
                grid[row][0].set_ylabel(clean(pool), color=INK, fontweight="bold")
        handles, labels = grid[0][0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside upper center", ncols=len(labels))

    return canvas(draw, 10.0, 0.9 + 2.7 * len(pools))


def _panel(axes: Axes, runs: Sequence[Json], figure: str, _: str, unit: float) -> None:
    known = [run for run in runs if run["measured"][figure] is not None]
    axes.set_xscale("log")
    axes.set_yscale("log")
    if not known:
        axes.text(0.5, 0.5, "not measured", transform=axes.transAxes, ha="center", color=MUTED)
        return
    finite = [run["rps"] for run in known if run["rps"]]
    end = ENDLESS * max(finite, default=1.0)
    x = [run["rps"] or end for run in known]

    def y(which: str) -> list[float]:
        return [run[which][figure] * unit for run in known]

    axes.plot(
        x, y("before"), color=MUTED, linewidth=1.4, linestyle=(0, (4, 3)), label="before the fit"
    )
    axes.plot(x, y("after"), color=BLUE, label="fitted to all")
    unseen = [(at, run["unseen"][figure] * unit) for at, run in zip(x, known, strict=True)
              if run["unseen"] is not None]  # fmt: skip
    if unseen:
        axes.plot(
            *zip(*unseen, strict=True), color=VERMILLION, marker="x", markersize=8,
            linestyle="none", markeredgewidth=2, label="predicted, not fitted", zorder=5,
        )  # fmt: skip
    axes.plot(
        x, y("measured"), marker="o", markersize=6, linestyle="none", color=INK,
        markeredgecolor=PAPER, label="measured", zorder=4,
    )  # fmt: skip
    _ticks(axes, x, y("measured") + y("after") + y("before"))
    if any(run["rps"] is None for run in known):
        axes.axvline(end, color=FAINT, linewidth=1, zorder=0)
        axes.annotate("all at once", (end, 0.02), xycoords=("data", "axes fraction"), ha="right",
                      color=MUTED, fontsize=8.5, rotation=90)  # fmt: skip


def _ticks(axes: Axes, x: Sequence[float], y: Sequence[float]) -> None:
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    axes.set_xticks(sorted(set(x)), [f"{v:g}" if i % _skip(x) == 0 else ""
                                     for i, v in enumerate(sorted(set(x)))])  # fmt: skip
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.set_xlim(min(x) / 1.3, max(x) * 1.3)
    axes.set_ylim(min(y) / 1.25, max(y) * 1.25)
    subs = (1.0, 2.0, 5.0) if max(y) < 200 * min(y) else (1.0,)
    axes.yaxis.set_major_locator(LogLocator(subs=subs))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda v, _: f"{v:,.4g}"))
    axes.yaxis.set_minor_formatter(NullFormatter())


def _skip(x: Sequence[float]) -> int:
    """Every so many rates carry a number, so that they do not run together."""
    return 1 + (len(set(x)) - 1) // 8
