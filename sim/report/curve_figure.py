"""Curve figure: what a million tokens cost at each utilization, and where this run stands.

Knows no clock.
"""

from __future__ import annotations

import math
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
    PURPLE,
    VERMILLION,
    patch,
    svg,
)
from sim.report.hosted_tables import api_usd
from sim.report.numerals import dollars, percent
from sim.report.summary import Json, Summary

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

LOG_FROM_RATIO = 10.0
"""A range of prices wider than this gets a logarithmic axis."""


@dataclass(frozen=True)
class Spot:
    """One load: `utilization` is the kind called benchmark, as a share of 1."""

    utilization: float
    usd_per_million: float
    label: str


def curve_figure(summary: Summary, points: Sequence[Json], form: str = "svg") -> bytes | None:
    """Utilization against $ per 1M useful tokens; None without anything to draw.

    *points* have `scale`, `utilization` and `usd_per_million`; those with a null are left out.
    """
    spots, run = _spots(points), _run(summary)
    naive, api = summary.number("naive.usd_per_million_tokens"), api_usd(summary)
    if naive is None or (run is None and not spots):
        return None

    def draw(figure: Figure) -> None:
        axes = figure.add_subplot()
        _frame(axes, [*spots, *([run] if run else [])], naive, api)
        _lines(axes, naive)
        _api(axes, api)
        _curve(axes, spots)
        if run:
            _highlight(axes, run)

    return svg(draw, 8.0, 4.8, form)


def _spots(points: Sequence[Json]) -> list[Spot]:
    known = [p for p in points if p.get("utilization") and p.get("usd_per_million")]
    least = min((float(p["scale"]) for p in known), default=1.0)
    spots = [
        Spot(float(p["utilization"]), float(p["usd_per_million"]), _scale(float(p["scale"]), least))
        for p in known
    ]
    return sorted(spots, key=lambda spot: spot.utilization)


def _scale(scale: float, least: float) -> str:
    """How much traffic, in full at the *least*; nothing at 1, where the run itself is."""
    if scale == 1:
        return ""
    return f"{scale:g}x the traffic" if scale == least else f"{scale:g}x"


def _run(summary: Summary) -> Spot | None:
    u = summary.number("utilization.benchmark")
    usd = summary.number("cost.usd_per_million_useful_tokens.value")
    if not u or not usd:
        return None
    return Spot(u, usd, f"this run: {dollars(usd)} at {percent(u)}")


def _frame(axes: Axes, spots: Sequence[Spot], naive: float, api: float | None) -> None:
    from matplotlib.ticker import FuncFormatter, NullFormatter

    right = max(1.0, *(s.utilization for s in spots)) * 1.05
    prices = [naive, *(s.usd_per_million for s in spots), *([api] if api else [])]
    low, high = min(prices), max(prices)
    axes.set_xlim(0.0, right)
    if high > LOG_FROM_RATIO * low:
        axes.set_yscale("log")
        axes.set_ylim(low / 1.6, high * 1.6)
        axes.set_yticks(_log_ticks(low / 1.6, high * 1.6))
        axes.yaxis.set_minor_formatter(NullFormatter())
    else:
        axes.set_ylim(0.0, high * 1.15)
    axes.yaxis.set_major_formatter(FuncFormatter(lambda usd, _: usd_label(usd)))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda u, _: f"{u:.0%}".replace("%", " %")))
    axes.set_xlabel("utilization (useful tokens over what the benchmark would make)")
    axes.set_ylabel("$ per 1M useful tokens")
    axes.set_title("What a token costs depends on how full the fleet is")


def _log_ticks(low: float, high: float) -> list[float]:
    """1, 2, 5 of each decade between *low* and *high*; of more than three decades only the 1.

    >>> _log_ticks(0.04, 1.5)
    [0.05, 0.1, 0.2, 0.5, 1.0]
    """
    decades = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    steps = (1, 2, 5) if high < 1000 * low else (1,)
    ticks = [float(f"{step}e{decade}") for decade in decades for step in steps]
    return [t for t in ticks if low <= t <= high]


def _lines(axes: Axes, naive: float) -> None:
    """The naive price, and what it comes to when the same GPUs are paid for and less is used."""
    right = axes.get_xlim()[1]
    shares = [right * i / 400 for i in range(1, 401)]
    axes.plot(shares, [naive / u for u in shares], color=FAINT, linewidth=1.6, zorder=1)
    axes.axhline(naive, color=GREEN, linewidth=1.5, linestyle=(0, (5, 3)), zorder=2)
    text = f"naive benchmark: {dollars(naive)}"
    axes.annotate(
        text, (0.0, naive), (6, -5), textcoords="offset points", va="top", color=GREEN,
        bbox=patch(),
    )  # fmt: skip
    at = 0.35 * right
    axes.annotate(
        "list price of the GPUs alone\n(naive / utilization)", (at, naive / at), (-6, -6),
        textcoords="offset points", ha="right", va="top", color=MUTED, fontsize=9,
        bbox=patch(),
    )  # fmt: skip


def _api(axes: Axes, usd: float | None) -> None:
    """What a hosted API takes for the same tokens, however full anybody's GPUs are."""
    if not usd:
        return
    axes.axhline(usd, color=PURPLE, linewidth=1.5, linestyle=(0, (1, 2)), zorder=2)
    axes.annotate(
        f"the same traffic at the API: {dollars(usd)}", (axes.get_xlim()[1], usd), (-4, 5),
        textcoords="offset points", ha="right", va="bottom", color=PURPLE, bbox=patch(),
    )  # fmt: skip


def _curve(axes: Axes, spots: Sequence[Spot]) -> None:
    if not spots:
        return
    x, y = [s.utilization for s in spots], [s.usd_per_million for s in spots]
    axes.plot(x, y, color=BLUE, marker="o", markersize=5, zorder=3)
    for spot in spots:
        axes.annotate(
            spot.label, (spot.utilization, spot.usd_per_million), (5, 5),
            textcoords="offset points", color=BLUE, fontsize=9, bbox=patch(),
        )  # fmt: skip


def _highlight(axes: Axes, run: Spot) -> None:
    at = (run.utilization, run.usd_per_million)
    left = run.utilization > 0.6 * axes.get_xlim()[1]  # no room for the label on the right
    axes.plot(*at, marker="o", markersize=11, color=VERMILLION, markeredgecolor=PAPER, zorder=5)
    axes.annotate(
        run.label, at, (-26 if left else 26, 26), textcoords="offset points", color=INK,
        ha="right" if left else "left", fontweight="bold", bbox=patch(), zorder=6,
        arrowprops={"arrowstyle": "-", "color": MUTED, "shrinkB": 6, "linewidth": 0.8},
    )  # fmt: skip


def usd_label(usd: float) -> str:
    """A price on an axis: no more digits than it has.

    >>> usd_label(0.5), usd_label(20.0), usd_label(0.0), usd_label(1000.0)
    ('$0.5', '$20', '$0', '$1,000')
    """
    text = dollars(usd)
    return text.rstrip("0").rstrip(".") if "." in text else text
