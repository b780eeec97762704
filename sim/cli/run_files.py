"""Run files: what verbs that simulate write under --out, and what that takes; knows no clock."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sim.cli.options import jobs_of
from sim.cli.progress import Progress

if TYPE_CHECKING:
    from sim.report.directory import Directory
    from sim.report.table import Table
    from sim.scenario.document import Scenario
    from sim.studies.result import Result

SAMPLES = 500
"""Samples of the fleet's state over the window, for time series and their figure."""

LEAST_SAMPLE_S = 10.0


def directory_of(out: str | None) -> Directory | None:
    """The directory to write to, if any; OutError if that could not or should not be done."""
    from sim.report.directory import Directory

    if out is None:
        return None
    directory = Directory(Path(out))
    directory.check()
    return directory


def scratch(directory: Directory | None) -> contextlib.AbstractContextManager[Path | None]:
    """A folder for attempts while *directory* is written; None without one."""
    return contextlib.nullcontext() if directory is None else directory.scratch()


def sample_every_s(scenario: Scenario, spool: Path | None) -> float | None:
    """Time between samples; None where no file, no story and no check of the warm-up needs them."""
    from sim.studies.warmup import is_stationary

    if spool is None and is_plain(scenario) and not is_stationary(scenario):
        return None
    return max(LEAST_SAMPLE_S, scenario.horizon / SAMPLES)


def is_plain(scenario: Scenario) -> bool:
    """Whether nothing ever happens to the fleet."""
    return all(pool.is_fixed for pool in scenario.pools.values())


def story_of(scenario: Scenario, result: Result) -> list[Table]:
    """What happened to the fleet in the first replication, as tables."""
    from sim.report.clock import Clock
    from sim.report.fleet_events import what_happened

    if is_plain(scenario):
        return []
    first = result.runs[0]
    starting_s = {name: pool.starting_s for name, pool in first.usage.pools.items()}
    clock = Clock(scenario.horizon, scenario.starts_on)
    return what_happened(first.events, first.timeseries, starting_s, clock, len(result.runs))


def write_files(
    directory: Directory,
    result: Result,
    summary: dict[str, Any],
    story: list[Table],
    spool: Path | None,
    progress: Progress,
    jobs: int | None,
) -> None:
    """Write all files of *result* into *directory*; the curve's runs are done for it."""
    from sim.ledger.spool import read
    from sim.report.attempt_price import usd_of_run
    from sim.report.export import Findings, write_out
    from sim.scenario.resolved import resolved_yaml
    from sim.studies.curve import curve

    points = curve(
        result,
        jobs=jobs_of(jobs),
        progress=lambda done, total: progress.update("loads", done, total),
    )
    progress.update("writing files", 0, 0)
    findings = Findings(
        summary=summary,
        scenario_yaml=resolved_yaml(result.scenario),
        attempts=read(spool) if spool is not None else (),
        usd_of=usd_of_run(result),
        timeseries=result.runs[0].timeseries,
        events=result.runs[0].events,
        story=story,
        starts_on=result.scenario.starts_on,
        curve=[vars(point) for point in points],
    )
    write_out(directory, findings)
