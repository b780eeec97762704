"""Rows of a trace: formats told apart, delimiters, nested JSON, blank lines and line numbers."""

from __future__ import annotations

from pathlib import Path

import pytest

from sim.traffic.trace_rows import open_rows
from sim.traffic.trace_text import TraceError


def write(path: Path, text: str) -> Path:
    path.write_text(text, newline="")
    return path


def failure(path: Path, format_: str = "auto", columns: dict[str, str] | None = None) -> str:
    with pytest.raises(TraceError) as caught:
        list(open_rows(path, format_, columns or {}).rows)
    return str(caught.value)


@pytest.mark.parametrize("mark", [",", ";", "\t"])
def test_csv_with_any_usual_delimiter(tmp_path: Path, mark: str) -> None:
    text = "id,timestamp,prompt_tokens,completion_tokens\n\na,0.5,10,20\r\n\nb,0.6,11,21"
    opened = open_rows(write(tmp_path / "x", text.replace(",", mark)), "auto", {})
    assert [row[:5] for row in opened.rows] == [
        (3, "0.5", "10", "20", None),
        (5, "0.6", "11", "21", None),
    ]
    assert opened.time_unit == "auto"
    assert opened.columns["input_tokens"] == "prompt_tokens"


def test_lines_are_counted_through_quoted_line_ends_and_blank_heads(tmp_path: Path) -> None:
    text = '\n \n"note",time,input_tokens,output_tokens\n"two\nlines",0,10,20\n"a ""b"" c",1,2,3\n'
    opened = open_rows(write(tmp_path / "x", text), "csv", {})
    assert [row[:4] for row in opened.rows] == [(5, "0", "10", "20"), (6, "1", "2", "3")]


def test_json_lines_with_nested_values(tmp_path: Path) -> None:
    text = (
        '{"startTimeUnixNano": "17", "attributes": {"gen_ai.usage.input_tokens": 10, '
        '"gen_ai": {"usage": {"output_tokens": 20}}}}\n\n'
        '{"attributes": {"gen_ai": {"usage": {"output_tokens": 21}}, '
        '"gen_ai.usage.input_tokens": 11}, "startTimeUnixNano": "18"}\n'
    )
    opened = open_rows(write(tmp_path / "x", text), "auto", {})
    assert [row[:5] for row in opened.rows] == [(1, "17", 10, 20, None), (3, "18", 11, 21, None)]
    assert opened.time_unit == "ns"


@pytest.mark.parametrize(
    ("format_", "hashes", "unit", "found"),
    [
        ("auto", ', "hash_ids": [4, 5]', "ms", [4, 5]),
        ("mooncake", ', "hash_ids": [4, 5]', "ms", [4, 5]),
        ("mooncake", "", "ms", None),
        ("jsonl", ', "hash_ids": [4, 5]', "auto", None),
        ("auto", "", "auto", None),
    ],
)
def test_mooncake_is_told_by_its_hashes(
    tmp_path: Path, format_: str, hashes: str, unit: str, found: list[int] | None
) -> None:
    text = f'{{"timestamp": 3000, "input_length": 600, "output_length": 20{hashes}}}\n'
    opened = open_rows(write(tmp_path / "x", text), format_, {})
    assert opened.time_unit == unit
    assert [row[:5] for row in opened.rows] == [(1, 3000, 600, 20, found)]


def test_formats_with_fixed_columns_take_no_others(tmp_path: Path) -> None:
    path = write(tmp_path / "x", "timestamp,prompt_tokens,GeneratedTokens\n0,1,1\n")
    assert failure(path, "azure") == (
        f"{path}:1: no column 'TIMESTAMP' (columns.time), did you mean 'timestamp'?; "
        "found: 'timestamp', 'prompt_tokens', 'GeneratedTokens'"
    )


@pytest.mark.parametrize(
    ("text", "format_", "message"),
    [
        ('{"a": 1}\n', "csv", ":1: looks like JSON lines, but format csv is CSV"),
        ("a,b\n", "mooncake", ":1: looks like CSV, but format mooncake is JSON lines"),
        ("\n\n \n", "auto", ": is empty; allowed: a header and at least one row"),
        ("time,input_tokens,output_tokens\n0,1,2,3\n", "csv", ":2: has 4 cells, the header has 3"),
        ("time,input_tokens,output_tokens\n0,1\r2,3\n", "csv", ":2: is not CSV (new-line char"),
    ],
)
def test_misfits_are_said_with_their_line(
    tmp_path: Path, text: str, format_: str, message: str
) -> None:
    path = write(tmp_path / "x", text)
    assert failure(path, format_).startswith(f"{path}{message}")


def test_a_key_that_vanishes_deep_inside_is_named(tmp_path: Path) -> None:
    text = (
        '{"time": 0, "usage": {"input_tokens": 1, "output_tokens": 2}}\n{"time": 1, "usage": 7}\n'
    )
    path = write(tmp_path / "x", text)
    assert failure(path) == (
        f"{path}:2: has no 'usage.input_tokens'; every row needs what the first row has"
    )


def test_unknown_formats_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="format 'xml' is none of auto, azure"):
        open_rows(write(tmp_path / "x", "a\n"), "xml", {})
