"""Tables: sums in rows, to which a chunk of records is added at once. Knows no clock."""

from __future__ import annotations

import numpy as np


def add_by(table: np.ndarray, row: np.ndarray, columns: list[np.ndarray]) -> None:
    """Add each of *columns* to its column of *table*, entry i to row *row[i]*."""
    for j, values in enumerate(columns):
        table[:, j] += np.bincount(row, values, minlength=len(table))


def add_where(
    table: np.ndarray, row: np.ndarray, columns: list[np.ndarray], chosen: np.ndarray
) -> None:
    """The same of the *chosen* entries alone."""
    if chosen.all():
        add_by(table, row, columns)
    elif chosen.any():
        add_by(table, row[chosen], [values[chosen] for values in columns])
