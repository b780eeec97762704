"""Formats of traces: each is recognised by its own names, and by nothing less."""

from __future__ import annotations

from typing import get_args, get_type_hints

import pytest

from sim.scenario.arrivals import TraceArrivals
from sim.traffic.trace_formats import (
    CSV,
    FORMATS,
    JSON_LINES,
    NAMES,
    looks_like_bench,
    looks_like_spend_logs,
    settle,
)

AZURE = ["TIMESTAMP", "ContextTokens", "GeneratedTokens"]
BURSTGPT = ["Timestamp", "Model", "Request tokens", "Response tokens", "Total tokens", "Log Type"]
SPEND_LOGS = ["request_id", "startTime", "endTime", "prompt_tokens", "completion_tokens", "model"]
MOONCAKE = ["timestamp", "input_length", "output_length", "hash_ids"]


def test_a_scenario_may_name_every_format() -> None:
    assert get_args(get_type_hints(TraceArrivals)["format"]) == NAMES


@pytest.mark.parametrize(
    ("written_in", "names", "format_"),
    [
        (CSV, AZURE, "csv"),
        (CSV, BURSTGPT, "burstgpt"),
        (CSV, ["Session ID", *BURSTGPT], "burstgpt"),
        (CSV, BURSTGPT[:-1], "csv"),
        (CSV, SPEND_LOGS, "litellm"),
        (JSON_LINES, SPEND_LOGS, "litellm"),
        (CSV, [name for name in SPEND_LOGS if name != "endTime"], "csv"),
        (JSON_LINES, MOONCAKE, "mooncake"),
        (JSON_LINES, MOONCAKE[:-1], "jsonl"),
        (CSV, MOONCAKE, "csv"),
    ],
)
def test_names_tell_the_format(written_in: str, names: list[str], format_: str) -> None:
    found, columns = settle(written_in, "auto", names, {})
    assert found is FORMATS[format_]
    assert set(columns.values()) <= set(names)


def test_a_recognised_format_brings_its_columns() -> None:
    names = [*SPEND_LOGS, "created_at"]  # which is a known name of a time, too
    assert settle(CSV, "auto", names, {})[1]["time"] == "startTime"
    assert settle(CSV, "auto", names, {"time": "created_at"})[1]["time"] == "created_at"


def test_a_recognised_format_may_have_other_names_for_its_columns() -> None:
    names = ["ts", "input_tokens", "output_tokens", "hash_ids"]
    found, columns = settle(JSON_LINES, "auto", names, {})
    assert (found.time_unit, columns["time"]) == ("ms", "ts")
    with pytest.raises(ValueError, match="no column 'timestamp'"):
        settle(JSON_LINES, "mooncake", names, {})


@pytest.mark.parametrize(
    ("head", "bench"),
    [
        ('{"date": "x", "request_throughput": 1.0,', True),
        ('\n {\n  "input_lens" : [', True),
        ('{"timestamp": 0, "input_length": 5, "output_length": 6}', False),
        ('[{"request_throughput": 1.0}]', False),
        ("request_throughput,time", False),
        ("", False),
    ],
)
def test_results_of_a_benchmark_are_told_by_their_keys(head: str, bench: bool) -> None:
    assert looks_like_bench(head) is bench


@pytest.mark.parametrize(
    ("head", "logs"),
    [
        ('[{"startTime": "x", "prompt_tokens": 1, "completion_tokens": 2}]', True),
        ('[{"startTime": "x", "prompt_tokens": 1}]', False),
        ('{"startTime": "x", "prompt_tokens": 1, "completion_tokens": 2}', False),
    ],
)
def test_arrays_of_spend_logs_are_told_by_their_keys(head: str, logs: bool) -> None:
    assert looks_like_spend_logs(head) is logs
