"""Traffic verbs: what traces and scenarios send, measured, fitted, checked and written out."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from sim.cli import options
from sim.cli.errors import OK, InputError, say
from sim.cli.progress import Progress
from sim.cli.scenario import overrides
from sim.cli.traffic_input import Source, trace_options
from sim.cli.traffic_sample import sample

if TYPE_CHECKING:
    from sim.workload.description import Description
    from sim.workload.parts import Part

FORCE = click.option("--force", is_flag=True, help="Replace files that exist.")
QUIET = click.option("--quiet", is_flag=True, help="No progress.")
JSON = click.option("--json", "as_json", is_flag=True, help="Print one JSON document alone.")


@click.group(short_help="Describe, fit, check and write traffic.")
def traffic() -> None:
    """Tell what traces and scenarios send, fit a generator to a trace, and write traces.

    Traces are Azure, Mooncake, BurstGPT and ServeGen files, results of vllm bench serve, LiteLLM's
    spend logs, and any CSV or JSON lines with a time, input and output tokens.
    """


@traffic.command(short_help="Show what a trace or a scenario sends.")
@click.argument("file", metavar="TRACE|SCENARIO")
@trace_options
@overrides
@click.option("--route", metavar="NAME", help="Only this route of a scenario.")
@click.option(
    "--for", "longest", default="1d", show_default=True, metavar="DURATION",
    help="Most of a scenario's horizon that is generated.",
)  # fmt: skip
@options.seed
@click.option(
    "--out", metavar="PATH", help="Draw it: FILE.svg, FILE.png, or a folder for traffic.svg."
)
@JSON
@FORCE
@QUIET
def describe(
    file: str,
    overrides: tuple[str, ...],
    route: str | None,
    longest: str,
    seed: int | None,
    out: str | None,
    as_json: bool,
    force: bool,
    quiet: bool,
    **trace: Any,
) -> int:
    """Show the rate, the bursts and the lengths of what TRACE or SCENARIO (.yaml) sends.

    A scenario's routes are generated, and described one by one.
    """
    from sim.cli.traffic_picture import check_pictures, write_pictures

    source = Source(file, **trace)
    with Progress(quiet or as_json) as progress:
        progress.update(f"reading {file}", 0, 0)
        if source.is_scenario or route is not None or overrides:
            parts = source.generated(overrides, route, longest, seed)
        else:
            parts = source.parts()
        targets = check_pictures(out, [name for name, _ in parts], replace=force)
        found = []
        for done, (_, part) in enumerate(parts):
            progress.update("describing", done, len(parts))
            found.append(_described(part))
        write_pictures(targets, [part for _, part in parts], found)
    _print(found, as_json)
    if targets and not (quiet or as_json):
        say(f"Wrote {', '.join(str(target) for target in targets)}")
    return OK


def _described(part: Part) -> Description:
    from sim.workload.description import describe as describe_part

    return describe_part(part)


def _print(found: list[Description], as_json: bool) -> None:
    if as_json:
        _print_json({"workloads": found})
        return
    from sim.report.screen import print_tables
    from sim.report.traffic_tables import description_tables

    print_tables([table for one in found for table in description_tables(one)], sys.stdout)


def _print_json(document: Any) -> None:
    from sim.report.plain import plain

    click.echo(json.dumps(plain(document), indent=2, allow_nan=False))


@traffic.command(short_help="Fit a route's traffic to a trace.")
@click.argument("file", metavar="TRACE")
@trace_options
@click.option("--service", metavar="NAME", help="Which of a file's services.")
@click.option("--out", metavar="FILE", help="Write the block there instead of stdout.")
@click.option(
    "--seeds", type=click.IntRange(1, 10_000), default=60, show_default=True,
    help="Replicates behind every band.",
)  # fmt: skip
@FORCE
@QUIET
def fit(
    file: str,
    service: str | None,
    out: str | None,
    seeds: int,
    force: bool,
    quiet: bool,
    **trace: Any,
) -> int:
    """Print the YAML block that makes a route send what TRACE did: arrivals and lengths.

    How good the fit is comes on stderr: each half of the trace is held against the fit of the
    other.
    """
    from sim.report.atomic import atomic, check_new
    from sim.workload.fit import fit as fit_part

    if out is not None:
        check_new(Path(out), replace=force)
    with Progress(quiet) as progress:
        progress.update(f"reading {file}", 0, 0)
        part = _one_of(file, Source(file, **trace).parts(), service)
        found = fit_part(part, seeds=seeds, progress=progress.update)
    if out is None:
        click.echo(found.block(), nl=False)
    else:
        with atomic(Path(out)) as stream:
            stream.write(found.block().encode())
    if not quiet:
        from sim.report.screen import print_tables
        from sim.report.traffic_tables import rows_table

        print_tables([rows_table(f"{found.source}: goodness of fit", found.goodness)], sys.stderr)
        if out is not None:
            say(f"Wrote {out}")
    return OK


def _one_of(file: str, parts: list[tuple[str, Part]], service: str | None) -> Part:
    names = [name for name, _ in parts]
    if service is not None and service not in names:
        raise InputError(f"--service: {file} has no {service!r}; services: {', '.join(names)}")
    if service is None and len(parts) > 1:
        raise InputError(
            f"{file} has several services; choose one with --service: {', '.join(names)}"
        )
    return parts[0][1] if service is None else dict(parts)[service]


@traffic.command(short_help="Hold the generator against traces.")
@click.argument("paths", metavar="PATH...", nargs=-1, required=True)
@click.option(
    "--seeds", type=click.IntRange(1, 10_000), default=60, show_default=True,
    help="Replicates behind every band.",
)  # fmt: skip
@JSON
@QUIET
def check(paths: tuple[str, ...], seeds: int, as_json: bool, quiet: bool) -> int:
    """Show how near the generator comes to the traces at PATH (files, or folders of them).

    Beside each metric stand what is asked, what two halves of the trace differ by (the floor), and
    where the metric lies in 9 of 10 replicates of the model itself.
    """
    from sim.workload.acceptance import check as check_paths

    with Progress(quiet or as_json) as progress:
        progress.update("reading", 0, 0)
        found = check_paths(paths, seeds=seeds, progress=progress.update)
    usable = [one for one in found if one.problem is None]
    refused = [one for one in found if one.problem is not None]
    if not usable:
        raise InputError(_none_of(paths, [one.problem or "" for one in refused]))
    if as_json:
        _print_json({"traces": found})
        return OK
    from sim.report.screen import print_tables
    from sim.report.traffic_tables import acceptance_table, problems_table

    tables = [acceptance_table(one) for one in usable]
    print_tables([*tables, *([problems_table(refused)] if refused else [])], sys.stdout)
    return OK


def _none_of(paths: tuple[str, ...], problems: list[str]) -> str:
    """Why no file could be used."""
    if not problems:
        return f"{paths[0]}: no file to check"
    more = f" (and {len(problems) - 1} more files, likewise)" if len(problems) > 1 else ""
    return problems[0] + more


traffic.add_command(sample)
