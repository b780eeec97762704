"""Table: titled rows of finished text, the same for the screen and the page; knows no clock."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sim.report.numerals import clean


@dataclass(frozen=True)
class Column:
    """A column's head; numbers stand to the right and stay on one line, text may wrap."""

    head: str
    is_text: bool = False


@dataclass(frozen=True)
class Table:
    """Finished, cleaned text under a title; `note` stands below, `total`: the last row sums."""

    title: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[str, ...], ...]
    note: str = ""
    total: bool = False


def table(
    title: str,
    heads: Sequence[str],
    rows: Iterable[Sequence[str]],
    note: str = "",
    total: bool = False,
) -> Table:
    """A table whose cells are cleaned; a head that begins with "<" is that of a column of text.

    >>> table("Prices", ["<tokens", "$"], [("input", "1\\x1b")]).rows
    (('input', '1\ufffd'),)
    """
    columns = tuple(Column(h.removeprefix("<"), h.startswith("<")) for h in heads)
    return Table(title, columns, tuple(tuple(clean(c) for c in row) for row in rows), note, total)
