"""Timeline panels: load, replicas, requests, latencies and dollars of one pool; knows no clock."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from sim.report.canvas import BLACK, BLUE, GREEN, INK, ORANGE, SKY, VERMILLION, YELLOW
from sim.report.numerals import dollars, significant
from sim.report.timeline_latency import LATENCIES, Target, draw_latency
from sim.report.timeline_parts import (
    LOG_FROM_RATIO,
    few_ticks,
    flow,
    held,
    legend,
    line,
    with_neighbours,
)
from sim.report.timeseries import RUNNING, STATES, WAITING, Samples

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from sim.report.timeseries import Column

STATE_COLOURS = {"ready": SKY, "starting": YELLOW, "draining": ORANGE, "failed": BLACK}
"""Fills of the states of replicas: those of the GPU-hours figure, where it has the same state."""

_PER = (("second", 1.0), ("minute", 60.0), ("hour", 3600.0))
"""Units of a rate: the first in which the most is at least `_LEAST_RATE`."""

_LEAST_RATE = 2.0

_Levels = Callable[..., list["Column"]]
"""Hours and values of levels, by the names of their columns, to be drawn as steps."""


@dataclass(frozen=True)
class Panel:
    """One panel: its head, the unit of its axis, its height in inches, and how it is drawn."""

    title: str
    unit: str
    height: float
    draw: Callable[[Axes], None]


def panels(samples: Samples, targets: Sequence[Target], window_h: float) -> Iterator[Panel]:
    """The panels for which there is something to draw, from the top to the bottom."""
    levels = partial(held, samples, window_h)
    if (most := _most(samples, "offered_rps", "completed_rps", "failed_rps")) is not None:
        unit, factor = next((u for u in _PER if most * u[1] >= _LEAST_RATE), _PER[-1])
        draw = partial(_load, samples=samples, factor=factor)
        yield Panel("Load", f"attempts per {unit}", 1.35, draw)
    if changes(samples, "replicas_wanted", *(f"replicas_{state}" for state in STATES)):
        yield Panel("Replicas", "by state", 1.35, partial(_replicas, levels=levels))
    if _most(samples, RUNNING, WAITING) is not None:
        means = (_mean(samples, WAITING), _mean(samples, RUNNING))
        yield Panel("Requests", "in the pool", 1.1, partial(_requests, levels=levels, means=means))
    for latency in LATENCIES:
        if _most(samples, latency.column) is not None:
            draw = partial(draw_latency, samples=samples, latency=latency, targets=targets)
            yield Panel(latency.title, f"95th percentile, {latency.unit}", 1.1, draw)
    if changes(samples, "usd_per_hour"):
        draw = partial(_cost, levels=levels, mean=_mean(samples, "usd_per_hour"))
        yield Panel("Paid nodes", "$ per hour", 0.8, draw)


def changes(samples: Samples, *names: str) -> bool:
    """Whether one of these levels is not the same all the time."""
    levels = [level for name in names if (level := samples.level(name)) is not None]
    return any(least != most for least, _, most in levels)


def _most(samples: Samples, *names: str) -> float | None:
    """The largest value of some columns; None if they have none."""
    levels = [level for name in names if (level := samples.level(name)) is not None]
    return max((most for *_, most in levels), default=None)


def _mean(samples: Samples, name: str) -> float:
    level = samples.level(name)
    return 0.0 if level is None else level[1]


def _load(axes: Axes, samples: Samples, factor: float) -> None:
    hours, failed = flow(samples, "failed_rps")
    if failed.size and failed.max() > 0.0:
        axes.fill_between(
            hours, 0.0, failed * factor, where=with_neighbours(failed > 0.0), color=VERMILLION,
            linewidth=0, label="failed, refused or given up",
        )  # fmt: skip
    for name, colour, width, label in (
        ("offered_rps", INK, 1.0, "sent"),
        ("completed_rps", BLUE, 1.6, "answered"),
    ):
        hours, values = flow(samples, name)
        line(axes, hours, values * factor, color=colour, linewidth=width, label=label)
    axes.set_ylim(bottom=0.0)
    few_ticks(axes)
    legend(axes)


def _replicas(axes: Axes, levels: _Levels) -> None:
    """States stacked, and as a line the number that was wanted."""
    import numpy as np
    from matplotlib.ticker import MaxNLocator

    hours, wanted, *counts = levels("replicas_wanted", *(f"replicas_{state}" for state in STATES))
    below = np.zeros_like(hours)
    for state, count in zip(STATES, counts, strict=True):
        if np.any(count > 0.0):
            axes.fill_between(
                hours, below, below + count, step="post", color=STATE_COLOURS[state], linewidth=0,
                label=state,
            )  # fmt: skip
        below = below + count
    axes.step(hours, wanted, where="post", color=INK, linewidth=1.3, label="wanted")
    axes.set_ylim(0.0, 1.12 * max(1.0, below.max(), wanted.max()))
    axes.yaxis.set_major_locator(MaxNLocator(4, integer=True))
    legend(axes)


def _requests(axes: Axes, levels: _Levels, means: tuple[float, float]) -> None:
    hours, waiting, running = levels(WAITING, RUNNING)
    axes.fill_between(
        hours, 0.0, waiting, step="post", color=ORANGE, linewidth=0,
        label=_told("waiting", waiting, means[0]),
    )  # fmt: skip
    axes.step(
        hours, running, where="post", color=BLUE, linewidth=1.3,
        label=_told("running", running, means[1]),
    )  # fmt: skip
    if waiting.max() > LOG_FROM_RATIO * max(1.0, running.max()):
        _decades(axes, waiting.max())
    else:
        axes.set_ylim(0.0, 1.1 * max(1.0, running.max(), waiting.max()))
        few_ticks(axes, integer=True)
    legend(axes)


def _told(what: str, values: Column, mean: float) -> str:
    return f"{what} (mean {significant(mean, 2)}, most {values.max():,.0f})"


def _decades(axes: Axes, most: float) -> None:
    """A logarithmic axis that has a zero, for counts up to *most*."""
    from matplotlib.ticker import FuncFormatter, NullLocator

    axes.set_yscale("symlog", linthresh=1.0, linscale=0.5)
    axes.set_ylim(0.0, 2.0 * most)
    last = int(math.log10(2.0 * most))
    exponents = range(1, last + 1) if last <= 3 else range(2 - last % 2, last + 1, 2)
    axes.set_yticks([0.0, *(10.0**exponent for exponent in exponents)])
    axes.yaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_major_formatter(FuncFormatter(lambda n, _: f"{n:,.0f}"))


def _cost(axes: Axes, levels: _Levels, mean: float) -> None:
    from matplotlib.ticker import FuncFormatter

    hours, usd = levels("usd_per_hour")
    axes.fill_between(hours, 0.0, usd, step="post", color=GREEN, alpha=0.55, linewidth=0)
    axes.axhline(
        mean, color=INK, linewidth=1.0, linestyle=(0, (4, 3)), label=f"mean {dollars(mean)}"
    )
    axes.set_ylim(bottom=0.0, top=1.1 * max(usd.max(), 1e-9))
    few_ticks(axes)
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,g}"))
    legend(axes)
