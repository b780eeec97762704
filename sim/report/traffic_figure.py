"""Traffic figure: a workload in up to four panels: rate, dispersion, lengths, dependence.

Knows no clock.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from sim.report.canvas import BLUE, FAINT, INK, MUTED, ORANGE, VERMILLION, svg
from sim.report.numerals import clean, length, significant, tokens
from sim.report.time_axis import time_axis
from sim.report.traffic_series import Cdf, Dispersion, Series, cdfs, day_rates, dispersions, rates
from sim.workload.tables import Weights

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from sim.traffic.chunk import FloatArray
    from sim.workload.description import Dependence, Description
    from sim.workload.parts import Part

_Panel = Callable[["Axes"], None]

_WIDTH, _HEIGHT = 4.9, 3.3
"""Inches of a panel."""

_LEAST_DISPERSION = 0.01
"""What is less, as in traffic by the clock, is drawn as this."""


def traffic_figure(part: Part, description: Description, form: str = "svg") -> bytes:
    """The panels that *part*, whose figures are *description*, has data for: one at least."""
    panels = list(_panels(part, description))
    columns, rows = min(2, len(panels)), -(-len(panels) // 2)

    def draw(figure: Figure) -> None:
        figure.set_layout_engine("constrained", h_pad=0.1, w_pad=0.1)
        for place, panel in enumerate(panels, start=1):
            panel(figure.add_subplot(rows, columns, place))
        title = clean(description.source)
        figure.suptitle(title, x=0.01, ha="left", color=MUTED, fontsize=10)

    return svg(draw, _WIDTH * columns, 0.3 + _HEIGHT * rows, form)


def _panels(part: Part, description: Description) -> Iterator[_Panel]:
    if (series := rates(part)) is not None:
        start = None if isinstance(part, Weights) else part.start
        hours = description.hours
        curve = day_rates(series, hours, start) if hours and start else None
        yield partial(_rate, series=series, curve=curve)
    if (spread := dispersions(part)) is not None:
        yield partial(_dispersion, spread=spread)
    if found := cdfs(part):
        yield partial(_lengths, found=found)
    dependence = description.dependence
    if dependence is not None and dependence.mean_output_by_input_decile:
        yield partial(_outputs, dependence=dependence)


def _rate(axes: Axes, series: Series, curve: FloatArray | None) -> None:
    hours = series.middle_s / 3600.0
    mean = float(np.nanmean(series.per_s))
    if curve is None:
        axes.axhline(mean, color=ORANGE, linewidth=1.6, label=f"mean {significant(mean)}")
    else:
        axes.plot(hours, curve, color=ORANGE, alpha=0.6, linewidth=3.5, label="day curve")
    axes.plot(hours, series.per_s, color=BLUE, linewidth=1.2, label=_steps(series.bin_s))
    axes.set_ylim(0.0, 1.25 * float(np.nanmax(series.per_s)))
    axes.set_xlim(0.0, float(hours[-1] + series.bin_s / 7200.0))
    time_axis(axes, float(hours[-1]))
    axes.set_ylabel("requests per second")
    axes.set_title("Rate")
    axes.legend(loc="upper left", ncols=2)


def _dispersion(axes: Axes, spread: Dispersion) -> None:
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.fill_between(
        spread.window_s, spread.poisson_low, spread.poisson_high, color=FAINT, linewidth=0
    )
    axes.axhline(1.0, color=MUTED, linewidth=1.2)
    value = np.maximum(spread.value, _LEAST_DISPERSION)
    axes.plot(spread.window_s, value, color=BLUE, marker="o", markersize=4)
    low, high = min(value.min(), spread.poisson_low.min()), max(value.max(), 1.0)
    axes.set_ylim(0.7 * max(low, _LEAST_DISPERSION), 1.6 * high)
    axes.yaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0) if high < 1e3 * low else (1.0,)))
    axes.annotate(
        "Poisson (90 % of such traces)", (spread.window_s[0], 1.0), (2, -4), va="top",
        textcoords="offset points", color=MUTED, fontsize=9,
    )  # fmt: skip
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(FuncFormatter(lambda x, _: f"{x:,g}"))
        axis.set_minor_formatter(NullFormatter())
    axes.set_xlabel("window in seconds")
    axes.set_ylabel("variance / mean of counts")
    axes.set_title("Bursts")


def _lengths(axes: Axes, found: Mapping[str, Cdf]) -> None:
    from matplotlib.ticker import FuncFormatter, NullFormatter

    axes.set_xscale("log")
    for (side, cdf), color in zip(found.items(), (BLUE, VERMILLION), strict=False):
        axes.plot(cdf.tokens, cdf.share, color=color, drawstyle="steps-post", label=side)
    axes.set_ylim(0.0, 1.0)
    axes.yaxis.set_major_formatter(FuncFormatter(lambda share, _: f"{100 * share:.0f} %"))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda n, _: _short(n)))
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.set_xlabel("tokens")
    axes.set_ylabel("requests with at most so many")
    axes.set_title("Lengths")
    axes.legend(loc="upper left")


def _outputs(axes: Axes, dependence: Dependence) -> None:
    means = dependence.mean_output_by_input_decile
    overall = sum(means) / len(means)
    places = range(1, len(means) + 1)
    axes.bar(places, means, color=VERMILLION, width=0.7)
    axes.axhline(
        overall, color=INK, linewidth=1.2, linestyle=(0, (4, 3)),
        label=f"mean of all: {tokens(overall)}",
    )  # fmt: skip
    axes.set_xticks(places)
    axes.grid(visible=False, axis="x")
    axes.set_ylim(0.0, 1.25 * max(means))
    axes.set_xlabel("tenth of the requests, by input length")
    axes.set_ylabel("mean output tokens")
    known = dependence.spearman
    told = "" if known is None else f" (rank correlation {known:.2f})"
    axes.set_title(f"Outputs by inputs{told}")
    axes.legend(loc="upper left")


def _steps(bin_s: float) -> str:
    return f"every {bin_s:g} s" if bin_s < 60 else f"every {length(bin_s).removeprefix('1 ')}"


def _short(number: float) -> str:
    """A power of ten on an axis.

    >>> _short(100.0), _short(10_000.0), _short(1e6)
    ('100', '10k', '1M')
    """
    if number < 1e4:
        return f"{number:,g}"
    return f"{number / 1e3:g}k" if number < 1e6 else f"{number / 1e6:g}M"
