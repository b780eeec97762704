"""Pairing: what the verbs of paired studies have in common, options and output; knows no clock."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import click

from sim.cli.errors import say
from sim.cli.progress import Progress

if TYPE_CHECKING:
    from sim.report.directory import Directory
    from sim.report.table import Table
    from sim.studies.paired_runs import PairedRuns

_OPTIONS = (
    click.option(
        "--seed", type=click.IntRange(0, 2**63 - 1), help="Seed instead of the scenario's own."
    ),
    click.option(
        "--replications", type=click.IntRange(1, 1000), default=3, show_default=True,
        help="Independent repetitions; one gives no interval.",
    ),
    click.option(
        "--jobs", type=click.IntRange(1, 1024), help="Worker processes. Default: one per CPU."
    ),
    click.option(
        "--out", type=click.Path(), metavar="DIR", help="Write JSON, CSV and figures there."
    ),
    click.option(
        "--json", "as_json", is_flag=True, help="Print one JSON document and nothing else."
    ),
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
        from sim.report.directory import Directory

        if self.out is not None:
            self.directory = Directory(Path(self.out))
            self.directory.check()


def runs_of(replications: int, jobs: int | None, progress: Progress) -> PairedRuns:
    """A memory of runs on as many processes as were asked for, which tells its progress."""
    from sim.studies.paired_runs import PairedRuns

    return PairedRuns(replications, jobs_of(jobs), told(progress, "simulations"))


def jobs_of(jobs: int | None) -> int:
    """Worker processes: as asked for, else one per CPU."""
    from sim.studies.executors import cpu_count

    return cpu_count() if jobs is None else jobs


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
    text = json.dumps(document, indent=2, allow_nan=False) + "\n"
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
