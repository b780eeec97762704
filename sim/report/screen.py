"""Screen: a run's summary on a terminal or in a pipe; plain text there, never a control character.

Knows no clock. Widths go by the terminal, from 80 to 120 columns, and are 100 where there is none.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping, Sequence
from typing import IO, TYPE_CHECKING, Any

from sim.report.headline import Headline, headline, notable, warnings
from sim.report.summary import Summary
from sim.report.table import Column, Table
from sim.report.tables import all_tables

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

PIPED_COLUMNS = 100
LEAST_COLUMNS, MOST_COLUMNS = 80, 120
LEAST_NAME, MOST_NAME = 12, 28
"""Columns that a table's first column keeps, and those from which it wraps."""


def console(stream: IO[str]) -> Console:
    """A console on *stream*, without colours if it is no terminal or NO_COLOR is set."""
    from rich.console import Console

    terminal = stream.isatty()
    width = shutil.get_terminal_size((PIPED_COLUMNS, 40)).columns if terminal else PIPED_COLUMNS
    return Console(
        file=stream,
        width=min(MOST_COLUMNS, max(LEAST_COLUMNS, width)),
        force_terminal=terminal,
        markup=False,
        highlight=False,
        emoji=False,
        legacy_windows=False,
    )


def print_report(
    document: Mapping[str, Any],
    stream: IO[str],
    *,
    story: Sequence[Table] = (),
    brief: bool = False,
) -> None:
    """Print a run's report and its *story* on *stream*; its headline alone if *brief*."""
    _print(stream, lambda on: show_headline(document, on) if brief else show(document, on, story))


def print_tables(tables: Sequence[Table], stream: IO[str]) -> None:
    """Print tables one under the other on *stream*."""
    _print(stream, lambda on: _show_all(tables, on))


def _show_all(tables: Sequence[Table], on: Console) -> None:
    for table in tables:
        show_table(table, on)


def _print(stream: IO[str], draw: Callable[[Console], object]) -> None:
    """Draw on a console of *stream*; what only pads a line to its full width is left out."""
    on = console(stream)
    with on.capture() as captured:
        draw(on)
    lines = captured.get().strip("\n").split("\n")
    stream.write("".join(f"{line.rstrip()}\n" for line in lines))


def show(document: Mapping[str, Any], on: Console, story: Sequence[Table] = ()) -> None:
    """Draw the whole report of a run, with the tables of its *story* below the others."""
    summary = Summary(document)
    show_headline(document, on)
    _show_all([*all_tables(summary), *story], on)
    _show_warnings(warnings(notable(summary.rows("warnings"))), on)


def show_headline(document: Mapping[str, Any], on: Console) -> None:
    """Draw what a report opens with, and nothing else."""
    from rich.text import Text

    top = headline(Summary(document))
    on.print(Text(f"{top.title}: {top.subtitle}", style="dim"))
    on.print()
    on.print(_prices(top))
    on.print()
    on.print(_notes(top))


def show_table(table: Table, on: Console) -> None:
    """Draw one table under its title."""
    from rich.text import Text

    on.print()
    on.print(Text(table.title, style="bold"))
    if table.rows:
        _print_rows(table, on)
    if table.note:
        on.print(_indented(Text(table.note, style="dim")))


def _print_rows(table: Table, on: Console) -> None:
    """Print a table's rows, over the console's width rather than without some of a number."""
    width = on.width
    gap = 2 if width >= PIPED_COLUMNS else 1
    on.width = max(width, _least_width(table, gap))
    on.print(_grid(table, gap))
    on.width = width


def _prices(top: Headline) -> RenderableType:
    from rich.table import Table as Grid
    from rich.text import Text

    grid = Grid(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
    grid.add_column(justify="right", no_wrap=True)
    grid.add_column()
    real = Text.assemble(("per 1M useful tokens", "bold"), f"  ({top.interval})")
    grid.add_row(Text(f"  {top.real}", style="bold"), real)
    ratio = f"  (the real price is {top.factor} that)" if top.factor else ""
    grid.add_row(Text(f"  {top.naive}"), Text(f"by the naive benchmark{ratio}"))
    if top.hosted:
        price, told = top.hosted
        grid.add_row(Text(f"  {price}"), Text(told))
    return grid


def _notes(top: Headline) -> RenderableType:
    from rich.table import Table as Grid
    from rich.text import Text

    grid = Grid(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
    grid.add_column(max_width=MOST_NAME, overflow="fold", style="dim")
    grid.add_column()
    for name, text in top.notes:
        grid.add_row(Text(f"  {name}"), Text(text))
    return grid


def _grid(table: Table, gap: int) -> RenderableType:
    from rich.table import Table as Grid
    from rich.text import Text

    grid = Grid(box=None, pad_edge=False, padding=(0, gap, 0, 0), header_style="dim")
    for i, column in enumerate(table.columns):
        _add_column(grid, column, first=i == 0)
    for i, row in enumerate(table.rows):
        style = "bold" if table.total and i == len(table.rows) - 1 else ""
        grid.add_row(*(Text(cell, style="bold red" if cell == "NO" else style) for cell in row))
    return _indented(grid)


def _add_column(grid: Any, column: Column, *, first: bool) -> None:
    grid.add_column(
        column.head,
        justify="left" if column.is_text else "right",
        no_wrap=not column.is_text,
        overflow="fold",
        max_width=MOST_NAME if first else None,
        min_width=LEAST_NAME if first else None,
        vertical="top",
    )


def _least_width(table: Table, gap: int) -> int:
    """Columns below which a number would be cut off."""
    widths = [2]
    for column, cells in zip(table.columns, zip(*table.rows, strict=True), strict=True):
        heads = column.head.split("\n")
        every = LEAST_NAME if column.is_text else max(map(len, (*heads, *cells)))
        widths.append(every + gap)
    return sum(widths)


def _indented(what: RenderableType) -> RenderableType:
    from rich.padding import Padding

    return Padding(what, (0, 0, 0, 2), expand=False)


def _show_warnings(texts: list[str], on: Console) -> None:
    from rich.table import Table as Grid
    from rich.text import Text

    if not texts:
        return
    on.print()
    on.print(Text("Warnings", style="bold"))
    grid = Grid(box=None, show_header=False, pad_edge=False, padding=(0, 1, 0, 0))
    grid.add_column(no_wrap=True, style="yellow")
    grid.add_column(overflow="fold")
    for text in texts:
        grid.add_row(Text("!"), Text(text))
    on.print(_indented(grid))
