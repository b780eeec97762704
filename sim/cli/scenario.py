"""Scenario verbs: `validate`, `init` and `schema`; knows no clock but the date of today."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from sim.cli import options
from sim.cli.errors import BAD_INPUT, OK, InputError, say
from sim.report.numerals import clean, length

if TYPE_CHECKING:
    from sim.scenario.document import Scenario

overrides = click.option(
    "--set", "overrides", multiple=True, metavar="PATH=VALUE",
    help="Change one value, such as routes.chat.arrivals.rps=8. Repeatable.",
)  # fmt: skip


@click.command(short_help="Check a scenario file.")
@click.argument("file")
@overrides
@options.as_json
def validate(file: str, overrides: tuple[str, ...], as_json: bool) -> int:
    """Check FILE: all that is wrong with it, by line, and what is worth a warning.

    Traces are read to their end, and what was found in them is told.
    """
    from sim.scenario.load import load
    from sim.scenario.notices import warnings_of
    from sim.scenario.problem import ScenarioError

    try:
        scenario = load(file, overrides)
    except ScenarioError as error:
        if not as_json:
            raise
        problems = [_problem(p) for p in error.problems]
        click.echo(_json({"file": file, "valid": False, "problems": problems, "warnings": []}))
        return BAD_INPUT
    notices = warnings_of(scenario, date.today())
    traces = _traces(scenario)
    if as_json:
        warnings = [{"code": n.code, "path": n.path, "text": n.text} for n in notices]
        document = {"file": file, "valid": True, "problems": [], "warnings": warnings}
        click.echo(_json({**document, "traces": traces} if traces else document))
        return OK
    parts = f"{_plural(scenario.routes, 'route')}, {_plural(scenario.pools, 'pool')}"
    click.echo(clean(f"{file} is valid: {parts}, {length(scenario.horizon)}."))
    for name, report in traces.items():
        click.echo(clean(f"{name}: {_found(report)}"))
    for notice in notices:
        say(f"warning: {notice.path}: {notice.text}")
    return OK


def _traces(scenario: Scenario) -> dict[str, dict[str, Any]]:
    """What each route's trace holds, read to its end; raises TraceError at the first bad row."""
    replayed = [n for n, r in scenario.routes.items() if hasattr(r.arrivals, "trace")]
    if not replayed:
        return {}
    from dataclasses import asdict

    from sim.scenario.arrivals import TraceArrivals
    from sim.traffic.source import open_trace

    found = {}
    for name in replayed:
        arrivals = scenario.routes[name].arrivals
        assert isinstance(arrivals, TraceArrivals)
        found[f"routes.{name}.arrivals.trace"] = asdict(open_trace(arrivals).scan())
    return found


def _found(report: dict[str, Any]) -> str:
    """The report of one trace in words."""
    dropped = ", ".join(f"{count:,} {why}" for why, count in report["dropped"].items())
    span = (report["last_at_s"] or 0.0) - (report["first_at_s"] or 0.0)
    rows = f"{report['rows_read']:,} rows read, {report['rows_used']:,} used over {length(span)}"
    return f"{rows}; dropped: {dropped or 'none'}"


def _plural(things: Any, noun: str) -> str:
    return f"{len(things)} {noun}{'' if len(things) == 1 else 's'}"


def _problem(problem: Any) -> dict[str, Any]:
    keys = ("file", "line", "column", "path", "message")
    return {key: getattr(problem, key) for key in keys}


def _json(document: Any) -> str:
    return json.dumps(document, indent=2, allow_nan=False)


@click.command(short_help="Write a scenario to start from.")
@click.argument("file", default="scenario.yaml")
def init(file: str) -> int:
    """Write a commented scenario to FILE (default scenario.yaml; - for stdout).

    A file that is there already is left alone.
    """
    from sim.scenario.starter import starter_text

    if file == "-":
        click.echo(starter_text(), nl=False)
        return OK
    try:
        with Path(file).open("x", encoding="utf-8") as stream:
            stream.write(starter_text())
    except FileExistsError:
        raise InputError(f"{file} exists; name another file") from None
    except OSError as error:
        raise InputError(f"{file}: {error.strerror}") from None
    click.echo(clean(f"Wrote {file}. Next: tokenfleet run {file}"))
    return OK


@click.command(short_help="Print the JSON Schema of scenario files.")
def schema() -> int:
    """Print the JSON Schema of scenario files, for editors that complete and check YAML."""
    from sim.scenario.schema import schema_text

    click.echo(schema_text(), nl=False)
    return OK
