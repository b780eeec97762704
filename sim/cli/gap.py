"""Gap verb: where the money goes between the benchmark's price and the real one; no clock."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from sim.cli import options
from sim.cli.errors import OK, InputError, say
from sim.cli.progress import Progress
from sim.cli.run_files import directory_of, sample_every_s, scratch, story_of, write_files
from sim.cli.scenario import overrides

if TYPE_CHECKING:
    from sim.scenario.document import Scenario
    from sim.studies.gap import Gap
    from sim.studies.result import Result


@click.command(short_help="Explain the real price of a token, cause by cause.")
@click.argument("file")
@overrides
@click.option(
    "--benchmark", "given", multiple=True, metavar="[POOL=]FILE|IN/OUT",
    help="Start from your own benchmark: a result of `vllm bench serve` or GuideLLM, or a shape "
    "such as 1024/1024. Of several pools say which. May be repeated.",
)  # fmt: skip
@click.option(
    "--removal", is_flag=True,
    help="Also simulate the run without one cause at a time, on the same random numbers.",
)  # fmt: skip
@options.seed
@click.option(
    "--replications", type=click.IntRange(1, 1000), default=5, show_default=True,
    help="Independent repetitions; one gives no interval.",
)  # fmt: skip
@options.jobs
@click.option(
    "--out", type=click.Path(), metavar="DIR",
    help="Write what `run` writes there, with the ladder in summary.json, report and figures.",
)  # fmt: skip
@options.as_json
@click.option("--quiet", is_flag=True, help="The headline alone, and no progress.")
def gap(
    file: str,
    overrides: tuple[str, ...],
    given: tuple[str, ...],
    removal: bool,
    seed: int | None,
    replications: int,
    jobs: int | None,
    out: str | None,
    as_json: bool,
    quiet: bool,
) -> int:
    """Explain the difference between the benchmark's price of a token and the real one of FILE.

    Each rung of the ladder is one cause: in $ per 1M tokens, as a factor and in $ per month. They
    sum to the gap.
    """
    from sim.scenario.load import load

    scenario = _with_benchmarks(load(file, overrides), given)
    workers = options.jobs_of(jobs)
    directory = directory_of(out)
    with Progress(quiet) as progress, scratch(directory) as spool:
        result = _simulate(scenario, seed, replications, workers, spool, progress)
        found = _measure(result, workers, progress)
        summary = _told(found)
        if removal:
            summary["gap"]["removal"] = _remove(result, workers, progress)
        if directory is not None:
            story = story_of(scenario, result)
            write_files(directory, result, summary, story, spool, progress, workers)
    _print(summary, as_json, quiet)
    if directory is not None and not (quiet or as_json):
        say(f"Wrote {directory.path}; start with {directory.path / 'report.html'}")
    return OK


def _with_benchmarks(scenario: Scenario, given: tuple[str, ...]) -> Scenario:
    from sim.studies.gap_benchmark import BenchmarkError, with_benchmark

    try:
        for one in given:
            scenario = with_benchmark(scenario, one)
    except BenchmarkError as error:
        raise InputError(str(error)) from error
    return scenario


def _simulate(
    scenario: Scenario,
    seed: int | None,
    replications: int,
    workers: int,
    spool: Path | None,
    progress: Progress,
) -> Result:
    from sim.studies.replications import run as replicate

    progress.update("replications", 0, replications)
    return replicate(
        scenario,
        seed=seed,
        replications=replications,
        jobs=min(workers, replications),
        spool=spool,
        sample_every_s=None if spool is None else sample_every_s(scenario, spool),
        progress=lambda done, total: progress.update("replications", done, total),
    )


def _measure(result: Result, workers: int, progress: Progress) -> Gap:
    from sim.studies import gap as study

    return study.gap(result, requests=study.SAMPLE, jobs=workers, tell=progress.update)


def _remove(result: Result, workers: int, progress: Progress) -> list[dict[str, Any]]:
    from sim.studies.gap_removal import removals

    found = removals(result, jobs=workers, tell=progress.update)
    return [removal.entry() for removal in found]


def _told(found: Gap) -> dict[str, Any]:
    """The summary with a sentence for each rung."""
    from sim.report.gap_words import sentence

    summary = found.summary()
    for rung in summary["gap"]["rungs"]:
        rung["sentence"] = sentence(rung)
    return summary


def _print(summary: dict[str, Any], as_json: bool, quiet: bool) -> None:
    if as_json:
        from sim.report.export import summary_json

        click.echo(summary_json(summary), nl=False)
    else:
        from sim.report.gap_screen import print_gap

        print_gap(summary, sys.stdout, brief=quiet)
