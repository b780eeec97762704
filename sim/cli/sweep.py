"""Sweep verb: a scenario at many points, kept in one file, and what came of it; knows no clock."""

from __future__ import annotations

import contextlib
import json
import re
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import click

from sim.cli import options
from sim.cli.errors import FAILED_POINTS, OK, InputError, say
from sim.cli.progress import Progress
from sim.cli.run_files import directory_of
from sim.cli.scenario import overrides

if TYPE_CHECKING:
    from sim.report.directory import Directory
    from sim.scenario.document import Scenario
    from sim.studies.executors import Executor
    from sim.studies.grid import Design, Point, Range
    from sim.studies.store import Row, Store
    from sim.studies.sweep import Told


@dataclass(frozen=True)
class Asked:
    """What a sweep is about: a scenario's file, its changes, and the points."""

    file: Path
    changes: tuple[str, ...]
    points: Sequence[Point]
    replications: int

    def load(self, point: Sequence[str]) -> Scenario:
        """The scenario with its changes and those of one point. Raises ScenarioError."""
        from sim.scenario.load import load

        return load(self.file, [*self.changes, *point])


@click.command(short_help="Run a scenario at many points, and keep the results.")
@click.argument("file", metavar="SCENARIO|SWEEP", required=False)
@click.option(
    "--vary", "varied", multiple=True, metavar="PATH=A,B,C",
    help="Values of one path. Repeatable; all combinations are run.",
)  # fmt: skip
@click.option("--zip", "as_zip", is_flag=True, help="First values with first ones, and so on.")
@click.option(
    "--range", "ranges", multiple=True, metavar="PATH=LOW..HIGH",
    help="A range for --sobol or --lhs, also LOW..HIGH:log, :whole or :log,whole. Repeatable.",
)  # fmt: skip
@click.option("--sobol", type=click.IntRange(1), metavar="N", help="N points of Sobol's sequence.")
@click.option("--lhs", type=click.IntRange(1), metavar="N", help="N points of a Latin hypercube.")
@overrides
@options.seed
@click.option(
    "--replications", type=click.IntRange(1, 1000),
    help="Independent repetitions of each point. Default: 5, or as the sweep file says.",
)  # fmt: skip
@options.jobs
@click.option(
    "--store", type=click.Path(), metavar="FILE",
    help="SQLite file of the results. Default: FILE's name with .results.sqlite.",
)  # fmt: skip
@click.option(
    "--executor", type=click.Choice(["local", "dask"]), default="local", show_default=True,
    help="Where points are run.",
)  # fmt: skip
@click.option(
    "--scheduler", metavar="ADDRESS",
    help="Dask scheduler, such as tcp://10.0.0.1:8786. Default: a cluster of --jobs here.",
)  # fmt: skip
@click.option("--show", type=click.Path(), metavar="FILE", help="Only print what FILE holds.")
@click.option(
    "--out", type=click.Path(), metavar="DIR", help="Write sweep.csv, sweep.json, figures there."
)
@options.as_json
@click.option("--quiet", is_flag=True, help="The best point alone, and no progress.")
def sweep(
    file: str | None, show: str | None, out: str | None, store: str | None, **options: Any
) -> int:
    """Run SCENARIO at many points, or the sweep that the file SWEEP describes.

    Results are kept in one SQLite file, one by one. The same command again runs what is missing.
    """
    from sim.studies.store import Store

    directory = directory_of(out)
    if (file is None) == (show is None):
        raise InputError("name a scenario or a sweep file, or --show a file of results")
    if show is not None:
        with Store.read(Path(show)) as kept:
            return _tell(kept, directory, **options)
    assert file is not None
    asked = _asked(file, **options)
    with Store.create(Path(store or f"{Path(file).stem}.results.sqlite")) as kept:
        _run(asked, kept, **options)
        return _tell(kept, directory, **options)


def _asked(
    file: str,
    *,
    overrides: tuple[str, ...],
    seed: int | None,
    replications: int | None,
    **options: Any,
) -> Asked:
    """What the file and the options ask for. Raises ScenarioError, DesignError or InputError."""
    from sim.scenario.source import SourceError, read
    from sim.studies.grid import crossed, override
    from sim.studies.sweep_file import is_sweep, load_sweep

    designs = _designs(**options)
    scenario, changes, default = Path(file), list(overrides), 5
    with contextlib.suppress(SourceError):  # `load` explains it
        if is_sweep(read(scenario)):
            spec = load_sweep(scenario)
            designs.insert(0, spec.vary.points())
            scenario, default = Path(spec.scenario), spec.replications
            changes = [*(override(p, v) for p, v in spec.set.items()), *changes]
            seed = spec.seed if seed is None else seed
    if not designs:
        raise InputError("nothing is varied: give --vary, --range, or a sweep file")
    if seed is not None:
        changes.append(override("seed", seed))
    return Asked(scenario, tuple(changes), crossed(designs), replications or default)


