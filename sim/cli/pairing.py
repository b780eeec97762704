"""Pairing: what the verbs of paired studies have in common, options and output; knows no clock."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import IO, TYPE_CHECKING, Any

import click

from sim.cli import options
from sim.cli.errors import say
from sim.cli.options import jobs_of
from sim.cli.progress import Progress
from sim.cli.run_files import directory_of

if TYPE_CHECKING:
    from sim.report.directory import Directory
    from sim.report.table import Table
    from sim.studies.paired_runs import PairedRuns

_OPTIONS = (
    options.seed,
    click.option(
        "--replications", type=click.IntRange(1, 1000), default=3, show_default=True,
        help="Independent repetitions; one gives no interval.",
    ),
    options.jobs,
    click.option(
        "--out", type=click.Path(), metavar="DIR", help="Write JSON, CSV and figures there."
    ),
    options.as_json,
    click.option("--quiet", is_flag=True, help="The first table alone, and no progress."),
)  # fmt: skip


def common(command: Callable[..., int]) -> Callable[..., int]:
    """Give *command* the options of all paired studies."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


@dataclass
class Ran:
    """How a verb was asked to answer; its directory is checked before anything is simulated."""

    out: str | None
    as_json: bool
    quiet: bool
    directory: Directory | None = field(init=False, default=None)

    def __post_init__(self) -> None:
        self.directory = directory_of(self.out)


def runs_of(replications: int, jobs: int | None, progress: Progress) -> PairedRuns:
    """A memory of runs on as many processes as were asked for, which tells its progress."""
    from sim.studies.paired_runs import PairedRuns

    return PairedRuns(replications, jobs_of(jobs), told(progress, "simulations"))


def told(progress: Progress, what: str) -> Callable[[int, int], None]:
    """Tells *progress* how many of *what* are done."""
    return lambda done, total: progress.update(what, done, total)


def finish(
    ran: Ran,
    name: str,
    document: Mapping[str, Any],
    records: Sequence[Mapping[str, Any]],
    tables: Sequence[Table],
    stream: IO[str],
    figures: Mapping[str, bytes] | None = None,
) -> None:
    """Write the files of a study called *name*, if asked to, and print it as asked."""
    from sim.report.export import summary_json

    text = summary_json(document)
    if ran.directory is not None:
        _write(ran.directory, name, text, document, records, figures or {})
    if ran.as_json:
        click.echo(text, nl=False)
        return
    from sim.report.screen import print_tables

    print_tables(tables, stream)
    if ran.directory is not None and not ran.quiet:
        say(f"Wrote {ran.directory.path}")


def _write(
    directory: Directory,
    name: str,
    text: str,
    document: Mapping[str, Any],
    records: Sequence[Mapping[str, Any]],
    figures: Mapping[str, bytes],
) -> None:
    from sim.report.csv_text import records_csv

    directory.open({"study": name, "replications": document["replications"]})
    directory.write(f"{name}.json", text.encode())
    directory.write(f"{name}.csv", records_csv(records).encode())
    for figure, content in figures.items():
        directory.write(f"figures/{figure}.svg", content)
    directory.close()
