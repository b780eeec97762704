"""Options: what verbs that simulate are asked alike, and what the answers mean; knows no clock."""

from __future__ import annotations

import click

seed = click.option(
    "--seed", type=click.IntRange(0, 2**63 - 1), help="Seed instead of the scenario's own."
)
jobs = click.option(
    "--jobs", type=click.IntRange(1, 1024), help="Worker processes. Default: one per CPU."
)
as_json = click.option(
    "--json", "as_json", is_flag=True, help="Print one JSON document and nothing else."
)


def jobs_of(given: int | None) -> int:
    """Worker processes: as asked for, else one per CPU."""
    from sim.studies.executors import cpu_count

    return cpu_count() if given is None else given
