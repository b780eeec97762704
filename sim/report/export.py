"""Export: all files of a run, in the form that the contract promises; knows no clock."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sim.ledger.events import FleetEvent
from sim.report.attempts import Chunk, UsdOf, file_name, write_attempts
from sim.report.bill_table import bill_csv
from sim.report.chargeback import chargeback_csv
from sim.report.csv_text import summary_csv
from sim.report.directory import Directory
from sim.report.exhibits import EXHIBITS, Exhibits, exhibition
from sim.report.fleet_events import events_csv
from sim.report.latency_bins import LatencyBins
from sim.report.table import Table
from sim.report.timeseries import Row, timeseries_csv
from sim.scenario.scaling_plan import Weekday


@dataclass(frozen=True)
class Findings:
    """What a run leaves: its summary, and what the files need beside it.

    `attempts` are chunks of columns of replication 0, `usd_of` prices them. `curve` has points of
    `scale`, `utilization`, `usd_per_million`; `timeseries` has a row per sample and pool, and
    `events` what happened to the fleet, which `story` tells as tables; `starts_on` is the day whose
    midnight is time 0.
    """

    summary: Mapping[str, Any]
    scenario_yaml: str
    attempts: Iterable[Chunk]
    usd_of: UsdOf
    timeseries: Sequence[Row] = ()
    events: Sequence[FleetEvent] = ()
    story: Sequence[Table] = ()
    starts_on: Weekday = "monday"
    curve: Sequence[Mapping[str, float | None]] = field(default=())


def write_out(directory: Directory, findings: Findings) -> None:
    """Write every file of a run into *directory*, the manifest first and last.

    Equal findings give equal bytes: nothing is dated. Raises `OutError`.
    """
    document = findings.summary
    directory.open(about(document))
    directory.write("summary.json", summary_json(document).encode())
    directory.write("summary.csv", summary_csv(document).encode())
    directory.write("bill.csv", bill_csv(document).encode())
    directory.write("chargeback.csv", chargeback_csv(document).encode())
    directory.write("scenario.resolved.yaml", findings.scenario_yaml.encode())
    directory.write("timeseries.csv", timeseries_csv(findings.timeseries).encode())
    directory.write("events.csv", events_csv(findings.events).encode())
    name, bins = file_name(), LatencyBins()
    with directory.file(name) as stream:
        write_attempts(name, stream, bins.watching(findings.attempts), findings.usd_of)
    exhibits = Exhibits(
        timeseries=findings.timeseries,
        events=findings.events,
        story=findings.story,
        starts_on=findings.starts_on,
        curve=findings.curve,
        latencies=bins.counts,
    )
    directory.write(EXHIBITS, exhibits.text().encode())
    for file, content in exhibition(document, exhibits).items():
        directory.write(file, content)
    directory.close()


def about(document: Mapping[str, Any]) -> dict[str, Any]:
    """What a manifest says of the run that made *document*."""
    return {key: document.get(key) for key in ("scenario", "seed", "replications", "versions")}


def summary_json(document: Mapping[str, Any]) -> str:
    """The summary as JSON text; ValueError for a NaN or an infinity, which JSON does not have.

    Everything beyond ASCII is escaped, so that no name can move a terminal's cursor.
    """
    return json.dumps(document, indent=2, allow_nan=False) + "\n"
