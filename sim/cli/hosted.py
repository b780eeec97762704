"""Hosted verb: one's own fleet or a hosted API, now, as traffic grows, and route by route."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from sim.cli.errors import OK, InputError, say
from sim.cli.progress import Progress
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
@click.option(
    "--seed", type=click.IntRange(0, 2**63 - 1), help="Seed instead of the scenario's own."
)
@click.option(
    "--replications", type=click.IntRange(1, 1000), default=3, show_default=True,
    help="Independent repetitions; one gives no interval.",
)  # fmt: skip
@click.option(
    "--jobs", type=click.IntRange(1, 1024), help="Worker processes. Default: one per CPU."
)
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
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document and nothing else.")
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
    from sim.report.directory import Directory
    from sim.scenario.load import load

    scenario = _checked(load(file, overrides), file, ask)
    if seed is not None:
        scenario = scenario.model_copy(update={"seed": seed})
    directory = Directory(Path(out)) if out is not None else None
    if directory is not None:
        directory.check()
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
    from sim.studies.executors import cpu_count
    from sim.studies.hosted_document import hosted_document
    from sim.studies.keep_or_send import keep_or_send
    from sim.studies.paired_runs import PairedRuns

    runs = PairedRuns(
        replications,
        cpu_count() if jobs is None else jobs,
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
    from sim.report.hosted_figure import break_even_figure
    from sim.report.summary import Summary

    directory.open({key: document[key] for key in ("scenario", "seed", "replications", "versions")})
    directory.write("hosted.json", _text(document).encode())
    if document["break_even"] is not None:
        directory.write("figures/break-even.svg", break_even_figure(Summary(document)))
    directory.close()


def _text(document: dict[str, Any]) -> str:
    return json.dumps(document, indent=2, allow_nan=False) + "\n"


def _print(document: dict[str, Any], as_json: bool, quiet: bool) -> None:
    if as_json:
        click.echo(_text(document), nl=False)
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
