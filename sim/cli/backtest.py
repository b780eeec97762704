"""Backtest verb: a scenario of last month beside what really happened; knows no clock."""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path

import click

from sim.cli import options
from sim.cli.errors import OK, InputError, say
from sim.cli.progress import Progress
from sim.cli.run_files import directory_of
from sim.cli.scenario import overrides


@click.command(short_help="Hold a scenario of last month against what really happened.")
@click.argument("file", required=False)
@overrides
@click.option("--actual", type=click.Path(), help="What really happened: a YAML or CSV file.")
@click.option("--example", is_flag=True, help="Print an example of that file.")
@click.option(
    "--forecast", type=click.Path(), metavar="FILE",
    help="Another scenario, whose figures are then shown with the error of the backtest.",
)  # fmt: skip
@click.option(
    "--change", "changes", multiple=True, metavar="PATH=VALUE",
    help="The same scenario with one value changed, as forecast. Repeatable.",
)  # fmt: skip
@options.seed
@click.option(
    "--replications", type=click.IntRange(1, 1000), default=5, show_default=True,
    help="Independent repetitions; one gives no interval.",
)  # fmt: skip
@options.jobs
@click.option("--out", type=click.Path(), metavar="DIR", help="Write backtest.json there.")
@options.as_json
@click.option("--quiet", is_flag=True, help="No progress.")
def backtest(
    file: str | None,
    overrides: tuple[str, ...],
    actual: str | None,
    example: bool,
    forecast: str | None,
    changes: tuple[str, ...],
    seed: int | None,
    replications: int,
    jobs: int | None,
    out: str | None,
    as_json: bool,
    quiet: bool,
) -> int:
    """Simulate FILE, a scenario of a period that is over, and compare it with what happened.

    Prints every figure of --actual beside the simulated one, with its error and whether it lies
    where it should. With --forecast or --change, another scenario is simulated too, and its figures
    stand beside those errors; nothing is corrected by them.
    """
    if example:
        from sim.studies.backtest_actual import EXAMPLE

        click.echo(EXAMPLE, nl=False)
        return OK
    if file is None or actual is None:
        raise InputError("needs a scenario and --actual FILE; --example prints such a file")
    if forecast is not None and changes:
        raise InputError("--forecast and --change are two ways to say the same; give one")

    from sim.report.backtest_tables import backtest_document, backtest_tables
    from sim.report.export import summary_json
    from sim.report.screen import print_tables
    from sim.scenario.load import load
    from sim.studies.backtest import backtest as compare
    from sim.studies.backtest_actual import read_actual
    from sim.studies.replications import run

    scenario = load(file, overrides)
    really = read_actual(Path(actual), scenario.routes)
    ahead = load(forecast) if forecast is not None else None
    if changes:
        ahead = load(file, [*overrides, *changes])
    directory = directory_of(out)
    results = []
    with Progress(quiet) as progress:
        for one, what in ((scenario, "the past, replications"), (ahead, "the forecast")):
            if one is not None:
                told = partial(progress.update, what)
                results.append(
                    run(one, seed=seed, replications=replications, jobs=jobs, progress=told)
                )
    found = compare(results[0], really, results[1] if ahead is not None else None)
    document = backtest_document(found, scenario.name, None if ahead is None else ahead.name)
    if directory is not None:
        directory.open({"study": "backtest", "scenario": scenario.name})
        directory.write("backtest.json", summary_json(document).encode())
        directory.close()
    if as_json:
        click.echo(summary_json(document), nl=False)
        return OK
    print_tables(backtest_tables(document), sys.stdout)
    if directory is not None and not quiet:
        say(f"Wrote {directory.path}: backtest.json")
    return OK
