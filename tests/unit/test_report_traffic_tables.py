"""Traffic tables: the figures where they belong, what is unknown left out, lines that fit."""

from __future__ import annotations

import io
from dataclasses import replace

import pytest

from sim.report import screen
from sim.report.screen import print_tables
from sim.report.table import Table
from sim.report.traffic_tables import acceptance_table, description_tables, problems_table
from sim.workload.acceptance import Acceptance
from sim.workload.description import Description
from sim.workload.rows import Row
from tests.unit.traffic_fixture import description

ROWS = (
    Row("length KS, in-sample", 0.021, "<= 0.035", 0.0113, (0.01, 0.031), True, "outputs"),
    Row("gap KS", 0.0512, "<= 0.03", None, None, False, "gaps are longer than the model's"),
    Row("in the band", 7.0, "", None, None, None),
    Row("hourly nMAE", None, "<= 0.10", None, None, None, "one day only"),
)


def by_title(tables: list[Table]) -> dict[str, Table]:
    return {table.title: table for table in tables}


def test_every_part_of_a_description_is_shown() -> None:
    tables = by_title(description_tables(description()))
    assert list(tables) == [
        "conv.csv", "Bursts", "Lengths", "Output tokens by input length", "Prefix cache",
        "Day curve",
    ]  # fmt: skip
    overview = tables["conv.csv"]
    assert [c.head for c in overview.columns] == [
        "requests", "over", "per second", "gap CV", "clock's tick"
    ]  # fmt: skip
    assert overview.rows == (("19,366", "58.4 min", "5.53", "1.09", "3 s"),)
    assert overview.note == (
        "Of 19370 rows, 4 with zero output tokens were left out. "
        "The service is switched on and off."
    )
    assert tables["Bursts"].rows == (
        ("0.1 s", "1.07", "0.120", "-"),
        ("60 s", "16.4", "0.0440", "1.52"),
        ("600 s", "-", "-", "1.19"),
    )
    assert tables["Lengths"].rows[0] == (
        "input", "1,155", "3", "100", "200", "300", "400", "600", "700", "14,050"
    )  # fmt: skip
    assert tables["Output tokens by input length"].rows[0][1:4] == ("10", "20", "30")
    assert "0.0610" in tables["Output tokens by input length"].note
    assert tables["Prefix cache"].rows == (("37.4 %", "41.0 %", "12.0 %", "31.0 %"),)
    day = tables["Day curve"]
    assert day.rows[0] == ("weekday", *["0.50"] * 4, *["1.50"] * 4)
    assert day.rows[1] == ("weekend", *["0.80"] * 8)
    assert "clock: 00:00 of the file; 9 days" in day.note
    assert "worst is 7.0 % off" in day.note


def test_what_is_not_known_has_no_table() -> None:
    (only,) = description_tables(Description("x.csv", "lengths"))
    assert (only.title, only.rows, only.note) == ("x.csv", (), "")
    found = replace(description(), dependence=None, cached=None, hours=None, output=None)
    tables = by_title(description_tables(found))
    assert list(tables) == ["conv.csv", "Bursts", "Lengths"]
    assert len(tables["Lengths"].rows) == 1


def test_metrics_say_what_was_missed_and_why() -> None:
    table = acceptance_table(Acceptance("conv.csv", ROWS))
    assert table.title == "conv.csv: the generator beside the trace"
    assert table.rows == (
        ("length KS, in-sample", "0.021", "<= 0.035", "0.011", "0.010 to 0.031", "yes"),
        ("gap KS", "0.051", "<= 0.03", "-", "-", "NO"),
        ("in the band", "7", "-", "-", "-", "-"),
    )
    assert table.note == (
        "Missed: gap KS (gaps are longer than the model's). "
        "Not judged: in the band; hourly nMAE (one day only)."
    )


def test_one_reason_is_told_once() -> None:
    rows = tuple(replace(ROWS[3], metric=name) for name in ("hourly nMAE", "daily nMAE"))
    note = acceptance_table(Acceptance("x", (*rows, ROWS[2]))).note
    assert note == "Not judged: hourly nMAE; daily nMAE (one day only); in the band."


def test_what_was_met_needs_no_note() -> None:
    assert acceptance_table(Acceptance("conv.csv", ROWS[:1])).note == ""


def test_files_that_were_not_used_are_told() -> None:
    table = problems_table([Acceptance("a.bin", problem="is a ZIP archive"), Acceptance("b")])
    assert table.rows == (("a.bin", "is a ZIP archive"), ("b", ""))


@pytest.mark.parametrize("width", [80, 100])
def test_no_line_is_too_long(width: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(screen, "PIPED_COLUMNS", width)
    stream = io.StringIO()
    print_tables(
        [*description_tables(description()), acceptance_table(Acceptance("conv.csv", ROWS))], stream
    )
    assert max(len(line) for line in stream.getvalue().splitlines()) <= width
