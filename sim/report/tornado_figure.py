"""Tornado figure: bars from the low to the high end of each doubt, the widest on top; no clock."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sim.report.canvas import BLUE, INK, MUTED, ORANGE, bare, figure
from sim.report.curve_figure import usd_label
from sim.report.numerals import clean, dollars
from sim.studies.sensitivity import Sensitivity

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

BAR = 0.62
"""Height of a bar, of a row."""

NAME_COLUMNS = 24
"""Characters of a doubt's name on one line."""


@dataclass(frozen=True)
class Bar:
    """One doubt: the figure at its low and its high end, with what the ends are called."""

    name: str
    low: float
    high: float
    low_label: str
    high_label: str


@dataclass(frozen=True)
class Tornado:
    """Bars round `centre`, what the figure is as it stands; `interval` is that of chance."""

    title: str
    unit: str
    centre: float
    bars: tuple[Bar, ...]
    interval: tuple[float, float] | None = None


def tornado_of(found: Sensitivity) -> Tornado | None:
    """$ per 1M useful tokens of fleets resized to their SLOs; None if it is undefined."""
    result = found.resized.result
    centre = result.statement.cost.by_use.usd_per_million_useful_tokens
    if centre is None:
        return None
    bars = []
    for swing in found.swings:
        ends = swing.usd_per_million(resized=True)
        if ends is not None:
            bars.append(Bar(swing.doubt.name, *ends, swing.low.label, swing.high.label))
    bars.sort(key=lambda bar: -abs(bar.high - bar.low))
    bounds = result.intervals.get("cost.usd_per_million_useful_tokens")
    return Tornado(
        "What could move the price of a token",
        "$ per 1M useful tokens, fleet resized to its SLOs",
        centre,
        tuple(bars),
        None if not bounds else (bounds[0], bounds[1]),
    )


def tornado_in(document: Mapping[str, Any]) -> Tornado | None:
    """The tornado that is kept in a document's `tornado`, as `dataclasses.asdict` has it."""
    tree = document["tornado"]
    if tree is None:
        return None
    bars = tuple(Bar(**bar) for bar in tree["bars"])
    bounds = tree["interval"]
    interval = None if bounds is None else (bounds[0], bounds[1])
    return Tornado(**{**tree, "bars": bars, "interval": interval})


def tornado_figure(tornado: Tornado) -> Figure:
    """The figure: orange to the low end, blue to the high end, the interval of chance in grey."""

    def draw(empty: Figure) -> None:
        axes = empty.add_subplot()
        _frame(axes, tornado)
        for row, bar in enumerate(tornado.bars):
            _bar(axes, row, bar, tornado.centre)

    return figure(draw, 8.0, 1.9 + 0.46 * max(1, len(tornado.bars)))


def _frame(axes: Axes, tornado: Tornado) -> None:
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    ends = [tornado.centre, *(v for bar in tornado.bars for v in (bar.low, bar.high))]
    ends += tornado.interval or ()
    low, high = min(ends), max(ends)
    room = 0.28 * (high - low) or 0.1 * abs(tornado.centre) or 1.0
    axes.set_xlim(low - room, high + room)
    axes.set_ylim(len(tornado.bars) - 0.4, -0.9)
    names = [textwrap.fill(clean(bar.name), NAME_COLUMNS) for bar in tornado.bars]
    axes.set_yticks(range(len(names)), names)
    axes.tick_params(axis="y", labelcolor=INK)
    axes.xaxis.set_major_locator(MaxNLocator(6))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda usd, _: usd_label(usd)))
    axes.grid(visible=False, axis="y")
    bare(axes, "left")
    axes.set_xlabel(tornado.unit)
    axes.set_title(tornado.title)
    if tornado.interval is not None:
        axes.axvspan(*tornado.interval, color=MUTED, alpha=0.18, linewidth=0, zorder=0)
    axes.axvline(tornado.centre, color=INK, linewidth=1.2, zorder=4)
    chance = "" if tornado.interval is None else "; grey: chance alone, 95 %"
    axes.annotate(
        f"as it is: {dollars(tornado.centre)}{chance}", (tornado.centre, -0.62), (6, 0),
        textcoords="offset points", va="center", color=MUTED, fontsize=9,
    )  # fmt: skip


def _bar(axes: Axes, row: int, bar: Bar, centre: float) -> None:
    for end, color in ((bar.low, ORANGE), (bar.high, BLUE)):
        axes.barh(row, end - centre, BAR, left=centre, color=color, zorder=3)
    labels = sorted(((bar.low, bar.low_label), (bar.high, bar.high_label)))
    for (end, label), side in zip(labels, ("right", "left"), strict=True):
        away = -5 if side == "right" else 5
        axes.annotate(
            f"{clean(label)}: {dollars(end)}", (end, row), (away, 0), textcoords="offset points",
            ha=side, va="center", color=MUTED, fontsize=9,
        )  # fmt: skip
