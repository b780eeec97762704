"""Compare verb: two scenarios on the same random numbers, figure by figure; knows no clock."""

from __future__ import annotations

import sys

import click

from sim.cli.errors import OK, InputError
from sim.cli.pairing import Ran, common, finish, runs_of
from sim.cli.progress import Progress


@click.command(short_help="Compare two scenarios, or one with --set, figure by figure.")
@click.argument("files", nargs=-1, required=True, metavar="A [B]")
@click.option(
    "--set", "overrides", multiple=True, metavar="PATH=VALUE",
    help="Change one value of the second side, such as pools.main.replicas=3. Repeatable.",
)  # fmt: skip
@click.option(
    "--resized/--same-fleet-only", "resized", default=True, show_default=True,
    help="Also with each fleet resized to its SLOs, since on a fixed fleet no saving shows.",
)  # fmt: skip
@common
def compare(
    files: tuple[str, ...],
    overrides: tuple[str, ...],
    resized: bool,
    seed: int | None,
    replications: int,
    jobs: int | None,
    out: str | None,
    as_json: bool,
    quiet: bool,
) -> int:
    """Compare the scenario in A with that in B, or with itself changed by --set.

    Both run on the same random numbers, so that differences are far surer than the figures.
    Where the replications show no difference, that is what is said.
    """
    from sim.report.compare_tables import comparison_tables
    from sim.scenario.load import load
    from sim.studies.compare import compare as run
    from sim.studies.compare import document

    if len(files) > 2:
        raise InputError(f"compares two files (got {len(files)})")
    if len(files) == 1 and not overrides:
        raise InputError("needs a second file, or --set PATH=VALUE to compare with")
    ran = Ran(out, as_json, quiet)
    before, after = load(files[0]), load(files[-1], overrides)
    if seed is not None:
        before = before.model_copy(update={"seed": seed})
    for key in ("horizon", "warmup", "starts_on"):
        if getattr(before, key) != getattr(after, key):
            raise InputError(f"both must have the same {key}: their traffic would not be the same")
    with Progress(quiet or as_json) as progress:
        both = run(before, after, runs=runs_of(replications, jobs, progress), resized=resized)
    tables = comparison_tables(both)
    records = [
        {"fleet": way, "figure": path, **(figure or {})}
        for way in ("same_fleet", "resized")
        if (tree := document(both)[way]) is not None
        for path, figure in tree["figures"].items()
    ]
    finish(ran, "compare", document(both), records, tables[:1] if quiet else tables, sys.stdout)
    return OK