def _designs(
    *,
    varied: tuple[str, ...],
    as_zip: bool,
    ranges: tuple[str, ...],
    sobol: int | None,
    lhs: int | None,
    **_: Any,
) -> list[Design]:
    """The designs of the options."""
    from sim.studies.grid import grid, spread, values_of, zipped

    designs: list[Design] = []
    if varied:
        values = {path: values_of(text) for path, text in _pairs("--vary", varied, "1,2,3")}
        designs.append(zipped(values) if as_zip else grid(values))
    if ranges or sobol or lhs:
        if not ranges or (sobol is None) == (lhs is None):
            raise InputError("--range goes with one of --sobol and --lhs, and these with --range")
        kind: Literal["sobol", "lhs"] = "sobol" if sobol else "lhs"
        boxes = {path: _range(path, text) for path, text in _pairs("--range", ranges, "1..8")}
        designs.append(spread(kind, sobol or lhs or 1, boxes))
    return designs


def _pairs(option: str, texts: Sequence[str], example: str) -> list[tuple[str, str]]:
    pairs = [text.partition("=")[::2] for text in texts]
    for text, (path, values) in zip(texts, pairs, strict=True):
        if not path.strip() or not values.strip():
            raise InputError(f"{option} {text}: must look like path={example}")
        if sum(path == other for other, _ in pairs) > 1:
            raise InputError(f"{option} {path} is given twice; put all values into one")
    return [(path.strip(), values) for path, values in pairs]


def _range(path: str, text: str) -> Range:
    from sim.studies.grid import Range

    number = r"[-+]?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?"
    match = re.fullmatch(rf"({number})\.\.({number})(?::((?:log|whole)(?:,(?:log|whole))?))?", text)
    if match is None:
        told = "must look like 1..8, 0.5..20:log or 1..8:whole"
        raise InputError(f"--range {path}={text}: {told}")
    kinds = (match[3] or "").split(",")
    scale: Literal["linear", "log"] = "log" if "log" in kinds else "linear"
    return Range(float(match[1]), float(match[2]), scale, "whole" in kinds)


def _run(
    asked: Asked,
    store: Store,
    *,
    jobs: int | None,
    executor: str,
    scheduler: str | None,
    as_json: bool,
    quiet: bool,
    **_: Any,
) -> None:
    """Plan and simulate; whatever ends it early, results so far are kept."""
    from sim.studies.result import versions
    from sim.studies.sweep import plan, run_sweep

    with Progress(quiet or as_json) as progress:
        progress.update("loading points", 0, len(asked.points))
        planned = plan(asked.load, asked.points, asked.replications)
        first = next(one.scenario for one in planned if one.scenario is not None)
        about = {
            "scenario": first.name,
            "seed": first.seed,
            "replications": asked.replications,
            "versions": versions(),
        }
        store.plan([(one.key, one.parameters) for one in planned], about)
        try:
            with _executor(executor, scheduler, jobs) as where:
                run_sweep(planned, store, where, progress=lambda told: _report(progress, told))
        except KeyboardInterrupt:
            say(f"tokenfleet: results so far are kept in {store.path}; the same command goes on")
            raise


@contextlib.contextmanager
def _executor(kind: str, scheduler: str | None, jobs: int | None) -> Iterator[Executor]:
    from sim.studies.executors import LocalExecutor

    if kind == "local":
        if scheduler is not None:
            raise InputError("--scheduler goes with --executor dask")
        yield LocalExecutor(options.jobs_of(jobs))
        return
    from sim.studies.dask_executor import dask_executor

    with dask_executor(scheduler, options.jobs_of(jobs)) as executor:
        yield executor


def _report(progress: Progress, told: Told) -> None:
    from sim.report.sweep_table import told as words

    notes = [f"{told.failed} failed"] if told.failed else []
    if told.best is not None:
        notes.append(words(told.best))
    progress.update("points", told.done, told.total, "; ".join(notes))


def _tell(
    store: Store, directory: Directory | None, *, as_json: bool, quiet: bool, **_: Any
) -> int:
    """Print and write what the store holds; the exit code."""
    from sim.report.sweep_table import sweep_document

    rows, about = store.rows(), store.about()
    document = sweep_document(rows, about)
    if directory is not None:
        _write(directory, rows, about, document)
    if as_json:
        click.echo(json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False))
    else:
        _print(store, rows, about, quiet)
    if directory is not None and not (quiet or as_json):
        say(f"Wrote {directory.path}")
    return FAILED_POINTS if document["failed"] else OK


def _print(store: Store, rows: Sequence[Row], about: dict[str, Any], quiet: bool) -> None:
    from sim.report.numerals import clean, seconds
    from sim.report.screen import print_tables
    from sim.report.sweep_table import sweep_tables, told
    from sim.studies.sweep import best

    winner = best(rows)
    if quiet:
        click.echo(clean(told(winner) if winner is not None else "no point meets every SLO"))
        return
    each = f"{about.get('replications')} replications each, seed {about.get('seed')}"
    click.echo(clean(f"{about.get('scenario')}: {len(rows):,} points, {each}"))
    print_tables(sweep_tables(rows), sys.stdout)
    say(f"Kept in {store.path}, {seconds(store.wall_s())} of work; sweep --show prints it again")


def _write(
    directory: Directory, rows: Sequence[Row], about: dict[str, Any], document: dict[str, Any]
) -> None:
    from sim.report.sweep_figure import sweep_figures
    from sim.report.sweep_table import sweep_csv

    directory.open(about)
    directory.write("sweep.csv", sweep_csv(rows).encode())
    text = json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False)
    directory.write("sweep.json", text.encode() + b"\n")
    for name, picture in sweep_figures(rows).items():
        directory.write(f"figures/{name}.svg", picture)
    directory.close()
