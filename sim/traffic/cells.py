"""Cells: the rows of a table in a text file, delimited and under a header; knows no clock."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from itertools import chain
from pathlib import Path

from sim.traffic.trace_text import TraceError, lines


class Table:
    """A table in *path*, plain or gzip; rows are streamed, blank lines are none.

    Cells are apart by commas, semicolons or tabs, whichever the header has most of. TraceError
    tells of what is no text or no CSV, of an empty file and of rows unlike the header.
    """

    def __init__(self, path: Path) -> None:
        """Read up to the header."""
        self._path = path
        text = lines(path)
        self._skipped, first = next(
            ((n, line) for n, line in enumerate(text) if line.strip()), (0, "")
        )
        delimiter = max(",;\t", key=first.count)  # the first of equals
        self._reader = csv.reader(chain([first], text), delimiter=delimiter, strict=True)
        self.header = [name.strip() for name in next(self._all_cells(), [])]
        if not self.header:
            raise TraceError(path, None, "is empty; allowed: a header and at least one row")

    @property
    def line(self) -> int:
        """Number of the line that was read last."""
        return self._skipped + self._reader.line_num

    def rows(self) -> Iterator[list[str]]:
        """Yield the cells of each row, as many as the header has."""
        width = len(self.header)
        for cells in self._all_cells():
            if len(cells) != width:
                problem = f"has {len(cells)} cells, the header has {width}"
                raise TraceError(self._path, self.line, problem)
            yield cells

    def _all_cells(self) -> Iterator[list[str]]:
        try:
            yield from filter(None, self._reader)
        except csv.Error as error:
            raise TraceError(self._path, self.line, f"is not CSV ({error})") from None
