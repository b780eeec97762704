"""Hosted verb: one's own fleet or a hosted API, now, as traffic grows, and route by route."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import click

from sim.cli import options
from sim.cli.errors import OK, InputError, say
from sim.cli.progress import Progress
from sim.cli.run_files import directory_of
from sim.cli.scenario import overrides

if TYPE_CHECKING:
    from sim.report.directory import Directory
    from sim.scenario.document import Scenario


def _range(_: click.Context, option: click.Parameter, text: str) -> tuple[float, float]:
    parts = text.split(":")
    try:
        least, most = (float(part) for part in parts)
    except ValueError:
        raise click.BadParameter(f"must be two numbers such as 0.1:100 (got {text!r})") from None
    if not 1e-3 <= least < most <= 1e4:
        raise click.BadParameter(f"must rise, within 0.001:10000 (got {text!r})")
    return least, most


@click.command(short_help="Own fleet or hosted API: now, as traffic grows, route by route.")
@click.argument("file")
@overrides
@options.seed
@click.option(
    "--replications", type=click.IntRange(1, 1000), default=3, show_default=True,
    help="Independent repetitions; one gives no interval.",
)  # fmt: skip
@options.jobs
@click.option(
    "--ask", type=click.Choice(("both", "break-even", "routes")), default="both",
    show_default=True, help="From what traffic on a fleet pays; which routes to send; or both.",
)  # fmt: skip
@click.option(
    "--traffic", callback=_range, default="0.1:100", show_default=True, metavar="LOW:HIGH",
    help="Levels of the break-even, as multiples of the scenario's traffic.",
)  # fmt: skip
@click.option(
    "--simulate-up-to", "requests", type=click.IntRange(1), default=1_000_000, show_default=True,
    help="Levels with more requests in a replication are left to arithmetic.",
)  # fmt: skip
@click.option(
    "--out", type=click.Path(), metavar="DIR", help="Write hosted.json and the figure there."
)
@options.as_json
@click.option("--quiet", is_flag=True, help="The answers alone, and no progress.")
def hosted(
    file: str,
    overrides: tuple[str, ...],
    seed: int | None,
    replications: int,
    jobs: int | None,
    ask: str,
    traffic: tuple[float, float],
    requests: int,
    out: str | None,
    as_json: bool,
    quiet: bool,
) -> int:
    """Compare the fleet of FILE with the hosted API that its `hosted:` names.

    Prices the same traffic at the API; finds the traffic from which a fleet is cheaper, resized at
    each level; and says of each route whether to keep it or send it, by the cost that is avoided.
    """
    from sim.scenario.load import load

    scenario = _checked(load(file, overrides), file, ask)
    if seed is not None:
        scenario = scenario.model_copy(update={"seed": seed})
    directory = directory_of(out)
    with Progress(quiet) as progress:
        document = _document(scenario, replications, jobs, ask, traffic, requests, progress)
    if directory is not None:
        _write(directory, document)
    _print(document, as_json, quiet)
    if directory is not None and not (quiet or as_json):
        say(f"Wrote {directory.path}")
    return OK


def _checked(scenario: Scenario, file: str, ask: str) -> Scenario:
    useful = [name for name, route in scenario.routes.items() if route.useful]
    missing = [name for name in useful if scenario.hosted_of(name) is None]
    example = "hosted: {provider: openai, model: gpt-5-mini}"
    if missing == useful:
        raise InputError(f"{file} names no API to compare with: give {example}")
    if missing and ask != "routes":
        names = ", ".join(missing)
        raise InputError(f"{file} names no API for {names}: give {example}, or --ask routes")
    return scenario


def _document(
    scenario: Scenario,
    replications: int,
    jobs: int | None,
    ask: str,
    traffic: tuple[float, float],
    requests: int,
    progress: Progress,
) -> dict[str, Any]:
    from sim.studies.break_even import break_even, grid
    from sim.studies.hosted_document import hosted_document
    from sim.studies.keep_or_send import keep_or_send
    from sim.studies.paired_runs import PairedRuns

    runs = PairedRuns(
        replications,
        options.jobs_of(jobs),
        lambda done, total: progress.update("simulations", done, total),
    )
    base = runs.result(scenario)
    crossing = choices = None
    if ask != "routes":
        crossing = break_even(base, runs=runs, multiples=grid(*traffic), requests=requests)
    if ask != "break-even":
        choices = keep_or_send(base, runs=runs)
    return hosted_document(base, crossing, choices)


def _write(directory: Directory, document: dict[str, Any]) -> None:
    from sim.report.export import about, summary_json
    from sim.report.hosted_figure import break_even_figure
    from sim.report.summary import Summary

    directory.open(about(document))
    directory.write("hosted.json", summary_json(document).encode())
    if document["break_even"] is not None:
        directory.write("figures/break-even.svg", break_even_figure(Summary(document)))
    directory.close()


def _print(document: dict[str, Any], as_json: bool, quiet: bool) -> None:
    if as_json:
        from sim.report.export import summary_json

        click.echo(summary_json(document), nl=False)
        return
    from sim.report.hosted_answers import break_even_table, choices_table, opening
    from sim.report.hosted_tables import at_the_api
    from sim.report.screen import print_tables
    from sim.report.summary import Summary

    summary = Summary(document)
    tables = [] if quiet else [at_the_api(summary)]
    if document["break_even"] is not None:
        tables.append(break_even_table(summary))
    if document["keep_or_send"] is not None:
        tables.append(choices_table(summary))
    click.echo(opening(summary))
    print_tables(tables, sys.stdout)
