"""Timeline parts: what the panels of a timeline are drawn with; knows no clock."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sim.report.timeseries import Samples

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from sim.report.timeseries import Column, Mask

LOG_FROM_RATIO = 20.0
"""Values that are further apart than this get a logarithmic axis."""


def held(samples: Samples, window_h: float, *names: str) -> list[Column]:
    """Hours and values of levels that stay until the next sample, the last to the window's end.

    Samples at which none of them changes are left out: they make a file large and no picture.
    """
    import numpy as np

    columns = [np.nan_to_num(samples.column(name)) for name in names]
    changed = np.ones(len(samples.rows), dtype=bool)
    changed[1:] = np.any([column[1:] != column[:-1] for column in columns], axis=0)
    levels = [np.append(column[changed], column[-1:]) for column in columns]
    return [np.append(samples.hours[changed], window_h), *levels]


def flow(samples: Samples, name: str) -> tuple[Column, Column]:
    """Hours and values of what went on between samples, at the middles.

    The first sample has nothing before it.
    """
    hours, values = samples.hours, samples.column(name)
    return (hours[1:] + hours[:-1]) / 2.0, values[1:]


def with_neighbours(mask: Mask) -> Mask:
    """Return *mask* with one point more at each end of what it selects.

    Areas then rise from where there was nothing.
    """
    import numpy as np

    padded = np.pad(mask, 1)
    return padded[:-2] | padded[1:-1] | padded[2:]


def line(axes: Axes, hours: Column, values: Column, **style: Any) -> None:
    """Draw a line with gaps where there is no value; a value between two gaps is a dot."""
    import numpy as np

    axes.plot(hours, values, **style)
    known = ~np.isnan(values)
    beside = np.pad(known, 1)
    alone = known & ~beside[:-2] & ~beside[2:]
    if np.any(alone):
        axes.plot(hours[alone], values[alone], ".", color=style["color"], markersize=3.0)


def few_ticks(axes: Axes, *, integer: bool = False) -> None:
    """Let a vertical axis have three or four ticks."""
    from matplotlib.ticker import MaxNLocator

    axes.yaxis.set_major_locator(MaxNLocator(3, integer=integer))


def legend(axes: Axes) -> None:
    """Put a legend above the panel, to the right of its head."""
    axes.legend(
        loc="lower right", bbox_to_anchor=(1.0, 1.0), ncols=6, borderaxespad=0.0, borderpad=0.25,
        handlelength=1.1, handletextpad=0.45, columnspacing=1.1, fontsize=8.5,
    )  # fmt: skip
