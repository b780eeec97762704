"""Hours figure: the states of paid GPU time, a bar per pool; knows no clock."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sim.report.canvas import (
    BLACK,
    BLUE,
    GREEN,
    GREY,
    INK,
    MUTED,
    ON_DARK,
    ON_LIGHT,
    ORANGE,
    PAPER,
    PURPLE,
    SKY,
    VERMILLION,
    YELLOW,
    bare,
    svg,
)
from sim.report.capacity_tables import STATES
from sim.report.numerals import clean, hours, percent
from sim.report.summary import Summary

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLOURS = {
    "reference_useful": (BLUE, ON_DARK),
    "reference_waste": (VERMILLION, ON_DARK),
    "slack": (SKY, ON_LIGHT),
    "idle": (GREY, ON_LIGHT),
    "starting": (YELLOW, ON_LIGHT),
    "draining": (ORANGE, ON_LIGHT),
    "failed": (BLACK, ON_DARK),
    "unplaced": (PURPLE, ON_LIGHT),
    "committed_unused": (GREEN, ON_DARK),
}
"""Fill and text colour of each state."""

LABEL_FROM = 0.09
"""A part of a bar that is wider than this share of the axis carries its own hours."""


def hours_figure(summary: Summary, form: str = "svg") -> bytes | None:
    """Paid GPU-hours by state, stacked; None if nothing was paid for."""
    pools = {
        name: part
        for name in summary.names("pools")
        if (part := summary.part("pools", name)).number("gpu_hours.paid")
    }
    if not pools or not summary.number("gpu_hours.paid"):
        return None

    def draw(figure: Figure) -> None:
        axes = figure.add_subplot()
        for row, pool in enumerate(pools.values()):
            _bar(axes, len(pools) - 1 - row, pool, _longest(pools))
        axes.set_yticks(range(len(pools) - 1, -1, -1), [clean(name) for name in pools])
        _frame(axes, len(pools))
        _legend(axes, summary)

    return svg(draw, 8.0, 2.5 + 0.55 * len(pools), form)


def _longest(pools: dict[str, Summary]) -> float:
    return max(pool.number("gpu_hours.paid") or 0.0 for pool in pools.values())


def _parts(pool: Summary) -> dict[str, float]:
    """The states with time in them; slack may be below 0 by a little, and then has no length."""
    figures = {state: pool.number(f"gpu_hours.{state}") or 0.0 for state in STATES}
    return {state: n for state, n in figures.items() if n > 0}


def _bar(axes: Axes, row: int, pool: Summary, longest: float) -> None:
    left = 0.0
    paid = pool.number("gpu_hours.paid") or 0.0
    for state, n in _parts(pool).items():
        fill, ink = COLOURS[state]
        axes.barh(row, n, left=left, color=fill, edgecolor=PAPER, linewidth=0.8, height=0.62)
        if n > LABEL_FROM * longest:
            text = f"{hours(n)}\n{percent(n / paid)}"
            axes.text(left + n / 2, row, text, color=ink, ha="center", va="center", fontsize=9.5)
        left += n


def _frame(axes: Axes, bars: int) -> None:
    from matplotlib.ticker import FuncFormatter

    axes.set_ylim(-0.5, bars - 0.5)
    axes.set_xlabel("GPU-hours", color=MUTED)
    axes.xaxis.set_major_formatter(FuncFormatter(lambda h, _: f"{h:,g}"))
    axes.grid(visible=False, axis="y")
    axes.margins(x=0.0)
    axes.tick_params(axis="y", labelcolor=INK)
    bare(axes, "left")
    axes.set_title("Where the paid GPU-hours went", pad=14)


def _legend(axes: Axes, summary: Summary) -> None:
    """Every state with its hours over all pools, those too thin for a label included."""
    from matplotlib.patches import Patch

    paid = summary.number("gpu_hours.paid") or 1.0
    parts = _parts(summary).items()
    chips = [
        Patch(
            color=COLOURS[s][0], label=f"{STATES[s][0]}  {hours(n).strip()}  ({percent(n / paid)})"
        )
        for s, n in parts
    ]
    axes.figure.legend(
        handles=chips, loc="outside lower left", ncols=3, handlelength=1.0, handleheight=1.0,
        columnspacing=1.8,
    )  # fmt: skip
