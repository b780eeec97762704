"""Sheet: a small table with a header, whose cells are read as numbers; knows no clock."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from sim.traffic.cells import Table
from sim.traffic.chunk import FloatArray
from sim.traffic.trace_columns import plain
from sim.traffic.trace_text import TraceError, shown


@dataclass(frozen=True)
class Sheet:
    """Header and rows, with the line that each row stands in."""

    path: Path
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...] = ()
    lines: tuple[int, ...] = ()

    def find(self, *names: str) -> str | None:
        """Return the first of *names* that is a column, case and punctuation aside; else None."""
        own = {plain(name): name for name in reversed(self.header)}
        return next((own[plain(name)] for name in names if plain(name) in own), None)

    def texts(self, column: str) -> list[str]:
        """Return the cells of *column*."""
        place = self.header.index(column)
        return [row[place].strip() for row in self.rows]

    def numbers(self, column: str) -> FloatArray:
        """Return *column* as finite numbers of at least 0; raises TraceError."""
        values = np.empty(len(self.rows))
        for index, text in enumerate(self.texts(column)):
            try:
                values[index] = float(text)
            except ValueError:
                values[index] = np.nan
            if not 0.0 <= values[index] < np.inf:
                problem = f"{column} is {shown(text)}; allowed: a number of at least 0"
                raise TraceError(self.path, self.lines[index], problem)
        return values


def header_of(path: Path) -> Sheet:
    """Return the sheet of *path* without its rows; raises TraceError."""
    return Sheet(path, tuple(Table(path).header))


def open_sheet(path: Path, header: Sequence[str] | None = None) -> Sheet:
    """Read all of *path*; its first line is the header unless one is given. Raises TraceError."""
    table = Table(path)
    first = table.line
    rows = [tuple(table.header)] if header is not None else []
    lines = [first] * len(rows)
    for row in table.rows():
        rows.append(tuple(row))
        lines.append(table.line)
    if not rows:
        raise TraceError(path, None, "has a header and no rows; allowed: one row or more")
    return Sheet(path, tuple(header or table.header), tuple(rows), tuple(lines))
