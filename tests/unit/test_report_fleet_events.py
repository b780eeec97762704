import csv
import io
from itertools import pairwise

from sim.ledger.events import FleetEvent
from sim.report.clock import Clock
from sim.report.fleet_events import COLUMNS, events_csv, told, what_happened
from sim.report.table import Table
from sim.report.timeseries import by_pool
from tests.unit import timeline_fixture
from tests.unit.timeline_fixture import Fleet


def _tables(fleet: Fleet, replications: int = 5) -> list[Table]:
    starting_s = {"main": 4500.0}
    return what_happened(fleet.events, fleet.rows, starting_s, fleet.clock, replications)


def test_events_are_rows_of_the_promised_columns() -> None:
    events = timeline_fixture.launch_day().events
    read = list(csv.DictReader(io.StringIO(events_csv(events))))
    assert tuple(read[0]) == COLUMNS
    assert len(read) == len(events)
    assert [float(row["t_s"]) for row in read] == [event.at_s for event in events]
    assert [int(row["replicas_wanted"]) for row in read] == [event.wanted for event in events]


def test_no_spreadsheet_runs_a_reason() -> None:
    events = [FleetEvent(-60.0, "p", "scale", '=HYPERLINK("x")', 1, 0)]
    row = next(csv.DictReader(io.StringIO(events_csv(events))))
    assert row["reason"].startswith("'=")
    assert float(row["t_s"]) == -60.0


def test_no_events_are_a_header() -> None:
    assert events_csv([]) == ",".join(COLUMNS) + "\n"


def test_five_events_by_the_clock_and_counts_of_all() -> None:
    fleet = timeline_fixture.launch_day()
    (table,) = _tables(fleet)
    assert table.title == "What happened in pool main (the first of 5 replications)"
    assert [column.head for column in table.columns] == ["when", "what", "why", "wanted", "ready"]
    assert len(table.rows) == 5
    assert [row[0] for row in table.rows] == sorted(row[0] for row in table.rows)
    assert ("18:30", "outage of 89.8 min", "zone a is out", "3", "3") in table.rows
    steps = [event for event in fleet.events if event.kind == "scale"]
    wanted = [1, *(step.wanted for step in steps)]
    ups = sum(after > before for before, after in pairwise(wanted))
    assert f"In all {ups} scale-ups, {len(steps) - ups} scale-downs, 3 failures, 1 outage" in (
        table.note
    )
    ready = [row["replicas_ready"] for row in fleet.rows]
    assert f"Ready replicas: {min(ready):.0f} to {max(ready):.0f}, " in table.note
    assert table.note.endswith("; 1.25 replica-hours starting.")
    assert all(cell.isascii() for row in table.rows for cell in row)


def test_one_replication_is_not_called_the_first() -> None:
    (table,) = _tables(timeline_fixture.rolling_deploy(), replications=1)
    assert table.title == "What happened in pool main"
    assert [row[1] for row in table.rows] == ["rollout", "crash"]


def test_a_plain_fleet_has_no_story() -> None:
    assert _tables(timeline_fixture.plain_minutes()) == []


def test_replicas_that_become_ready_are_no_story() -> None:
    fleet = timeline_fixture.plain_minutes()
    fleet.events.append(FleetEvent(60.0, "main", "ready", "replica 1 is ready", 3, 3))
    assert _tables(fleet) == []


def test_each_pool_has_its_own_story_and_those_without_none() -> None:
    fleet = timeline_fixture.rolling_deploy()
    rows = [*fleet.rows, *({**row, "pool": "small"} for row in fleet.rows)]
    events = [*fleet.events, FleetEvent(5.0, "small", "crash", "replica 9 crashed", 6, 5)]
    tables = what_happened(events, rows, {}, fleet.clock)
    assert [len(table.rows) for table in tables] == [2, 1]
    assert [len(what_happened(fleet.events, rows, {}, fleet.clock))] == [1]


def test_hostile_reasons_are_cleaned() -> None:
    fleet = timeline_fixture.plain_minutes()
    fleet.events.append(FleetEvent(60.0, "main", "crash", "\x1b[2Jgone", 3, 2))
    (table,) = _tables(fleet)
    assert "\x1b" not in table.rows[0][2]


def test_what_was_wanted_at_first_is_the_samples_or_else_the_events() -> None:
    (samples,) = by_pool([{"t_s": 0.0, "pool": "p", "replicas_wanted": 2.0}])
    events = [FleetEvent(10.0, "p", "scale", "", 5, 2)]
    assert told(events, samples, 60.0)[0].change == 3
    (bare,) = by_pool([{"t_s": 0.0, "pool": "p"}])
    assert told(events, bare, 60.0)[0].change == 0
    assert told([], bare, 60.0) == []


def test_events_without_samples_have_no_pool_to_tell_of() -> None:
    assert what_happened([FleetEvent(1.0, "p", "crash", "", 1, 0)], [], {}, Clock(60.0)) == []
