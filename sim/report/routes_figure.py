"""Routes figure: what each route costs, and for what, by work done and by peak; knows no clock."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sim.report.canvas import (
    BLUE,
    GREY,
    INK,
    MUTED,
    ON_DARK,
    ON_LIGHT,
    ORANGE,
    PAPER,
    SKY,
    bare,
    svg,
)
from sim.report.numerals import clean, dollars
from sim.report.summary import Summary

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

KINDS = {
    "input": ("input, not cached", BLUE, ON_DARK),
    "cached_input": ("input, cached", SKY, ON_LIGHT),
    "output": ("output", ORANGE, ON_LIGHT),
    "other": ("of no useful token", GREY, ON_LIGHT),
}
"""Kinds of token that money is for: label, fill and text colour."""

LABEL_FROM = 0.12


def routes_figure(summary: Summary, form: str = "svg") -> bytes | None:
    """Dollars of each route in the window by kind of token; None if nothing was paid for.

    The black mark is what the route pays when capacity is paid by those who need it at the peak.
    """
    names = [n for n in summary.names("routes") if _usd(summary.part("routes", n), "by_use") > 0]
    if not names:
        return None
    longest = max(
        _usd(summary.part("routes", name), by) for name in names for by in ("by_use", "by_peak")
    )

    def draw(figure: Figure) -> None:
        axes = figure.add_subplot()
        for row, name in enumerate(reversed(names)):
            _bar(axes, row, summary.part("routes", name), longest)
        axes.set_yticks(range(len(names)), [clean(name) for name in reversed(names)])
        _frame(axes, len(names), longest)
        _legend(axes)

    return svg(draw, 8.0, 2.3 + 0.5 * len(names), form)


def _usd(route: Summary, by: str) -> float:
    return route.number(f"usd.{by}") or 0.0


def parts(route: Summary) -> dict[str, float]:
    """A route's dollars by kind of token: price x useful tokens, the rest as `other`.

    They sum to what the route pays by use.
    """
    useful = {
        k: route.number(f"tokens.useful.{k}") or 0.0 for k in ("input", "cached_input", "output")
    }
    counts = {**useful, "input": useful["input"] - useful["cached_input"]}
    found = {
        kind: (route.number(f"cost.usd_per_million_{kind}_tokens") or 0.0) * n / 1e6
        for kind, n in counts.items()
    }
    return {**found, "other": max(0.0, _usd(route, "by_use") - sum(found.values()))}


def _bar(axes: Axes, row: int, route: Summary, longest: float) -> None:
    left = 0.0
    for kind, usd in parts(route).items():
        _, fill, ink = KINDS[kind]
        axes.barh(row, usd, left=left, color=fill, edgecolor=PAPER, linewidth=0.8, height=0.6)
        if usd > LABEL_FROM * longest:
            axes.text(left + usd / 2, row, dollars(usd), color=ink, ha="center", va="center")
        left += usd
    axes.annotate(
        dollars(left), (max(left, _usd(route, "by_peak")), row), xytext=(8, 0),
        textcoords="offset points", va="center", color=INK, fontweight="bold",
    )  # fmt: skip
    peak = _usd(route, "by_peak")
    axes.plot([peak, peak], [row - 0.38, row + 0.38], color=INK, linewidth=2.4, zorder=5)


def _frame(axes: Axes, bars: int, longest: float) -> None:
    from matplotlib.ticker import FuncFormatter

    axes.set_ylim(-0.55, bars - 0.45)
    axes.set_xlim(0, 1.16 * longest)
    axes.set_xlabel("$ in the window", color=MUTED)
    axes.xaxis.set_major_formatter(FuncFormatter(lambda usd, _: f"${usd:,g}"))
    axes.grid(visible=False, axis="y")
    axes.tick_params(axis="y", labelcolor=INK)
    bare(axes, "left")
    axes.set_title("What each route costs, and for what")


def _legend(axes: Axes) -> None:
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    chips: list[Patch | Line2D] = [
        Patch(color=fill, label=label) for label, fill, _ in KINDS.values()
    ]
    chips.append(Line2D([], [], color=INK, linewidth=2.4, label="by peak"))
    axes.figure.legend(
        handles=chips, loc="outside lower left", ncols=5, handlelength=1.0, columnspacing=1.4
    )
