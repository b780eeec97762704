"""Catalog tables of cold starts and failures: every row is there, as its numbers say."""

from datetime import date

from sim.catalog.failures import failure_rates, typical_repair
from sim.catalog.startup import startups
from sim.report.catalog_startup import (
    STARTUP_ROWS,
    evidence_table,
    failure_table,
    repair_table,
    startup_table,
    title_table,
)

TODAY = date(2026, 11, 24)


def test_cold_starts_by_phase() -> None:
    rows = {row[0]: row[1:] for row in startup_table(TODAY).rows}
    assert list(rows) == [row.name for row in startups()]
    assert rows["cloud-gpu"][:2] == ("4m (10m)", "8m (10m)")
    assert rows["cloud-gpu"][2] == "1.7 GB/s"
    assert rows["warm"][:2] == ("0s", "0s")
    assert {row[0] for row in title_table(TODAY).rows} == set(rows)


def test_every_source_once_with_all_it_is_of() -> None:
    rows = evidence_table(TODAY).rows
    assert len({row[:2] for row in rows}) == len(rows)
    told = {(name, row[0]) for row in rows for name in row[2].split(", ")}
    assert len(told) == sum(len(row.phases) for row in startups())


def test_failures_and_repairs() -> None:
    rates = {row[0]: row[1] for row in failure_table(TODAY).rows}
    assert rates["typical"] == "250"
    assert len(rates) == len(failure_rates())
    repairs = repair_table(TODAY).rows
    assert [row[:3] for row in repairs] == [
        ("restart", "60%", "15m"),
        ("reboot", "30%", "2h"),
        ("swap", "10%", "4d"),
    ]
    assert len(repairs) == len(typical_repair())


def test_what_the_section_brings() -> None:
    assert list(STARTUP_ROWS) == ["startup", "failure_rates", "repairs"]
    assert all(list(rows()) for rows in STARTUP_ROWS.values())
