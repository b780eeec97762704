"""Hosted figure: what the fleet and the API cost a month as traffic grows; knows no clock."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

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
from sim.report.curve_figure import usd_label
from sim.report.numerals import dollars, significant
from sim.report.summary import Json, Summary

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def break_even_figure(summary: Summary, form: str = "svg") -> bytes:
    """Dollars a month against requests per second and tokens a day, with today's fleet marked."""
    found = summary.part_of("break_even")
    assert found is not None
    levels = found.rows("levels")
    rate = found.number("requests_per_s") or 1.0
    day = (found.number("tokens_per_day") or 1.0) / rate

    def draw(figure: Figure) -> None:
        axes = figure.add_subplot()
        _frame(axes, [rate, *(rate * level["multiple"] for level in levels)], day)
        _lines(axes, rate, levels)
        _crossing(axes, found, rate)
        _today(axes, found, rate)
        axes.legend(loc="upper left", frameon=True, facecolor=PAPER, edgecolor="none")

    return svg(draw, 8.5, 5.2, form)


def _frame(axes: Axes, x: Sequence[float], tokens_per_request_day: float) -> None:
    from matplotlib.ticker import FuncFormatter, NullFormatter

    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xlim(min(x), max(x))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda usd, _: usd_label(usd)))
    axes.yaxis.set_minor_formatter(NullFormatter())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda v, _: f"{v:g}"))
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.set_xlabel("requests per second")
    axes.set_ylabel("$ a month")
    axes.set_title("Own fleet or API: what a month costs as traffic grows")
    per_day = tokens_per_request_day / 1e6

    def to_day(requests_per_s: Any) -> Any:
        return requests_per_s * per_day

    def from_day(m_tokens: Any) -> Any:
        return m_tokens / per_day

    top = axes.secondary_xaxis("top", functions=(to_day, from_day))
    top.set_xlabel("M useful tokens a day")
    top.xaxis.set_major_formatter(FuncFormatter(lambda v, _: f"{v:,g}"))
    top.xaxis.set_minor_formatter(NullFormatter())


def _lines(axes: Axes, rate: float, levels: Sequence[Json]) -> None:
    x = [rate * level["multiple"] for level in levels]
    own = [level["self_usd_per_month"] for level in levels]
    axes.plot(
        x, [level["api_usd_per_month"] for level in levels], color=PURPLE, label="the API",
        linestyle=(0, (5, 2)), zorder=3,
    )  # fmt: skip
    axes.step(
        x, [usd["value"] for usd in own], where="post", color=BLUE, zorder=3,
        label="own fleet, resized (whole replicas make it a saw)",
    )  # fmt: skip
    if any(usd["ci95"] for usd in own):
        bounds = [usd["ci95"] or (usd["value"], usd["value"]) for usd in own]
        low, high = ([max(b[i], 1e-9) for b in bounds] for i in (0, 1))
        axes.fill_between(x, low, high, step="post", color=BLUE, alpha=0.18, linewidth=0, zorder=2)
    seen = [level for level in levels if level["simulated"]]
    axes.plot(
        [rate * level["multiple"] for level in seen],
        [level["self_usd_per_month"]["value"] for level in seen],
        linestyle="none", marker="o", markersize=6, color=BLUE, markeredgecolor=PAPER, zorder=5,
        label="simulated",
    )  # fmt: skip


def _crossing(axes: Axes, found: Summary, rate: float) -> None:
    low, high = found.get("bracket") or (None, None)
    if low is not None and high is not None:
        axes.axvspan(rate * low, rate * high, color=FAINT, alpha=0.5, linewidth=0, zorder=1)
    multiple = found.number("multiple")
    if found.text("verdict") != "from" or multiple is None:
        return
    at = rate * multiple
    axes.axvline(at, color=GREEN, linewidth=1.5, linestyle=(0, (1, 2)), zorder=2)
    axes.annotate(
        f"cheaper for good from\n{multiple:g} x: {significant(at)} requests per s",
        (at, 0.04), (6, 0), xycoords=("data", "axes fraction"), textcoords="offset points",
        color=GREEN, fontsize=9, va="bottom", bbox=patch(), zorder=6,
    )  # fmt: skip


def _today(axes: Axes, found: Summary, rate: float) -> None:
    usd = found.get("today.self_usd_per_month")["value"]
    axes.plot(
        rate, usd, marker="o", markersize=11, color=VERMILLION, markeredgecolor=PAPER, zorder=6,
        linestyle="none",
    )  # fmt: skip
    axes.annotate(
        f"today's fleet: {dollars(usd)}", (rate, usd), (-14, 26), textcoords="offset points",
        ha="right", color=INK, fontweight="bold", bbox=patch(), zorder=7,
        arrowprops={"arrowstyle": "-", "color": MUTED, "shrinkB": 6, "linewidth": 0.8},
    )  # fmt: skip
