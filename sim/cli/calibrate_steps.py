"""Calibrate steps: `tokenfleet calibrate --steps` and `--from aiconfigurator`; knows no clock."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from sim.cli.errors import OK, InputError
from sim.cli.pairs import pairs
from sim.cli.progress import Progress
from sim.cli.run_files import directory_of

if TYPE_CHECKING:
    from sim.studies.calibration_steps import StepRow

Command = TypeVar("Command", bound=Callable[..., Any])


def steps_options(command: Command) -> Command:
    """The options of a fit to step times."""
    for option in (
        click.option("--tensor-parallel", type=click.IntRange(1, 64), default=1,
                     help="GPUs of one replica, for --from."),
        click.option("--gpu", help="Card, for --from: of the catalog, or as the source calls it."),
        click.option("--model", help="Model, for --from: its name on Hugging Face."),
        click.option("--from", "source", type=click.Choice(["aiconfigurator"]),
                     help="Take step times of --model on --gpu from this package."),
        click.option("--steps", type=click.Path(), metavar="FILE",
                     help="Fit a kernel table to the step times of a CSV file."),
    ):  # fmt: skip
        command = option(command)
    return command


def from_steps(file: str, options: Mapping[str, Any]) -> int:
    """Fit and print a table of the step times in *file*."""
    from sim.studies.calibration_step_rows import read_steps

    where = pairs("--where", options["where"])
    with Progress(options["quiet"]) as progress:
        progress.update("reading step times", 0, 0)
        rows = read_steps(Path(file), where)
        progress.update(f"fitting {len(rows):,} step times", 0, 0)
        chosen = ", ".join(f"{k}={v}" for k, v in where.items())
        return _fit(rows, f"{Path(file).name}{f' ({chosen})' if chosen else ''}", options, None)


def from_aiconfigurator(options: Mapping[str, Any]) -> int:
    """Fit and print a table of aiconfigurator's step times."""
    from sim.studies.calibration_aiconfigurator import engine, step_rows
    from sim.studies.calibration_runs import CalibrationError

    model, gpu, tensor_parallel = (options[k] for k in ("model", "gpu", "tensor_parallel"))
    if not model or not gpu:
        raise InputError("--from aiconfigurator needs --model and --gpu")
    with Progress(options["quiet"]) as progress:
        progress.update("asking aiconfigurator", 0, 0)
        try:
            rows = step_rows(engine(model, gpu, tensor_parallel))
        except CalibrationError as error:
            raise InputError(str(error)) from None
        return _fit(rows, f"aiconfigurator: {model} on {tensor_parallel} x {gpu}", options, gpu)


def _fit(rows: Sequence[StepRow], source: str, options: Mapping[str, Any], gpu: str | None) -> int:
    from sim.report.calibration_steps_table import steps_document, steps_lines, steps_table
    from sim.report.export import summary_json
    from sim.report.screen import print_tables
    from sim.studies.calibration_runs import CalibrationError
    from sim.studies.calibration_steps import fit_steps

    directory = directory_of(options["out"])
    try:
        found = fit_steps(rows, seed=options["seed"] or 0)
    except CalibrationError as error:
        raise InputError(f"{source}: {error}") from None
    document = steps_document(found, source, gpu)
    block = "\n".join(steps_lines(document)) + "\n"
    if directory is not None:
        directory.open({"study": "calibrate"})
        directory.write("timing.json", summary_json(document).encode())
        directory.write("timing.yaml", block.encode())
        directory.close()
    if options["as_json"]:
        click.echo(summary_json(document), nl=False)
        return OK
    if not options["quiet"]:
        print_tables([steps_table(document)], sys.stdout)
        click.echo("\nTo paste into a pool, with kv_tokens\n")
    click.echo(block, nl=False)
    return OK
