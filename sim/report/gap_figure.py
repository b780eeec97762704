"""Gap figure: a waterfall from the naive price of a token to the real one; knows no clock."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sim.report.canvas import (
    BLUE,
    FAINT,
    GREEN,
    INK,
    MUTED,
    PAPER,
    VERMILLION,
    figure,
    render,
)
from sim.report.gap_words import TITLES
from sim.report.numerals import dollars, significant
from sim.report.summary import Summary

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

BAR = 0.62
"""Height of a bar, of the distance between two."""

NONE = "0"

SMALL = 1e-12
"""A rung below this part of the whole is drawn as none."""


@dataclass(frozen=True)
class Bar:
    """One bar from *start* to *end* in $ per 1M; `whole`: it stands on 0, a price itself."""

    label: str
    start: float
    end: float
    text: str
    whole: bool = False
    low: float | None = None
    high: float | None = None


def gap_figure(summary: Summary, form: str = "svg") -> bytes | None:
    """The waterfall as a file's bytes; None where no ladder was measured."""
    found = bars(summary)
    return render(waterfall(found, summary.text("gap.title")), form) if found else None


def bars(summary: Summary) -> list[Bar]:
    """The naive price, the rungs, the real price; empty where there are none."""
    rungs, naive = summary.rows("gap.rungs"), summary.number("gap.naive")
    real = summary.number("gap.real")
    if not rungs or naive is None or real is None:
        return []
    found = [Bar("naive benchmark", 0.0, naive, dollars(naive), whole=True)]
    level = naive
    for rung in rungs:
        step = float(rung["usd_per_million"])
        low, high = rung.get("ci95") or (None, None)
        thin = " (thin)" if rung.get("thin") else ""
        found.append(
            Bar(
                f"{TITLES[rung['cause']]}{thin}",
                level,
                level + step,
                _text(step, rung.get("factor"), abs(real)),
                low=None if low is None else level + low,
                high=None if high is None else level + high,
            )
        )
        level += step
    factor = summary.number("gap.factor")
    times = "" if factor is None else f"  (x{significant(factor)})"
    return [*found, Bar("real price", 0.0, real, f"{dollars(real)}{times}", whole=True)]


def _text(step: float, factor: float | None, whole: float) -> str:
    if abs(step) <= SMALL * whole:
        return NONE
    times = "" if factor is None else f"  x{significant(factor)}"
    return f"{'+' if step > 0 else ''}{dollars(step)}{times}"


def waterfall(found: Sequence[Bar], title: str = "") -> Figure:
    """The bars from top to bottom, each beginning where the one above it ends."""

    def draw(empty: Figure) -> None:
        axes = empty.add_subplot()
        _frame(axes, found)
        _bars(axes, found)
        axes.set_title(title or "From the benchmark's price to the real one")

    return figure(draw, 8.6, 0.36 * len(found) + 1.3)


def _frame(axes: Axes, found: Sequence[Bar]) -> None:
    from matplotlib.ticker import FuncFormatter

    ends = [x for bar in found for x in (bar.start, bar.end, bar.low, bar.high) if x is not None]
    low, high = min(0.0, *ends), max(ends)
    axes.set_xlim(low - 0.01 * (high - low), high + 0.30 * (high - low))
    axes.set_ylim(len(found) - 0.4, -0.6)
    axes.set_yticks(range(len(found)), [bar.label for bar in found])
    for label, bar in zip(axes.get_yticklabels(), found, strict=True):
        label.set_color(INK if bar.whole else MUTED)
        label.set_fontweight("bold" if bar.whole else "normal")
    axes.xaxis.set_major_formatter(FuncFormatter(lambda usd, _: dollars(usd)))
    axes.set_xlabel("$ per 1M tokens")
    axes.grid(axis="y", visible=False)
    axes.spines["left"].set_visible(False)
    if low < 0.0:
        axes.axvline(0.0, color=FAINT, linewidth=1.0, zorder=1)


def _bars(axes: Axes, found: Sequence[Bar]) -> None:
    for row, bar in enumerate(found):
        left, right = min(bar.start, bar.end), max(bar.start, bar.end)
        axes.barh(row, right - left, left=left, height=BAR, color=_color(bar), zorder=3)
        if row + 1 < len(found):
            axes.plot([bar.end] * 2, (row, row + 1), color=MUTED, linewidth=0.8, zorder=2)
        edge = right
        if bar.low is not None and bar.high is not None:
            axes.plot(
                [bar.low, bar.high], [row, row], color=INK, linewidth=1.1, zorder=4,
                solid_capstyle="butt", marker="|", markersize=5,
            )  # fmt: skip
            edge = max(edge, bar.high)
        axes.annotate(
            bar.text, (edge, row), (6, 0), textcoords="offset points", va="center",
            color=MUTED if bar.text == NONE else INK, fontsize=9.5,
            fontweight="bold" if bar.whole else "normal",
            bbox={"facecolor": PAPER, "edgecolor": "none", "pad": 0.6, "alpha": 0.85}, zorder=5,
        )  # fmt: skip


def _color(bar: Bar) -> str:
    if bar.whole:
        return BLUE
    return VERMILLION if bar.end > bar.start else GREEN
