"""Cells: tables with any usual delimiter, streamed, and what is no table."""

import gzip
from pathlib import Path

import pytest

from sim.traffic.cells import Table
from sim.traffic.trace_text import TraceError


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "t.csv"
    path.write_text(text, encoding="utf-8", newline="")
    return path


@pytest.mark.parametrize("mark", [",", ";", "\t"])
def test_the_header_tells_the_delimiter(tmp_path: Path, mark: str) -> None:
    table = Table(written(tmp_path, f"a{mark} b \r\n1{mark}2\r\n3{mark}4\r\n"))
    assert table.header == ["a", "b"]
    assert list(table.rows()) == [["1", "2"], ["3", "4"]]


def test_blank_lines_are_no_rows_but_count_as_lines(tmp_path: Path) -> None:
    table = Table(written(tmp_path, "\n\na,b\n\n1,2\n\n"))
    assert (table.header, table.line) == (["a", "b"], 3)
    rows = table.rows()
    assert next(rows) == ["1", "2"]
    assert table.line == 5
    assert list(rows) == []


def test_quotes_gzip_and_marks_of_order_are_read(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_bytes(gzip.compress('\ufeff"a,1",b\n"x\ny","2"\n'.encode()))
    table = Table(path)
    assert table.header == ["a,1", "b"]
    assert list(table.rows()) == [["x\ny", "2"]]


def test_one_column_needs_no_delimiter(tmp_path: Path) -> None:
    assert list(Table(written(tmp_path, "n\n5\n")).rows()) == [["5"]]


@pytest.mark.parametrize("text", ["", "\n \n\n"])
def test_an_empty_file_is_no_table(tmp_path: Path, text: str) -> None:
    with pytest.raises(TraceError, match=r"t\.csv: is empty; allowed: a header and at least"):
        Table(written(tmp_path, text))


def test_rows_unlike_the_header_are_refused(tmp_path: Path) -> None:
    rows = Table(written(tmp_path, "a,b\n1,2\n1,2,3\n")).rows()
    next(rows)
    with pytest.raises(TraceError, match=r"t\.csv:3: has 3 cells, the header has 2"):
        next(rows)


def test_broken_quotes_are_refused(tmp_path: Path) -> None:
    with pytest.raises(TraceError, match=r"t\.csv:2: is not CSV"):
        list(Table(written(tmp_path, 'a,b\n1,"2\n')).rows())


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TraceError, match="cannot be read"):
        Table(tmp_path / "none.csv")
