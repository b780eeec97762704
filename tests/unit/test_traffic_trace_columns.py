"""Columns of a trace: known names, chosen names, and the hints when neither is there."""

from __future__ import annotations

import pytest

from sim.traffic.trace_columns import find_columns, unit_of


@pytest.mark.parametrize(
    ("found", "names"),
    [
        # Azure 2023, Mooncake, BurstGPT, Splitwise, OpenTelemetry, chat completions
        ("TIMESTAMP ContextTokens GeneratedTokens", None),
        ("timestamp input_length output_length hash_ids", "timestamp input_length output_length"),
        (
            "Timestamp|Model|Request tokens|Response tokens|Total tokens|Log Type",
            "Timestamp|Request tokens|Response tokens",
        ),
        (
            "request_id request_type arrival_timestamp prompt_size token_size",
            "arrival_timestamp prompt_size token_size",
        ),
        (
            "startTimeUnixNano attributes.gen_ai.usage.input_tokens "
            "attributes.gen_ai.usage.output_tokens",
            None,
        ),
        (
            "created id usage.prompt_tokens usage.completion_tokens usage.total_tokens",
            "created usage.prompt_tokens usage.completion_tokens",
        ),
    ],
)
def test_public_formats_are_known(found: str, names: str | None) -> None:
    mark = "|" if "|" in found else " "
    roles = ("time", "input_tokens", "output_tokens")
    wanted = (names or found).split(mark)
    assert find_columns(found.split(mark), {}) == dict(zip(roles, wanted, strict=True))


def test_chosen_names_go_before_known_ones() -> None:
    found = ["timestamp", "sent", "input_tokens", "output_tokens"]
    assert find_columns(found, {"time": "sent"})["time"] == "sent"
    assert find_columns(found, {})["time"] == "timestamp"


@pytest.mark.parametrize(
    ("found", "chosen", "message"),
    [
        (
            ["when", "input_tokens", "output_tokens"],
            {},
            "no column for the time; found: 'when', 'input_tokens', 'output_tokens'; "
            "known names: TIMESTAMP, time, time_s, time_ms, …, "
            "or name one with columns: {time: …}",
        ),
        (
            ["time", "input_tokens", "outputtokns"],
            {},
            "no column for the output tokens (is it 'outputtokns'?); "
            "found: 'time', 'input_tokens', 'outputtokns'; "
            "known names: GeneratedTokens, output_tokens, output_length, completion_tokens, …, "
            "or name one with columns: {output_tokens: …}",
        ),
        (
            ["time", "input_tokens", "output_tokens"],
            {"time": "tme"},
            "no column 'tme' (columns.time), did you mean 'time'?; "
            "found: 'time', 'input_tokens', 'output_tokens'",
        ),
        (
            ["time", "prompt_tokens", "input_tokens", "output_tokens"],
            {},
            "more than one column could be the input tokens: 'prompt_tokens', 'input_tokens'; "
            "name one with columns: {input_tokens: …}",
        ),
        (["time", "time"], {}, "the column 'time' is there 2 times; allowed: once"),
        ([], {"time": "t"}, "no column 't' (columns.time); found: nothing"),
    ],
)
def test_misfits_are_explained(found: list[str], chosen: dict[str, str], message: str) -> None:
    with pytest.raises(ValueError) as caught:
        find_columns(found, chosen)
    assert str(caught.value) == message


def test_long_headers_are_cut_in_messages() -> None:
    with pytest.raises(ValueError, match=r"'c11', … \(500 in all\);") as caught:
        find_columns([f"c{index}" for index in range(500)], {})
    assert len(str(caught.value)) < 400


@pytest.mark.parametrize(
    ("name", "unit"),
    [
        ("startTimeUnixNano", "ns"),
        ("start_time_ns", "ns"),
        ("time_us", "us"),
        ("arrived_at_ms", "ms"),
        ("arrived_at_s", "s"),
        ("timestamp", "auto"),
        ("ts", "auto"),
        ("s", "auto"),
    ],
)
def test_names_tell_units(name: str, unit: str) -> None:
    assert unit_of(name) == unit
