import csv
import io
import json
from typing import Any

import pytest

from sim.report.screen import print_tables
from sim.report.sweep_figure import line_figure, map_figure, sweep_figures
from sim.report.sweep_table import (
    MOST_ROWS,
    rows_of,
    sweep_csv,
    sweep_document,
    sweep_tables,
    told,
)
from sim.studies.store import Row
from sim.studies.sweep_point import COLUMNS


def row(
    number: int, usd: float | None, met: bool | None = True, status: str = "ok", **varied: Any
) -> Row:
    figures = dict.fromkeys(COLUMNS)
    if usd is not None:
        figures |= {"usd_per_million": usd, "usd_per_million_low": 0.9 * usd}
        figures |= {"usd_per_million_high": 1.1 * usd, "ttft_p95_s": 0.2}
    error = "ValueError: =no" if status == "failed" else None
    return Row(number, f"k{number}", varied, status, error, met, figures)


GRID = [
    row(1 + 3 * y + x, 0.5 * (x + 1) / (y + 1), x < 2, a=y, b=x) for y in (0, 1) for x in range(3)
]


def shown(rows: list[Row]) -> str:
    out = io.StringIO()
    print_tables(sweep_tables(rows), out)
    return out.getvalue()


def test_a_table_marks_the_best_and_who_misses() -> None:
    text = shown(GRID)
    assert "4 *" in text
    assert text.count("NO") == 2
    assert "10.0 %" in text  # half of 0.9 to 1.1
    assert "the cheapest that meets every SLO: #4, $0.250 per 1M with a 1, b 0" in text


def test_many_points_are_cut_to_the_best() -> None:
    rows = [row(i, 1.0 + (i * 7 % 50), i != 1, a=i) for i in range(1, 51)]
    table = sweep_tables(rows)[0]
    assert len(table.rows) == MOST_ROWS
    assert f"The best {MOST_ROWS} of 50 points" in table.note
    prices = [r.figures["usd_per_million"] for r in rows if r.meets_slos]
    assert table.rows[0][2] == f"${min(p for p in prices if p is not None):.2f}"


def test_what_failed_and_what_is_missing_is_told() -> None:
    rows = [row(1, 1.0, a=1), row(2, None, None, "failed", a=2), row(3, None, None, "missing", a=3)]
    text = shown(rows)
    assert "failed" in text
    assert "ValueError: =no" in text
    assert "1 points are still missing" in text


def test_without_slos_the_cheapest_is_not_said_to_meet_any() -> None:
    assert told(row(1, 0.5, None, a=1)).startswith("the cheapest: #1")
    assert "SLOs" not in shown([row(1, 0.5, None, a=1)])
    assert "No point meets every SLO" in shown([row(1, 0.5, False, a=1)])


def test_the_csv_has_all_and_no_formulas() -> None:
    rows = [*GRID, row(9, None, None, "failed", a="=x", b={"c": 1})]
    found = list(csv.DictReader(io.StringIO(sweep_csv(rows))))
    assert len(found) == 7
    assert set(COLUMNS) < set(found[0])
    assert found[-1]["a"] == "'=x"
    assert found[-1]["b"] == "{c: 1}"


def test_the_document_is_json_with_intervals() -> None:
    document = json.loads(json.dumps(sweep_document(GRID, {"scenario": "s"}), allow_nan=False))
    assert (document["scenario"], document["ok"], document["best"]) == ("s", 6, 4)
    figure = document["points"][0]["figures"]["usd_per_million"]
    assert figure == {"value": 0.5, "ci95": [pytest.approx(0.45), pytest.approx(0.55)]}
    assert document["points"][0]["figures"]["utilization"] == {"value": None, "ci95": None}


def test_two_parameters_are_a_map_and_one_is_a_line() -> None:
    line = [row(i, 1.0 / i, i < 4, a=i, b=7) for i in (3, 1, 2, 4)]
    assert set(sweep_figures(GRID)) == {"cost-map"}
    assert set(sweep_figures(line)) == {"cost-line"}
    assert sweep_figures([row(i, 1.0, a=i, b=i, c=i) for i in (1, 2)]) == {}
    assert sweep_figures([]) == {}
    assert (
        sweep_figures([row(1, None, None, "missing", a=1), row(2, None, None, "missing", a=2)])
        == {}
    )
    assert sweep_figures(GRID) == sweep_figures(GRID)


def test_a_map_shows_each_price_where_it_belongs() -> None:
    drawn = map_figure(GRID)
    assert drawn is not None
    axes = drawn.axes[0]
    texts = {tuple(round(at) for at in t.get_position()): t.get_text() for t in axes.texts}
    assert texts[2, 0] == "$1.50"  # x: the last parameter, y: the first
    assert texts[0, 1] == "$0.250"
    assert axes.get_xlabel() == "b"
    assert len([p for p in axes.patches if p.get_hatch()]) == 2


def test_holes_and_failures_of_a_map_are_shown() -> None:
    holes = [*GRID[:-1], row(6, None, None, "failed", a=1, b=2)]
    drawn = map_figure(holes)
    assert drawn is not None
    assert "failed" in {t.get_text() for t in drawn.axes[0].texts}


def test_a_line_has_intervals_and_takes_words() -> None:
    drawn = line_figure([row(i, float(i), None, a=i) for i in (3, 1, 2)])
    assert drawn is not None
    axes = drawn.axes[0]
    assert list(axes.lines[0].get_xdata()) == [1.0, 2.0, 3.0]
    assert len(axes.collections) == 3  # a bar each
    words = line_figure([row(1, 1.0, a="x"), row(2, 20.0, a="y")])
    assert words is not None
    assert [t.get_text() for t in words.axes[0].get_xticklabels()] == ["x", "y"]
    assert words.axes[0].get_yscale() == "log"


def test_what_is_kept_draws_the_same_figures() -> None:
    document = json.loads(json.dumps(sweep_document(GRID, {"scenario": "x"})))
    again = rows_of(document)
    assert sweep_figures(again) == sweep_figures(GRID)
    assert sweep_document(again, {"scenario": "x"}) == document
