"""Report verb: draw the figures and the page of a directory again; knows no clock."""

from __future__ import annotations

from pathlib import Path

import click

from sim.cli.errors import OK, InputError, say


@click.command(short_help="Draw the figures and the page of an --out directory again.")
@click.argument("folder", metavar="DIR", type=click.Path())
@click.option("--quiet", is_flag=True, help="Say nothing but errors.")
def report(folder: str, quiet: bool) -> int:
    """Draw again every figure that DIR holds the data of, and report.html.

    DIR is what --out of run, gap, hosted, plan, levers, sweep or calibrate wrote. No simulation
    runs; data stay as they are.
    """
    from sim.report.directory import Directory, read_manifest
    from sim.report.gallery import redrawn

    path = Path(folder)
    if not path.is_dir():
        raise InputError(f"{folder} is not a directory")
    if read_manifest(path) is None:
        raise InputError(f"{folder} holds no run of ours (no manifest.json)")
    files = redrawn(path)
    directory = Directory(path)
    directory.rewrite(files)
    if not quiet:
        say(f"Drew {len(files)} files in {folder} again")
    return OK
