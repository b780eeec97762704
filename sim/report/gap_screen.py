"""Gap screen: the ladder on a terminal or in a pipe; knows no clock."""

from __future__ import annotations

from typing import IO

from sim.report.gap_tables import ladder_table, reasons_table, removal_table
from sim.report.gap_words import headline
from sim.report.numerals import clean
from sim.report.screen import print_tables
from sim.report.spent_table import spent
from sim.report.summary import Json, Summary


def print_gap(document: Json, stream: IO[str], *, brief: bool = False) -> None:
    """Print the ladder of *document* on *stream*; its headline alone if *brief*."""
    summary = Summary(document)
    stream.write(f"{clean(summary.title)}: {headline(summary.get('gap') or {})}\n")
    if brief:
        return
    if not summary.rows("gap.rungs"):
        stream.write("There is no ladder: no token was useful, or none has a naive price.\n")
        return
    tables = [ladder_table(summary), reasons_table(summary), spent(summary), removal_table(summary)]
    stream.write("\n")
    print_tables([found for found in tables if found.rows], stream)
