"""Calibrate verb: fit host and card to measured runs, or a kernel table to step times; no clock."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from sim.cli import options
from sim.cli.calibrate_steps import from_aiconfigurator, from_steps, steps_options
from sim.cli.errors import OK, InputError, say
from sim.cli.options import jobs_of
from sim.cli.pairs import pairs
from sim.cli.progress import Progress
from sim.cli.run_files import directory_of
from sim.cli.scenario import overrides

if TYPE_CHECKING:
    from sim.report.directory import Directory
    from sim.report.summary import Json
    from sim.scenario.document import Scenario
    from sim.studies.calibration_runs import BenchmarkRun

FIXABLE = (
    "per_step_s",
    "per_sequence_s",
    "per_prefill_step_s",
    "first_token_s",
    "compute_factor",
    "moe_base_factor",
    "moe_sparse_factor",
)


@click.command(short_help="Fit host and card to your own benchmark, or step times to a table.")
@click.argument("files", nargs=-1, metavar="[SCENARIO RESULTS...]")
@overrides
@click.option("--pool", help="Pool of the scenario that was measured. Default: the only one.")
@click.option(
    "--column", "columns", multiple=True, metavar="NAME=HEAD",
    help="Head of a table's column: of rps, output_tokens_per_s, tpot, ttft, requests, "
    "input_tokens, output_tokens, max_concurrency, burstiness or pool. Repeatable.",
)  # fmt: skip
@click.option(
    "--where", multiple=True, metavar="HEAD=VALUE", help="Rows of a table that count. Repeatable."
)
@click.option(
    "--requests", type=click.IntRange(1), help="Requests of each run, if a table has none."
)
@click.option("--input-tokens", type=click.IntRange(1), help="Prompt length, likewise.")
@click.option("--output-tokens", type=click.IntRange(1), help="Answer length, likewise.")
@click.option(
    "--hold-out", default="every-other", show_default=True, metavar="RULE",
    help="Runs that a second fit does without, to be predicted: every-other, none, rates such as "
    "10,25, or pool:NAME.",
)  # fmt: skip
@click.option(
    "--keep", multiple=True, type=click.Choice(FIXABLE), help="A number not to fit. Repeatable."
)
@steps_options
@options.seed
@click.option(
    "--replications", type=click.IntRange(2, 100), default=5, show_default=True,
    help="Random streams of arrivals that each run is simulated with.",
)  # fmt: skip
@options.jobs
@click.option(
    "--out", type=click.Path(), metavar="DIR", help="Write all of it, and a figure, there."
)
@options.as_json
@click.option("--quiet", is_flag=True, help="The block to paste alone, and no progress.")
def calibrate(
    files: tuple[str, ...],
    overrides: tuple[str, ...],
    steps: str | None,
    source: str | None,
    **options: Any,
) -> int:
    """Fit the numbers of host and card of SCENARIO's pools to RESULTS, and print them as YAML.

    RESULTS are JSON files of `vllm bench serve`, or tables (CSV) with a row per rate. Each run is
    replayed in the simulator with the same arrivals and lengths. Half of the rates are first held
    out and predicted, which shows what the fit is worth.

    With --steps FILE.csv or --from aiconfigurator, a table of step times is fitted instead, and
    printed as a `timing:` block.
    """
    if source is not None or steps is not None:
        if files or (source and steps):
            raise InputError(
                "give SCENARIO and RESULTS, or --steps, or --from, and only one of them"
            )
        return from_steps(steps, options) if steps else from_aiconfigurator(options)
    if len(files) < 2:
        raise InputError("needs a scenario and at least one file of results; see --help")
    return _runs(files[0], files[1:], overrides, options)


def _runs(
    file: str, results: tuple[str, ...], overrides: tuple[str, ...], options: Mapping[str, Any]
) -> int:
    from sim.report.calibration_document import calibration_document
    from sim.scenario.load import load
    from sim.studies.calibrate import calibrate as fit
    from sim.studies.calibration_runs import CalibrationError

    scenario = load(file, overrides)
    runs = _read(scenario, results, options)
    directory = directory_of(options["out"])
    seed = scenario.seed if options["seed"] is None else options["seed"]
    with Progress(options["quiet"]) as progress:
        progress.update(f"fitting {len(runs)} runs, simulations", 0, 0)
        try:
            found = fit(
                scenario.pools,
                runs,
                hold_out=options["hold_out"],
                fixed=options["keep"],
                seed=seed,
                replications=options["replications"],
                jobs=jobs_of(options["jobs"]),
                progress=lambda made: progress.update(
                    f"fitting {len(runs)} runs, {made:,} simulations", 0, 0
                ),
            )
        except CalibrationError as error:
            raise InputError(str(error)) from None
    document = calibration_document(found, scenario.name)
    if directory is not None:
        _write(directory, document)
    _print(document, options["as_json"], options["quiet"])
    if directory is not None and not (options["quiet"] or options["as_json"]):
        say(f"Wrote {directory.path}: calibration.yaml, calibration.json, calibration.svg")
    return OK


def _read(
    scenario: Scenario, results: tuple[str, ...], options: Mapping[str, Any]
) -> list[BenchmarkRun]:
    from sim.studies.calibration_results import COLUMNS, Reading, defaults_of, read_results

    columns = pairs("--column", options["columns"])
    for name in columns:
        if name not in COLUMNS:
            raise InputError(f"--column {name}=...: unknown; allowed: {', '.join(COLUMNS)}")
    pool = options["pool"]
    if pool is not None and pool not in scenario.pools:
        raise InputError(f"--pool {pool}: the scenario has {', '.join(scenario.pools)}")
    given = {k: options[k] for k in ("requests", "input_tokens", "output_tokens") if options[k]}
    reading = Reading(
        pools=tuple(scenario.pools),
        pool=pool,
        columns=columns,
        where=pairs("--where", options["where"]),
        defaults={**defaults_of(scenario), **given},
    )
    return [run for result in results for run in read_results(Path(result), reading)]


def _print(document: Json, as_json: bool, quiet: bool) -> None:
    from sim.report.calibration_tables import block_lines, calibration_tables
    from sim.report.export import summary_json
    from sim.report.screen import print_tables

    if as_json:
        click.echo(summary_json(document), nl=False)
        return
    if not quiet:
        print_tables(calibration_tables(document), sys.stdout)
        click.echo("\nTo paste into the scenario\n")
    click.echo("\n".join(block_lines(document)))


def _write(directory: Directory, document: Json) -> None:
    from sim.report.calibration_figure import calibration_figure
    from sim.report.calibration_tables import block_lines
    from sim.report.canvas import render
    from sim.report.export import summary_json

    directory.open({"study": "calibrate", "scenario": document["scenario"]})
    directory.write("calibration.json", summary_json(document).encode())
    directory.write("calibration.yaml", ("\n".join(block_lines(document)) + "\n").encode())
    directory.write("calibration.svg", render(calibration_figure(document)))
    directory.close()
