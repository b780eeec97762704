"""Run verb: simulate a scenario, print what its tokens cost, write the files; knows no clock."""

from __future__ import annotations

import contextlib
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from sim.cli.errors import OK, SLO_MISSED, InputError, say
from sim.cli.progress import Progress
from sim.cli.scenario import overrides

if TYPE_CHECKING:
    from sim.report.directory import Directory
    from sim.report.table import Table
    from sim.scenario.document import Scenario
    from sim.studies.result import Result

SAMPLES = 500
"""Samples of the fleet's state over the window, for time series and their figure."""

LEAST_SAMPLE_S = 10.0


@click.command(short_help="Simulate a scenario and price its tokens.")
@click.argument("file")
@overrides
@click.option(
    "--seed", type=click.IntRange(0, 2**63 - 1), help="Seed instead of the scenario's own."
)
@click.option(
    "--replications", type=click.IntRange(1, 1000), default=5, show_default=True,
    help="Independent repetitions; one gives no interval.",
)  # fmt: skip
@click.option(
    "--jobs", type=click.IntRange(1, 1024), help="Worker processes. Default: one per CPU."
)
@click.option(
    "--out", type=click.Path(), metavar="DIR",
    help="Write summary, requests, time series, events, figures and report.html there.",
)  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document and nothing else.")
@click.option("--quiet", is_flag=True, help="The headline alone, and no progress.")
@click.option("--fail-on-slo", is_flag=True, help="Exit with 3 unless every SLO is met.")
def run(
    file: str,
    overrides: tuple[str, ...],
    seed: int | None,
    replications: int,
    jobs: int | None,
    out: str | None,
    as_json: bool,
    quiet: bool,
    fail_on_slo: bool,
) -> int:
    """Simulate FILE and print the real price of a token beside the naive benchmark's.

    Takes seconds for a day of traffic; nothing is fetched from any network.
    """
    from sim.report.directory import Directory
    from sim.scenario.load import load

    scenario = load(file, overrides)
    directory = Directory(Path(out)) if out is not None else None
    if directory is not None:
        directory.check()
    if fail_on_slo and not any(route.slo for route in scenario.routes.values()):
        raise InputError(f"--fail-on-slo: no route of {file} has an slo")
    with Progress(quiet) as progress, _scratch(directory) as spool:
        result = _simulate(scenario, seed, replications, jobs, spool, progress)
        summary, story = result.summary(), _story(scenario, result)
        if directory is not None:
            _write(directory, result, summary, story, spool, progress, jobs)
    _print(summary, story, as_json, quiet)
    if directory is not None and not (quiet or as_json):
        say(f"Wrote {directory.path}; start with {directory.path / 'report.html'}")
    return _judge(summary) if fail_on_slo else OK


def _scratch(directory: Directory | None) -> contextlib.AbstractContextManager[Path | None]:
    return contextlib.nullcontext() if directory is None else directory.scratch()


def _simulate(
    scenario: Scenario,
    seed: int | None,
    replications: int,
    jobs: int | None,
    spool: Path | None,
    progress: Progress,
) -> Result:
    from sim.studies.replications import run as replicate

    progress.update("replications", 0, replications)
    return replicate(
        scenario,
        seed=seed,
        replications=replications,
        jobs=jobs,
        spool=spool,
        sample_every_s=_sample_every_s(scenario, spool),
        progress=lambda done, total: progress.update("replications", done, total),
    )


def _sample_every_s(scenario: Scenario, spool: Path | None) -> float | None:
    """Time between samples; None where neither a file nor a story of the fleet needs them."""
    if spool is None and _is_plain(scenario):
        return None
    return max(LEAST_SAMPLE_S, scenario.horizon / SAMPLES)


def _is_plain(scenario: Scenario) -> bool:
    """Whether nothing ever happens to the fleet."""
    return all(pool.is_fixed for pool in scenario.pools.values())


def _story(scenario: Scenario, result: Result) -> list[Table]:
    """What happened to the fleet in the first replication, as tables."""
    from sim.report.clock import Clock
    from sim.report.fleet_events import what_happened

    if _is_plain(scenario):
        return []
    first = result.runs[0]
    starting_s = {name: pool.starting_s for name, pool in first.usage.pools.items()}
    clock = Clock(scenario.horizon, scenario.starts_on)
    return what_happened(first.events, first.timeseries, starting_s, clock, len(result.runs))


def _write(
    directory: Directory,
    result: Result,
    summary: dict[str, Any],
    story: list[Table],
    spool: Path | None,
    progress: Progress,
    jobs: int | None,
) -> None:
    from sim.ledger.spool import read
    from sim.report.attempt_price import usd_of_run
    from sim.report.export import Findings, write_out
    from sim.scenario.resolved import resolved_yaml
    from sim.studies.curve import curve
    from sim.studies.executors import cpu_count

    points = curve(
        result,
        jobs=jobs or cpu_count(),
        progress=lambda done, total: progress.update("loads", done, total),
    )
    progress.update("writing files", 0, 0)
    findings = Findings(
        summary=summary,
        scenario_yaml=resolved_yaml(result.scenario),
        attempts=read(spool) if spool is not None else (),
        usd_of=usd_of_run(result),
        timeseries=result.runs[0].timeseries,
        events=result.runs[0].events,
        story=story,
        starts_on=result.scenario.starts_on,
        curve=[vars(point) for point in points],
    )
    write_out(directory, findings)


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
