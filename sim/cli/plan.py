"""Plan verb: the cheapest fleet that meets every SLO; the day is that of the wall clock."""

from __future__ import annotations

import sys
from datetime import date
from typing import TYPE_CHECKING, Any

import click

from sim.cli import options
from sim.cli.errors import OK, SLO_MISSED, InputError, say
from sim.cli.progress import Progress
from sim.cli.run_files import directory_of
from sim.cli.scenario import overrides

if TYPE_CHECKING:
    from sim.report.directory import Directory
    from sim.scenario.document import Scenario
    from sim.studies.design import Choices
    from sim.studies.plan import Plan


def _names(_: click.Context, option: click.Parameter, text: str | None) -> tuple[str, ...] | None:
    if text is None:
        return None
    found = tuple(part.strip() for part in text.split(",") if part.strip())
    if not found:
        raise click.BadParameter(f"must be names with commas between (got {text!r})")
    return found


def _counts(_: click.Context, option: click.Parameter, text: str | None) -> tuple[int, ...] | None:
    if text is None:
        return None
    try:
        found = tuple(int(part) for part in text.split(","))
    except ValueError:
        raise click.BadParameter(f"must be whole numbers such as 1,2,4 (got {text!r})") from None
    if min(found) < 1:
        raise click.BadParameter(f"must be at least 1 (got {text!r})")
    return found


def _prices(
    _: click.Context, option: click.Parameter, texts: tuple[str, ...]
) -> tuple[tuple[str, float], ...]:
    return tuple(_price(text) for text in texts)


def _price(text: str) -> tuple[str, float]:
    from sim.catalog.gpus import gpu

    card, separator, usd = text.partition("=")
    rule = f"must look like h100-sxm=2.50, in USD per GPU-hour (got {text!r})"
    try:
        price = float(usd)
    except ValueError:
        raise click.BadParameter(rule) from None
    if not separator or not 0 < price <= 1e6:
        raise click.BadParameter(rule)
    try:
        return gpu(card).name, price
    except ValueError as error:
        raise click.BadParameter(str(error)) from None


@click.command(short_help="Find the cheapest fleet that meets every SLO.")
@click.argument("file")
@overrides
@options.seed
@click.option(
    "--replications", type=click.IntRange(2, 1000), default=5, show_default=True,
    help="Independent repetitions that a fleet has to meet its SLOs in.",
)  # fmt: skip
@options.jobs
@click.option(
    "--gpus", callback=_names, metavar="LIST",
    help="GPUs to consider, such as h100-sxm,l40s. Default: all that have a price.",
)  # fmt: skip
@click.option(
    "--precisions", callback=_names, metavar="LIST",
    help="Weight formats to consider, such as bf16. Default: all with step-time tables.",
)  # fmt: skip
@click.option(
    "--tensor-parallel", callback=_counts, metavar="LIST",
    help="GPUs of a replica to consider, such as 1,2. Default: all with step-time tables.",
)  # fmt: skip
@click.option(
    "--max-num-seqs", callback=_counts, metavar="LIST",
    help="Batch limits to consider beside the engine's own, such as 64,128.",
)  # fmt: skip
@click.option(
    "--price", "prices", multiple=True, callback=_prices, metavar="GPU=USD",
    help="Your price of a GPU-hour. Default: rows of the pool's own provider.",
)  # fmt: skip
@click.option("--any-provider", is_flag=True, help="Consider the cheapest row of any provider.")
@click.option(
    "--growth", type=click.FloatRange(0, 1000), default=0.0, metavar="PERCENT",
    help="Growth of traffic a week, in percent: says when the fleet is full.",
)  # fmt: skip
@click.option(
    "--out", type=click.Path(), metavar="DIR",
    help="Write plan.json, the planned scenario and the figures there.",
)  # fmt: skip
@options.as_json
@click.option("--quiet", is_flag=True, help="The plan alone, and no progress.")
@click.option("--fail-on-slo", is_flag=True, help="Exit with 3 if some pool has no such fleet.")
def plan(
    file: str,
    overrides: tuple[str, ...],
    seed: int | None,
    replications: int,
    jobs: int | None,
    growth: float,
    out: str | None,
    as_json: bool,
    quiet: bool,
    fail_on_slo: bool,
    **choices: Any,
) -> int:
    """Find the cheapest fleet that meets every SLO of FILE with 95 % confidence.

    Designs race: the busiest hour drops what is too small, cheaper fleets drop dearer ones. What is
    chosen was simulated over the whole horizon in every replication, and so was the runner-up.
    """
    from sim.scenario.load import load
    from sim.studies.plan_document import plan_document

    scenario = load(file, overrides)
    if not any(route.slo for route in scenario.routes.values()):
        raise InputError(f"{file}: no route has an slo, so any fleet would do; give slo: {{...}}")
    if seed is not None:
        scenario = scenario.model_copy(update={"seed": seed})
    directory = directory_of(out)
    with Progress(quiet) as progress:
        found = _plan(scenario, _choices(choices), replications, jobs, progress)
        document = plan_document(found, growth_percent_per_week=growth, today=date.today())
    if directory is not None:
        _write(directory, found, document)
    _print(document, as_json, quiet)
    if directory is not None and not (quiet or as_json):
        say(f"Wrote {directory.path}; the fleet is in {directory.path / PLANNED}")
    return SLO_MISSED if fail_on_slo and not found.found else OK


