"""Hour rows: how well the hours of other weekdays foretell a weekday's; knows no clock."""

from __future__ import annotations

from sim.workload.hours import Hours
from sim.workload.rows import Row, missing

NAME = "hourly nMAE, held-out weekday"
MOST = 0.10


def hour_rows(hours: Hours | None) -> list[Row]:
    """Return the row of the day curve, the largest error of a weekday being its value."""
    if hours is None or hours.error is None:
        return [missing(NAME, "needs two whole weekdays")]
    low, high = min(hours.errors), max(hours.errors)
    note = f"{len(hours.errors)} weekdays, {low:.3f} to {high:.3f}"
    if hours.clock == "file":
        note += ", which days they are is unknown, so weekends are among them"
    met = high <= MOST
    if not met:
        note += ": swings from day to day that no curve of the hours knows"
    return [Row(NAME, high, f"<= {MOST:g}", None, None, met, note)]
