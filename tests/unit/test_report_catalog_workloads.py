import pytest

from sim.catalog.workloads import day_curves, workloads
from sim.report.catalog_workloads import (
    MARK,
    WORKLOAD_TABLES,
    arrival_table,
    curve_table,
    evidence_table,
    length_table,
    reasoning_table,
    scope_table,
    source_table,
)
from sim.report.table import Table
from tests.unit.test_report_catalog_tables import TODAY


def row(made: Table, name: str) -> tuple[str, ...]:
    (found,) = (cells for cells in made.rows if cells[0].split()[0] == name)
    return found


def test_stand_ins_are_marked_wherever_they_stand_among_traces() -> None:
    for make in (length_table, arrival_table, evidence_table, source_table, scope_table):
        names = [cells[0] for cells in make(TODAY).rows]
        marked = {name.split()[0] for name in names if MARK in name}
        shown = {name.split()[0] for name in names}
        assert marked == {w.name for w in workloads() if w.assumption} & shown
    assert MARK in length_table(TODAY).note


def test_lengths() -> None:
    assert row(length_table(TODAY), "azure-conv-2023")[1:] == (
        *("1,020", "4,142", "129", "601"),
        *("10 bins", "-", "-"),
    )
    assert row(length_table(TODAY), "agent-planning")[5:] == ("-", "3,000", "70%")
    assert len(length_table(TODAY).rows) == len(workloads())


def test_quantiles_between_levels_are_interpolated_in_the_logarithm() -> None:
    """azure-code-2024 has outputs of 1 at level 0 and 16 at 0.75: 16^(2/3) = 6.35 at 0.5."""
    assert row(length_table(TODAY), "azure-code-2024")[3] == "6"


def test_arrivals() -> None:
    made = arrival_table(TODAY)
    assert row(made, "azure-conv-2023")[1:4] == ("5.53", "0.95", "0.031, 700 ms; 0.056, 390 s")
    assert row(made, "agent-planning")[4:] == ("3.00", "azure-conv-2024", "4.00", "60.0 s")
    assert "arxiv-summaries" not in {cells[0] for cells in made.rows}


def test_evidence_puts_the_source_beside_the_constants() -> None:
    text = row(evidence_table(TODAY), "mooncake-conversation")[1]
    assert "IDC at 600 s 11.7 of 16; " in text
    assert text.endswith("mean input, in sessions 12,000 of 12,035")


def test_sources_scopes_and_reasons() -> None:
    assert row(source_table(TODAY), "arxiv-summaries")[1].endswith("(MIT)")
    assert "prefixes" in row(scope_table(TODAY), "azure-conv-2023")[2]
    assert len(reasoning_table(TODAY).rows) == 5
    assert all(cells[1] for cells in reasoning_table(TODAY).rows)


def test_curves() -> None:
    assert row(curve_table(TODAY), "azure-code-2024")[3:5] == ("their own", "UTC")
    assert len(curve_table(TODAY).rows) == len(day_curves())


@pytest.mark.parametrize("make", WORKLOAD_TABLES)
def test_every_table_is_whole(make: object) -> None:
    made = make(TODAY)  # type: ignore[operator]
    assert made.rows
    assert {len(cells) for cells in made.rows} == {len(made.columns)}
