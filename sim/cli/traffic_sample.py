"""Traffic sample: writes a scenario's traffic as a trace that can be replayed; knows no clock."""

from __future__ import annotations

import contextlib
import gzip
import sys
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import IO, TYPE_CHECKING, cast

import click

from sim.cli import options
from sim.cli.errors import OK, InputError, say
from sim.cli.progress import Progress
from sim.cli.scenario import overrides

if TYPE_CHECKING:
    from sim.scenario.document import Scenario
    from sim.traffic.batch import Batch

STDOUT = "-"


@click.command(short_help="Write a scenario's traffic as a trace.")
@click.argument("file", metavar="SCENARIO")
@overrides
@click.option(
    "--out", required=True, metavar="FILE",
    help="Where to write; gzipped if the name ends in .gz; - for stdout.",
)  # fmt: skip
@click.option(
    "--format", "format_", type=click.Choice(("azure", "mooncake")),
    help="Azure CSV or Mooncake JSON lines. Default: by the name, .csv or .jsonl.",
)  # fmt: skip
@click.option("--route", metavar="NAME", help="Only this route. Default: all of them, merged.")
@options.seed
@click.option(
    "--replication", type=click.IntRange(0, 999_999), default=0, show_default=True,
    help="Another number gives other traffic of the same kind.",
)  # fmt: skip
@click.option("--force", is_flag=True, help="Replace FILE if it exists.")
@click.option("--quiet", is_flag=True, help="No progress and no closing line.")
def sample(
    file: str,
    overrides: tuple[str, ...],
    out: str,
    format_: str | None,
    route: str | None,
    seed: int | None,
    replication: int,
    force: bool,
    quiet: bool,
) -> int:
    """Write the traffic of SCENARIO, from 0 to its horizon, as a trace.

    Mooncake's format also says what prompts share (templates, conversations), in whole blocks of
    512 tokens, and has times in whole milliseconds. Equal arguments give equal bytes.
    """
    from sim.report.atomic import check_new
    from sim.scenario.load import load

    format_ = format_ or _format_of(out)
    scenario = _with_open_routes(load(file, overrides), route)
    if out != STDOUT:
        check_new(Path(out), replace=force)
    with Progress(quiet) as progress:
        batches = _batches(scenario, scenario.seed if seed is None else seed, replication)
        written = _write(batches, scenario, out, format_, progress)
    if not quiet:
        where = "stdout" if out == STDOUT else out
        say(f"Wrote {written:,} requests to {where} ({format_})")
    return OK


def _format_of(out: str) -> str:
    from sim.traffic.trace_writer import SUFFIXES

    suffix = Path(out.removesuffix(".gz")).suffix
    if suffix not in SUFFIXES:
        raise InputError(
            f"--out {out}: the name does not tell the format; "
            f"end it in {' or '.join(SUFFIXES)} (.gz may follow), or give --format"
        )
    return SUFFIXES[suffix]


def _with_open_routes(scenario: Scenario, route: str | None) -> Scenario:
    """*scenario* with the chosen routes alone, all of which can be sampled."""
    if route is not None:
        if route not in scenario.routes:
            raise InputError(
                f"--route: there is no {route!r}; routes: {', '.join(scenario.routes)}"
            )
        scenario = scenario.model_copy(update={"routes": {route: scenario.routes[route]}})
    closed = [n for n, r in scenario.routes.items() if hasattr(r.arrivals, "concurrency")]
    if closed:
        rest = [name for name in scenario.routes if name not in closed]
        raise InputError(
            f"routes.{closed[0]} is closed-loop: its requests come when answers do, "
            "which only a run can tell"
            + (f"; choose another with --route: {', '.join(rest)}" if rest else "")
        )
    return scenario


def _batches(scenario: Scenario, seed: int, replication: int) -> Iterator[Batch]:
    """The requests up to the horizon; `InputError` if there is none."""
    from sim.streams import Streams
    from sim.traffic.source import batches
    from sim.traffic.trace_writer import until

    source = until(batches(scenario, Streams(seed, replication), 0.0), scenario.horizon)
    if (first := next(source, None)) is None:
        raise InputError("no request arrives within the horizon; nothing was written")
    return chain([first], source)


def _write(
    batches: Iterator[Batch], scenario: Scenario, out: str, format_: str, progress: Progress
) -> int:
    """Write all of *batches*; how many requests they were."""
    from sim.traffic.trace_writer import lines_of

    lines = lines_of(format_, scenario.starts_on)
    hours = -(-scenario.horizon // 3600)
    written = 0
    with _opened(out) as stream:
        stream.write(lines.header.encode())
        for batch in batches:
            stream.write(lines.of(batch).encode())
            written += len(batch)
            progress.update("hours of traffic", int(batch.arrived_at_s[-1] // 3600), int(hours))
    return written


@contextlib.contextmanager
def _opened(out: str) -> Iterator[IO[bytes]]:
    """A binary stream to stdout, or to what becomes the file when all was written."""
    from sim.report.atomic import atomic

    if out == STDOUT:
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    with atomic(Path(out)) as stream:
        if not out.endswith(".gz"):
            yield stream
            return
        with gzip.GzipFile("", "wb", 6, stream, mtime=0) as packed:
            yield cast("IO[bytes]", packed)
