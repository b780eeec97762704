"""Run verb: simulate a scenario, print what its tokens cost, write the files; knows no clock."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from sim.cli import options
from sim.cli.errors import OK, SLO_MISSED, InputError, say
from sim.cli.progress import Progress
from sim.cli.run_files import directory_of, sample_every_s, scratch, story_of, write_files
from sim.cli.scenario import overrides

if TYPE_CHECKING:
    from sim.report.table import Table
    from sim.scenario.document import Scenario
    from sim.studies.precision import Precision
    from sim.studies.result import Result


@click.command(short_help="Simulate a scenario and price its tokens.")
@click.argument("file")
@overrides
@options.seed
@click.option(
    "--replications", type=click.IntRange(1, 1000),
    help="Independent repetitions; one gives no interval. Default: 5, at least 10 for --precision.",
)  # fmt: skip
@click.option(
    "--precision", metavar="SHARE",
    help="Repeat until $ per 1M tokens is known to so much, such as 2%.",
)  # fmt: skip
@click.option("--precision-p95", metavar="SHARE", help="Likewise p95 latencies, such as 5%.")
@click.option(
    "--max-replications", type=click.IntRange(2, 10_000), default=100, show_default=True,
    help="Where --precision gives up.",
)  # fmt: skip
@options.jobs
@click.option(
    "--out", type=click.Path(), metavar="DIR",
    help="Write summary, requests, time series, events, figures and report.html there.",
)  # fmt: skip
@options.as_json
@click.option("--quiet", is_flag=True, help="The headline alone, and no progress.")
@click.option("--fail-on-slo", is_flag=True, help="Exit with 3 unless every SLO is met.")
def run(
    file: str,
    overrides: tuple[str, ...],
    seed: int | None,
    replications: int | None,
    precision: str | None,
    precision_p95: str | None,
    max_replications: int,
    jobs: int | None,
    out: str | None,
    as_json: bool,
    quiet: bool,
    fail_on_slo: bool,
) -> int:
    """Simulate FILE and print the real price of a token beside the naive benchmark's.

    Takes seconds for a day of traffic; nothing is fetched from any network.
    """
    from sim.scenario.load import load

    wanted = _precision(precision, precision_p95, max_replications)
    scenario = load(file, overrides)
    directory = directory_of(out)
    if fail_on_slo and not any(route.slo for route in scenario.routes.values()):
        raise InputError(f"--fail-on-slo: no route of {file} has an slo")
    with Progress(quiet) as progress, scratch(directory) as spool:
        result = _simulate(scenario, seed, replications, wanted, jobs, spool, progress)
        summary, story = result.summary(), story_of(scenario, result)
        if directory is not None:
            write_files(directory, result, summary, story, spool, progress, jobs)
    _print(summary, story, as_json, quiet)
    if directory is not None and not (quiet or as_json):
        say(f"Wrote {directory.path}; start with {directory.path / 'report.html'}")
    return _judge(summary) if fail_on_slo else OK


def _precision(cost: str | None, p95: str | None, most: int) -> Precision | None:
    """What the options ask for; InputError if it is no share."""
    from sim.studies.precision import Precision
    from sim.units import parse_share

    if cost is None:
        if p95 is not None:
            raise InputError("--precision-p95 goes with --precision")
        return None
    shares = []
    for option, text in (("--precision", cost), ("--precision-p95", p95)):
        try:
            shares.append(None if text is None else parse_share(text))
        except ValueError as error:
            raise InputError(f"{option} {text}: must be a percentage such as 2%") from error
    try:
        return Precision(shares[0] or 0.0, shares[1], most)
    except ValueError as error:
        raise InputError(f"--precision: {error}") from None


def _simulate(
    scenario: Scenario,
    seed: int | None,
    replications: int | None,
    precision: Precision | None,
    jobs: int | None,
    spool: Path | None,
    progress: Progress,
) -> Result:
    from sim.studies.precision import LEAST
    from sim.studies.replications import DEFAULT_REPLICATIONS
    from sim.studies.replications import run as replicate

    least = DEFAULT_REPLICATIONS if precision is None else min(LEAST, precision.most)
    progress.update("replications", 0, replications or least)
    return replicate(
        scenario,
        seed=seed,
        replications=replications or least,
        precision=precision,
        jobs=jobs,
        spool=spool,
        sample_every_s=sample_every_s(scenario, spool),
        progress=lambda done, total: progress.update("replications", done, total),
    )


def _print(summary: dict[str, Any], story: list[Table], as_json: bool, quiet: bool) -> None:
    if as_json:
        from sim.report.export import summary_json

        click.echo(summary_json(summary), nl=False)
    else:
        from sim.report.screen import print_report

        print_report(summary, sys.stdout, story=story, brief=quiet)


def _judge(summary: dict[str, Any]) -> int:
    """Exit code under --fail-on-slo; an SLO with too few samples to tell is not met."""
    missed = [row for row in summary["slo"] if not row["met"]]
    for row in missed:
        say(f"SLO missed: {_told(row)}")
    return SLO_MISSED if missed else OK


def _told(row: dict[str, Any]) -> str:
    from sim.report.numerals import percent, seconds
    from sim.report.service_tables import slo_name

    what = f"{row['route']} {slo_name(row)} within {seconds(row['target_s'])}"
    if row["met"] is None:
        return f"{what}: too few samples to tell"
    share = f"in {percent(row['windows_met_share'])} of 5-minute windows"
    return f"{what}: {seconds(row['value_s'])}, {share}"
