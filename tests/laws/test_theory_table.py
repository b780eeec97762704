"""The committed table is about the cases that there are."""

from __future__ import annotations

from pathlib import Path

from tests.laws.theory_cases import cases
from tests.laws.theory_table import names, number

DOCUMENT = Path(__file__).parents[2] / "docs" / "theory.md"


def test_every_figure_has_its_row_with_its_theory_and_passed() -> None:
    text = DOCUMENT.read_text(encoding="utf-8")
    rows = [line.split(" | ") for line in text.splitlines() if line.startswith("| T")]
    found = [(row[0].removeprefix("| "), *row[1:4]) for row in rows]
    expected = [
        (*names(case, figure), number(figure.theory))
        for case in cases()
        for figure in case.every_figure
    ]
    assert found == expected
    assert "fails" not in "".join(row[-1] for row in rows)


def test_numbers_read_as_numbers() -> None:
    assert [number(x) for x in (100000.5, 143.0419, 0.5, 3.7e-05)] == [
        "100000", "143.04", "0.5", "3.7e-05"
    ]  # fmt: skip
