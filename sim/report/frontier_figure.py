"""Frontier figure: dollars a month against how near an SLO is to being missed; no clock."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sim.report.canvas import BLUE, GREY, INK, MUTED, PAPER, VERMILLION, figure, patch
from sim.report.numerals import clean
from sim.report.summary import Json, Summary

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MOST_LOAD = 3.0
"""Fleets that miss by more than this share stand at the edge."""

MOST_LABELS = 8


@dataclass(frozen=True)
class Point:
    """One fleet: its bill, its nearest SLO as a share of the limit, and what is said of it."""

    usd_per_month: float
    load: float
    label: str
    met: bool
    chosen: bool


def frontier_figure(summary: Summary, pool: str) -> Figure | None:
    """Every size that ran whole for *pool*; None if there was not more than one."""
    part = summary.part("pools", pool)
    points = frontier(part)
    if len(points) < 2:
        return None

    def draw(empty: Figure) -> None:
        axes = empty.subplots()
        _draw(axes, points)
        axes.set_title(f"What meeting the SLOs costs: {clean(pool)}")

    return figure(draw, 8.0, 4.8)


def frontier(part: Summary) -> list[Point]:
    """The points of one pool's part of a plan's document, cheapest first."""
    choice = part.get("choice") or {}
    rows = [*part.rows("tried"), *part.rows("beyond")]
    points = [_point(row, choice) for row in rows if row["usd_per_month"] is not None]
    return sorted(points, key=lambda p: (p.usd_per_month, p.load))


def _point(row: Json, choice: Json) -> Point:
    binding = row["binding"]
    load = MOST_LOAD if binding is None or binding["worst"] is None else binding["worst"]
    chosen = (row["design"], row["size"]) == (choice.get("design"), choice.get("size"))
    label = clean(f"{row['design']}, {row['size']}")
    return Point(row["usd_per_month"], min(load, MOST_LOAD), label, bool(row["met"]), chosen)


def _draw(axes: Axes, points: Sequence[Point]) -> None:
    best = _undominated(points)
    axes.plot(
        [p.usd_per_month for p in best], [100 * p.load for p in best],
        color=BLUE, drawstyle="steps-post", linewidth=1.6, zorder=2,
    )  # fmt: skip
    for point in points:
        color = VERMILLION if point.chosen else BLUE if point.met else GREY
        axes.plot(
            point.usd_per_month, 100 * point.load, "o" if point.met else "X", color=color,
            markersize=11 if point.chosen else 8, markeredgecolor=PAPER, zorder=4,
        )  # fmt: skip
    axes.axhline(100, color=MUTED, linestyle=(0, (4, 3)), linewidth=1.2)
    axes.annotate(
        "limit: above it an SLO is missed", (0, 100), xycoords=("axes fraction", "data"),
        xytext=(4, 4), textcoords="offset points", color=MUTED, fontsize=9,
    )  # fmt: skip
    _label(axes, points)
    axes.set_xlabel("$ a month, the whole bill")
    axes.set_ylabel("nearest SLO, % of its limit")
    axes.set_ylim(0, max(115.0, 112 * max(p.load for p in points)))
    axes.xaxis.set_major_formatter(lambda usd, _: f"${usd:,.0f}")
    axes.margins(x=0.22)


def _undominated(points: Sequence[Point]) -> list[Point]:
    """Those that meet every SLO and that no cheaper one keeps more surely."""
    best: list[Point] = []
    for point in points:
        if point.met and (not best or point.load < best[-1].load):
            best.append(point)
    return best


def _label(axes: Axes, points: Sequence[Point]) -> None:
    """Name the chosen fleet and its neighbours, alternately above and below."""
    shown = sorted(points, key=lambda p: (not p.chosen, not p.met, p.usd_per_month))[:MOST_LABELS]
    for i, point in enumerate(sorted(shown, key=lambda p: p.usd_per_month)):
        axes.annotate(
            point.label, (point.usd_per_month, 100 * point.load),
            xytext=(0, 12 if i % 2 == 0 else -20), textcoords="offset points", ha="center",
            color=INK, fontsize=9, fontweight="bold" if point.chosen else "normal",
            bbox=patch(), zorder=5,
        )  # fmt: skip