PLANNED = "scenario.planned.yaml"
"""The scenario with the planned fleet."""


def _choices(given: dict[str, Any]) -> Choices:
    from sim.catalog.gpus import gpu
    from sim.catalog.models import PRECISIONS
    from sim.studies.design import Choices

    for name in given["gpus"] or ():
        try:
            gpu(name)
        except ValueError as error:
            raise InputError(f"--gpus: {error}") from None
    for name in given["precisions"] or ():
        if name not in PRECISIONS:
            raise InputError(f"--precisions: no {name!r}; there are {', '.join(PRECISIONS)}")
    return Choices(
        gpus=given["gpus"],
        precisions=given["precisions"],
        tensor_parallel=given["tensor_parallel"],
        max_num_seqs=given["max_num_seqs"] or (),
        usd_per_gpu_hour=given["prices"],
        any_provider=given["any_provider"],
    )


def _plan(
    scenario: Scenario,
    choices: Choices,
    replications: int,
    jobs: int | None,
    progress: Progress,
) -> Plan:
    from sim.studies.plan import plan as search

    return search(
        scenario,
        choices,
        replications=replications,
        jobs=options.jobs_of(jobs),
        progress=lambda done, total: progress.update("simulations", done, total),
    )


def _write(directory: Directory, found: Plan, document: dict[str, Any]) -> None:
    from sim.report.canvas import render
    from sim.report.export import about, summary_json
    from sim.report.frontier_figure import frontier_figure
    from sim.report.summary import Summary
    from sim.scenario.resolved import resolved_yaml

    directory.open(about(document))
    directory.write("plan.json", summary_json(document).encode())
    directory.write(PLANNED, resolved_yaml(found.scenario).encode())
    summary = Summary(document)
    for pool in summary.names("pools"):
        drawn = frontier_figure(summary, pool)
        if drawn is not None:
            directory.write(f"figures/frontier-{pool}.svg", render(drawn))
    directory.close()


def _print(document: dict[str, Any], as_json: bool, quiet: bool) -> None:
    if as_json:
        from sim.report.export import summary_json

        click.echo(summary_json(document), nl=False)
        return
    from sim.report.plan_tables import headroom_lines, plan_tables
    from sim.report.screen import print_tables
    from sim.report.summary import Summary
    from sim.report.table import table

    summary = Summary(document)
    tables = plan_tables(summary)
    lines = " ".join(headroom_lines(summary))
    tables.insert(2, table("Headroom", ["<"], [], lines))
    print_tables(tables[:3] if quiet else tables, sys.stdout)
