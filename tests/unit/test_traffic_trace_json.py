"""JSON traces: lines and arrays give the same rows; keys that vanish are named."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from sim.traffic.trace_csv import CACHED
from sim.traffic.trace_json import array_rows, line_rows
from sim.traffic.trace_text import TraceError, lines

ROWS = [
    {"startTime": "a", "endTime": "b", "prompt_tokens": 5, "completion_tokens": 6, "cache_hit": hit}
    for hit in ("False", "True", True, None, "Cache OFF")
]


def test_lines_and_arrays_give_the_same_rows(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_text("\n".join(json.dumps(row) for row in ROWS))
    by_line = list(line_rows(path, 0, lines(path), "auto", {}).rows)
    path.write_text("[" + ",\n".join(json.dumps(row) for row in ROWS) + "]")
    opened = array_rows(path, "litellm", {})
    assert list(opened.rows) == by_line
    assert [row.left_out for row in by_line] == [None, CACHED, CACHED, None, None]
    assert opened.any_order


def test_an_array_may_be_empty_or_hold_something_else(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_text("[]")
    with pytest.raises(TraceError, match="holds no rows; allowed: one row or more"):
        array_rows(path, "litellm", {})
    path.write_text('[{"startTime": 1, "prompt_tokens": 2}]')
    with pytest.raises(TraceError, match=":1: no column 'completion_tokens'"):
        array_rows(path, "litellm", {})
