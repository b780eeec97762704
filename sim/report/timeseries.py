"""Time series: a fleet's samples, as a table for others and as columns for pictures; no clock."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sim.report.csv_text import records_csv

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Column = npt.NDArray[np.float64]
    Mask = npt.NDArray[np.bool_]

Row = Mapping[str, float | str | None]
"""A sample of one pool: `t_s`, `pool`, levels at that time, and flows since the sample before."""

RUNNING = "vllm:num_requests_running"
WAITING = "vllm:num_requests_waiting"
STATES = ("ready", "starting", "draining", "failed")
"""States of replicas; their columns are `replicas_ready` and so on."""


def timeseries_csv(rows: Sequence[Row]) -> str:
    """All columns of *rows* under their own names, what is None empty."""
    return records_csv(rows)


@dataclass(frozen=True)
class Samples:
    """The samples of one pool, in time order."""

    pool: str
    rows: tuple[Row, ...]

    def column(self, name: str) -> Column:
        """Return one column; NaN where a row has None or lacks it."""
        import numpy as np

        found = (row.get(name) for row in self.rows)
        return np.array([np.nan if v is None else float(v) for v in found], dtype=np.float64)

    @property
    def hours(self) -> Column:
        """When the samples were taken, in hours since the window's start."""
        return self.column("t_s") / 3600.0

    def level(self, name: str) -> tuple[float, float, float] | None:
        """Return the least, the mean and the most of a column; None if it has no value at all."""
        import numpy as np

        values = self.column(name)
        known = values[~np.isnan(values)]
        if not known.size:
            return None
        return float(known.min()), float(known.mean()), float(known.max())


def by_pool(rows: Sequence[Row]) -> list[Samples]:
    """Split rows by pool, in order of appearance."""
    found: dict[str, list[Row]] = {}
    for row in rows:
        found.setdefault(str(row["pool"]), []).append(row)
    return [Samples(pool, tuple(mine)) for pool, mine in found.items()]
