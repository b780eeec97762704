"""Sweep figures: what a token costs over one varied parameter, or over two; knows no clock."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sim.report.canvas import (
    BLACK,
    BLUE,
    FAINT,
    INK,
    MUTED,
    PAPER,
    VERMILLION,
    bare,
    figure,
    patch,
    render,
)
from sim.report.curve_figure import LOG_FROM_RATIO, usd_label
from sim.report.numerals import clean, dollars
from sim.studies.grid import label, short_names
from sim.studies.store import Row
from sim.studies.sweep import best

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.colors import Colormap, Normalize
    from matplotlib.figure import Figure

MOST_CELLS = 24
"""Values of one parameter that a heat map takes; of more, nobody reads the numbers."""

PRICE = "$ per 1M useful tokens"


@dataclass(frozen=True)
class Spot:
    """One price: where the parameter is, the interval if any, and whether the SLOs are met."""

    value: Any
    usd: float
    low: float | None
    high: float | None
    met: bool | None


@dataclass(frozen=True)
class Grid:
    """Prices over two parameters: `cells[y][x]` is None where nothing was run, or it failed."""

    x_name: str
    y_name: str
    x_values: tuple[Any, ...]
    y_values: tuple[Any, ...]
    cells: tuple[tuple[Row | None, ...], ...]


def sweep_figures(rows: Sequence[Row], form: str = "svg") -> dict[str, bytes]:
    """The figures that suit *rows*, by name; none if more than two parameters vary."""
    found = {"cost-line": line_figure(rows), "cost-map": map_figure(rows)}
    return {name: render(drawn, form) for name, drawn in found.items() if drawn is not None}


def line_figure(rows: Sequence[Row]) -> Figure | None:
    """$ per 1M useful tokens over the one parameter that varies, with 95 % intervals.

    None unless exactly one varies and some point has a price.
    """
    varied = _varied(rows)
    spots = [] if len(varied) != 1 else _spots(rows, varied[0])
    if not spots:
        return None
    name = clean(short_names(list(rows[0].parameters))[varied[0]])
    return figure(lambda empty: _draw_line(empty, name, spots), 8.0, 4.5)


def map_figure(rows: Sequence[Row]) -> Figure | None:
    """$ per 1M useful tokens over the two parameters that vary, as a map of numbered cells.

    None unless exactly two vary, over no more than MOST_CELLS values each.
    """
    grid = _grid(rows)
    if grid is None:
        return None
    width = min(14.0, 3.2 + 0.75 * max(4, len(grid.x_values)))
    height = min(11.0, 2.2 + 0.5 * max(4, len(grid.y_values)))
    return figure(lambda empty: _draw_map(empty, grid, best(rows)), width, height)


def _varied(rows: Sequence[Row]) -> list[str]:
    """Paths that have more than one value."""
    paths = list(rows[0].parameters) if rows else []
    return [p for p in paths if len({label(row.parameters[p]) for row in rows}) > 1]


def _spots(rows: Sequence[Row], path: str) -> list[Spot]:
    spots = []
    for row in rows:
        usd, low, high = (row.figures.get(f"usd_per_million{end}") for end in ("", "_low", "_high"))
        if usd is not None:
            spots.append(Spot(row.parameters[path], usd, low, high, row.meets_slos))
    if all(_is_number(spot.value) for spot in spots):
        spots.sort(key=lambda spot: spot.value)
    return spots


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _draw_line(empty: Figure, name: str, spots: Sequence[Spot]) -> None:
    from matplotlib.ticker import FuncFormatter

    axes = empty.add_subplot()
    numbers = all(_is_number(spot.value) for spot in spots)
    x = [float(spot.value) if numbers else float(i) for i, spot in enumerate(spots)]
    axes.plot(x, [s.usd for s in spots], color=BLUE, linewidth=1.6 if numbers else 0.0, zorder=2)
    for at, spot in zip(x, spots, strict=True):
        if spot.low is not None and spot.high is not None:
            axes.vlines(at, spot.low, spot.high, color=BLUE, linewidth=1.6, zorder=3)
        missed = spot.met is False
        axes.plot(
            at, spot.usd, marker="X" if missed else "o", markersize=9 if missed else 7,
            color=VERMILLION if missed else BLUE, markeredgecolor=PAPER, zorder=4,
        )  # fmt: skip
    _price_axis(axes, spots)
    axes.yaxis.set_major_formatter(FuncFormatter(lambda usd, _: usd_label(usd)))
    if not numbers:
        axes.set_xticks(x, [clean(label(spot.value)) for spot in spots])
        axes.set_xlim(-0.5, len(x) - 0.5)
    elif len(spots) <= MOST_CELLS // 2 and all(isinstance(s.value, int) for s in spots):
        axes.set_xticks(x, [label(spot.value) for spot in spots])
    axes.set_xlabel(name)
    axes.set_ylabel(PRICE)
    axes.set_title(f"What a token costs over {name}")
    _mark_cheapest(axes, x, spots)
    _line_legend(axes, spots)


def _price_axis(axes: Axes, spots: Sequence[Spot]) -> None:
    """From 0 on, or logarithmic where prices are far apart."""
    from matplotlib.ticker import NullFormatter

    lows = [spot.usd if spot.low is None else spot.low for spot in spots]
    highs = [spot.usd if spot.high is None else spot.high for spot in spots]
    if min(s.usd for s in spots) * LOG_FROM_RATIO < max(s.usd for s in spots):
        axes.set_yscale("log")
        axes.yaxis.set_minor_formatter(NullFormatter())
        positive = [low for low in lows if low > 0]
        axes.set_ylim(min(positive) / 1.5, max(highs) * 1.5)
    else:
        axes.set_ylim(0.0, max(highs) * 1.2)


def _mark_cheapest(axes: Axes, x: Sequence[float], spots: Sequence[Spot]) -> None:
    kept = [i for i, spot in enumerate(spots) if spot.met] or [
        i for i, spot in enumerate(spots) if all(s.met is None for s in spots)
    ]
    if not kept:
        return
    at = min(kept, key=lambda i: (spots[i].usd, i))
    low, high = axes.get_xlim()
    right = x[at] > low + 0.7 * (high - low)
    axes.annotate(
        dollars(spots[at].usd), (x[at], spots[at].usd), (-4 if right else 4, -8),
        textcoords="offset points", ha="right" if right else "left", va="top", color=INK,
        fontweight="bold", bbox=patch(), zorder=5,
    )  # fmt: skip


def _line_legend(axes: Axes, spots: Sequence[Spot]) -> None:
    from matplotlib.lines import Line2D

    marks = []
    if any(spot.low is not None for spot in spots):
        bar = {"marker": "|", "markersize": 13, "markeredgewidth": 1.6, "linestyle": "none"}
        marks.append(Line2D([], [], color=BLUE, label="95 % interval", **bar))  # type: ignore[arg-type]
    if any(spot.met is False for spot in spots):
        style = {"marker": "X", "markersize": 9, "linestyle": "none", "markeredgecolor": PAPER}
        marks.append(Line2D([], [], color=VERMILLION, label="misses an SLO", **style))  # type: ignore[arg-type]
    if marks:
        axes.legend(handles=marks, loc="best")


def _grid(rows: Sequence[Row]) -> Grid | None:
    varied = _varied(rows)
    if len(varied) != 2 or not any(row.figures.get("usd_per_million") for row in rows):
        return None
    y_path, x_path = varied
    x_values, y_values = _values(rows, x_path), _values(rows, y_path)
    if max(len(x_values), len(y_values)) > MOST_CELLS:
        return None
    at = {(label(r.parameters[y_path]), label(r.parameters[x_path])): r for r in rows}
    names = short_names(list(rows[0].parameters))
    return Grid(
        clean(names[x_path]),
        clean(names[y_path]),
        tuple(x_values),
        tuple(y_values),
        tuple(tuple(at.get((label(y), label(x))) for x in x_values) for y in y_values),
    )


def _values(rows: Sequence[Row], path: str) -> list[Any]:
    """Each value once, numbers in order, others as they first appear."""
    values = list({label(row.parameters[path]): row.parameters[path] for row in rows}.values())
    return sorted(values) if all(_is_number(value) for value in values) else values


def _draw_map(empty: Figure, grid: Grid, winner: Row | None) -> None:
    import numpy as np

    axes = empty.add_subplot()
    prices = np.array([[_usd(row) for row in line] for line in grid.cells], dtype=float)
    norm, colours = _scale(prices)
    image = axes.imshow(prices, cmap=colours, norm=norm, aspect="auto", origin="lower")
    for y, line in enumerate(grid.cells):
        for x, row in enumerate(line):
            _cell(axes, x, y, row, image)
    if winner is not None:
        _outline(axes, grid, winner)
    axes.set_xticks(range(len(grid.x_values)), [clean(label(v)) for v in grid.x_values])
    axes.set_yticks(range(len(grid.y_values)), [clean(label(v)) for v in grid.y_values])
    axes.grid(visible=False)
    bare(axes, "left", "bottom")
    axes.set_xlabel(grid.x_name)
    axes.set_ylabel(grid.y_name)
    axes.set_title(f"{PRICE} over {grid.y_name} and {grid.x_name}")
    _map_legend(axes, grid, winner)


def _usd(row: Row | None) -> float:
    usd = None if row is None else row.figures.get("usd_per_million")
    return float("nan") if usd is None else usd


def _scale(prices: Any) -> tuple[Normalize, Colormap]:
    """Light is cheap, dark is dear; logarithmic where prices are far apart."""
    import matplotlib
    import numpy as np
    from matplotlib.colors import LogNorm, Normalize

    low, high = float(np.nanmin(prices)), float(np.nanmax(prices))
    kind = LogNorm if 0 < low * LOG_FROM_RATIO < high else Normalize
    colours = matplotlib.colormaps["cividis_r"].with_extremes(bad=FAINT)
    return kind(low, high if high > low else low * 1.01 + 1e-12), colours


def _cell(axes: Axes, x: int, y: int, row: Row | None, image: Any) -> None:
    from matplotlib.patches import Rectangle

    usd = _usd(row)
    if row is None or usd != usd:
        text = "" if row is None else row.status
        axes.text(x, y, text, ha="center", va="center", color=MUTED, fontsize=8.5)
        return
    red, green, blue, _ = image.cmap(image.norm(usd))
    dark = 0.299 * red + 0.587 * green + 0.114 * blue < 0.5
    ink = PAPER if dark else BLACK
    if row.meets_slos is False:
        box = Rectangle((x - 0.5, y - 0.5), 1, 1, fill=False, hatch="////", edgecolor=ink)
        box.set(linewidth=0.0, alpha=0.35)
        axes.add_patch(box)
    under = {**patch(), "facecolor": (red, green, blue)}  # so that hatching leaves it legible
    axes.text(x, y, dollars(usd), ha="center", va="center", color=ink, fontsize=9, bbox=under)


def _outline(axes: Axes, grid: Grid, winner: Row) -> None:
    from matplotlib.patches import Rectangle

    for y, line in enumerate(grid.cells):
        for x, row in enumerate(line):
            if row is not None and row.number == winner.number:
                box = Rectangle((x - 0.46, y - 0.42), 0.92, 0.84, fill=False)
                box.set(edgecolor=VERMILLION, linewidth=2.6, zorder=5)
                axes.add_patch(box)


def _map_legend(axes: Axes, grid: Grid, winner: Row | None) -> None:
    from matplotlib.patches import Patch

    marks = []
    if winner is not None:
        kind = "cheapest that meets every SLO" if winner.meets_slos else "cheapest"
        marks.append(Patch(fill=False, edgecolor=VERMILLION, linewidth=2.6, label=kind))
    if any(row is not None and row.meets_slos is False for line in grid.cells for row in line):
        missed = Patch(fill=False, hatch="////", edgecolor=MUTED, linewidth=0.0)
        missed.set_label("misses an SLO")
        marks.append(missed)
    if marks:
        axes.legend(
            handles=marks, loc="upper left", bbox_to_anchor=(0.0, -0.16), ncols=2, borderpad=0.0
        )
