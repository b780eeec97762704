"""Results of `vllm bench serve` as a trace: which are read, and what the others lack."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from sim.traffic.trace_bench import bench_rows
from sim.traffic.trace_text import MAX_LINE_BYTES, TraceError

RESULT = {
    "request_throughput": 2.0,
    "input_lens": [10, 11],
    "output_lens": [20, 0],
    "start_times": [5.25, 5.5],
}


def write(path: Path, *results: Any) -> Path:
    path.write_text("\n".join(json.dumps(result) for result in results))
    return path


def test_rows_are_the_requests_in_the_order_of_the_file(tmp_path: Path) -> None:
    opened = bench_rows(write(tmp_path / "x.json", RESULT))
    assert [row[:4] for row in opened.rows] == [(1, 5.25, 10, 20), (1, 5.5, 11, 0)]
    assert (opened.time_unit, opened.any_order) == ("s", True)


def test_one_line_may_be_longer_than_that_of_a_table(tmp_path: Path) -> None:
    path = write(tmp_path / "x.json", {**RESULT, "generated_texts": ["x" * (MAX_LINE_BYTES + 1)]})
    assert len(list(bench_rows(path).rows)) == 2


@pytest.mark.parametrize(
    ("results", "message"),
    [
        ([], ": holds 0 results (saved with --append-result); allowed: one"),
        ([RESULT, RESULT, RESULT], ":2: holds 3 results (saved with --append-result)"),
        ([[RESULT]], ":1: is [{'request_throughput': 2.0"),
        ([{**RESULT, "output_lens": 0}], ":1: has no list output_lens; save the result with"),
        ([{**RESULT, "input_lens": []}], ":1: has lists of unequal length (start_times 2, input"),
    ],
)
def test_what_is_no_result_of_one_run(tmp_path: Path, results: list[Any], message: str) -> None:
    path = write(tmp_path / "x.json", *results)
    with pytest.raises(TraceError) as caught:
        bench_rows(path)
    assert str(caught.value).startswith(f"{path}{message}")
