"""Load figure: requests that run and wait in each pool over the window; knows no clock."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sim.report.canvas import BLUE, INK, SKY, VERMILLION, svg
from sim.report.numerals import clean, significant

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

RUNNING = "vllm:num_requests_running"
WAITING = "vllm:num_requests_waiting"

MOST_BINS = 168
"""Points of a line: one for each hour of a week, beyond which noise hides the day."""

_UNITS = (
    ("days", 24.0, (1, 2, 5, 10, 20, 50)),
    ("hours", 1.0, (1, 2, 3, 6)),
    ("minutes", 1 / 60, (1, 2, 5, 10, 20)),
    ("seconds", 1 / 3600, (1, 2, 5, 10, 20)),
)
"""Units of the time axis, their hours, and the steps between two ticks (some ten of them)."""


@dataclass(frozen=True)
class Levels:
    """Samples of one pool: hours since the window's start, and requests in each state."""

    pool: str
    hours: list[float]
    running: list[float]
    waiting: list[float]


def load_figure(rows: Sequence[Mapping[str, float | str]], form: str = "svg") -> bytes | None:
    """A panel per pool of time-series *rows* (as in `timeseries.csv`); None without any."""
    pools = levels(rows)
    if not pools:
        return None

    def draw(figure: Figure) -> None:
        panels = figure.subplots(len(pools), 1, sharex=True, squeeze=False)[:, 0]
        for axes, pool in zip(panels, pools, strict=True):
            _panel(axes, pool)
        _time_axis(panels[-1], max(pool.hours[-1] for pool in pools))
        panels[0].set_title("Load over time", pad=30)

    return svg(draw, 8.0, 1.2 + 2.2 * len(pools), form)


def levels(rows: Sequence[Mapping[str, float | str]]) -> list[Levels]:
    """Time-series rows by pool, in order of appearance."""
    by_pool: dict[str, list[Mapping[str, float | str]]] = {}
    for row in rows:
        by_pool.setdefault(str(row["pool"]), []).append(row)
    return [
        Levels(
            pool,
            [float(row["t_s"]) / 3600.0 for row in mine],
            [float(row[RUNNING]) for row in mine],
            [float(row[WAITING]) for row in mine],
        )
        for pool, mine in by_pool.items()
    ]


def _panel(axes: Axes, pool: Levels) -> None:
    """The mean of what runs within its range in each bin, and above that the most that waited."""
    from matplotlib.ticker import MaxNLocator

    hours = [binned[0] for binned in _bins(pool.hours)]
    low, high = ([edge(b) for b in _bins(pool.running)] for edge in (min, max))
    above = [h + max(b) for h, b in zip(high, _bins(pool.waiting), strict=True)]
    axes.fill_between(hours, low, high, color=SKY, alpha=0.4, linewidth=0)
    axes.fill_between(
        hours, high, above, color=VERMILLION, linewidth=0, label=_told("waiting", pool.waiting)
    )
    mean = [sum(b) / len(b) for b in _bins(pool.running)]
    axes.plot(hours, mean, color=BLUE, linewidth=1.6, label=_told("running", pool.running))
    axes.set_ylim(bottom=0.0, top=max(1.0, *above) * 1.08)
    axes.set_xlim(pool.hours[0], max(pool.hours[-1], pool.hours[0] + 1e-3))
    axes.yaxis.set_major_locator(MaxNLocator(5, integer=True))
    axes.set_ylabel("requests")
    axes.text(0.0, 1.06, clean(pool.pool), transform=axes.transAxes, color=INK, fontweight="bold")
    axes.legend(
        loc="lower right", bbox_to_anchor=(1.0, 0.98), ncols=2, borderaxespad=0.0, reverse=True
    )


def _bins(samples: list[float]) -> list[list[float]]:
    """Samples in at most `MOST_BINS` runs of equal length; each alone if there are few."""
    size = math.ceil(len(samples) / MOST_BINS)
    return [samples[i : i + size] for i in range(0, len(samples), size)]


def _told(what: str, samples: Sequence[float]) -> str:
    mean = sum(samples) / len(samples)
    return f"{what} (mean {significant(mean, 2)}, most {max(samples):,.0f})"


def _time_axis(axes: Axes, last_h: float) -> None:
    from matplotlib.ticker import FuncFormatter, MultipleLocator

    unit, unit_h, steps = next(u for u in _UNITS if last_h >= 2.0 * u[1] or u is _UNITS[-1])
    step = next((s for s in steps if last_h / unit_h <= 10 * s), steps[-1])
    axes.xaxis.set_major_locator(MultipleLocator(step * unit_h))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda h, _: f"{h / unit_h:g}"))
    axes.set_xlabel(f"{unit} since the start")
