"""Commitments verb: how many nodes to reserve, by how often how many are needed; no clock."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from sim.cli import options
from sim.cli.errors import OK, InputError
from sim.cli.progress import Progress
from sim.cli.scenario import overrides

if TYPE_CHECKING:
    from sim.scenario.document import Scenario


@click.command(short_help="How many nodes to reserve.")
@click.argument("file")
@overrides
@click.option(
    "--discount", metavar="SHARE",
    help="What reserving takes off the list price, such as 40%. Default: the price of the file's "
    "own reserved nodes.",
)  # fmt: skip
@options.seed
@click.option(
    "--replications", type=click.IntRange(1, 1000), default=5, show_default=True,
    help="Independent repetitions.",
)  # fmt: skip
@options.jobs
@options.as_json
@click.option("--quiet", is_flag=True, help="No progress.")
def commitments(
    file: str,
    overrides: tuple[str, ...],
    discount: str | None,
    seed: int | None,
    replications: int,
    jobs: int | None,
    as_json: bool,
    quiet: bool,
) -> int:
    """Simulate FILE, and say how many nodes of each pool to reserve.

    A node is worth reserving if it is needed for a larger share of the time than the reserved price
    is of the list price. What the advice would cost at 30 % less and more demand stands beside it.
    """
    from sim.scenario.load import load
    from sim.studies.commitments import commitments as advised
    from sim.studies.commitments import commitments_document
    from sim.studies.replications import run

    scenario, off = load(file, overrides), _discount(discount)
    _check(scenario, off, file)
    with Progress(quiet or as_json) as progress:
        progress.update("replications", 0, replications)
        result = run(
            scenario,
            seed=seed,
            replications=replications,
            jobs=jobs,
            progress=lambda done, total: progress.update("replications", done, total),
        )
    document = commitments_document(result, advised(result, off))
    if as_json:
        from sim.report.export import summary_json

        click.echo(summary_json(document), nl=False)
        return OK
    from sim.report.commitment_tables import commitment_tables
    from sim.report.screen import print_tables

    print_tables(commitment_tables(document), sys.stdout)
    return OK


def _discount(text: str | None) -> float | None:
    from sim.units import parse_share

    if text is None:
        return None
    try:
        share = parse_share(text) if "%" in text else float(text)
    except ValueError:
        raise InputError(f"--discount must be a share such as 40% or 0.4 (got {text!r})") from None
    if not 0.0 < share < 1.0:
        raise InputError(f"--discount must be more than 0 and less than 1, or 100% (got {text!r})")
    return share


def _check(scenario: Scenario, discount: float | None, file: str) -> None:
    if discount is None and all(pool.node.reserved is None for pool in scenario.pools.values()):
        text = f"no pool of {file} says what a reserved node costs (node.reserved)"
        raise InputError(f"{text}; give --discount, such as --discount 40%")
