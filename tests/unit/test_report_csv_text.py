import csv
import io
from typing import Any

import pytest

from sim.report.csv_text import csv_text, records_csv, safe_cell, summary_csv
from tests.unit.summary_fixture import summary


@pytest.mark.parametrize("text", ["=cmd()", "+1", "-1+1", "@SUM(A1)", "\t=1", "\r=1"])
def test_formulas_are_defused(text: str) -> None:
    assert safe_cell(text) == "'" + text


@pytest.mark.parametrize("value", [-1.5, 0, True, "chat", "a=b"])
def test_harmless_cells_stay(value: Any) -> None:
    assert safe_cell(value) == value


def test_cells_with_commas_quotes_and_newlines_survive() -> None:
    cells = ['a,"b"', "c\nd"]
    assert list(csv.reader(io.StringIO(csv_text(["x", "y"], [cells])))) == [["x", "y"], cells]


def test_records_of_different_keys() -> None:
    assert records_csv([]) == "\n"
    assert records_csv([{"a": 1, "b": None}, {"c": "=x"}]) == "a,b,c\n1,,\n,,'=x\n"


def test_summary_has_a_row_per_figure_with_its_interval() -> None:
    document = summary()
    document["intervals"]["cost.usd_per_million_useful_tokens.value"] = [0.7, 0.8]
    rows = {r["path"]: r for r in csv.DictReader(io.StringIO(summary_csv(document)))}
    real = rows["cost.usd_per_million_useful_tokens.value"]
    assert (real["ci95_low"], real["ci95_high"]) == ("0.7", "0.8")
    assert float(real["value"]) == document["gap"]["real"]
    assert rows["slo.2.met"]["value"] == "False"
    assert rows["hosted"]["value"] == ""
    assert not any(path.startswith(("warnings", "intervals")) for path in rows)
    assert not any(path.endswith("ci95") for path in rows)
