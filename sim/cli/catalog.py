"""Catalog verb: what comes with Tokenfleet, with sources, dates and errors."""

from __future__ import annotations

import json
import sys
from datetime import date

import click

from sim.cli import options
from sim.cli.errors import OK

SECTIONS = (
    "gpus", "models", "timings", "prices", "bill", "apis", "hosts", "workloads", "startup",
)  # fmt: skip


@click.command(short_help="List GPUs, models, step times, prices, workloads, cold starts.")
@click.argument("section", required=False, type=click.Choice(SECTIONS))
@options.as_json
def catalog(section: str | None, as_json: bool) -> int:
    """List what a scenario can name: all of the catalog, or one SECTION of it.

    Step-time tables come with their errors, prices with their age (! = over 90 days).
    """
    from sim.report.catalog_tables import SECTIONS as TABLES
    from sim.report.catalog_tables import catalog_document

    wanted = SECTIONS if section is None else (section,)
    today = date.today()
    if as_json:
        click.echo(json.dumps(catalog_document(wanted, today), indent=2, allow_nan=False))
        return OK
    from sim.report.screen import print_tables

    print_tables([make(today) for name in wanted for make in TABLES[name]], sys.stdout)
    return OK
