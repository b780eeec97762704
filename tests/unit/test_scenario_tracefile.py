"""Trace file: paths become absolute, and a missing one says how to give it."""

from pathlib import Path
from typing import Any

import pytest

from sim.scenario.tracefile import find_traces


def traced(path: str) -> dict[str, Any]:
    return {"routes": {"chat": {"arrivals": {"trace": path}}}}


def test_paths_start_at_the_scenario(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("x")
    data = traced("t.csv")
    assert find_traces(data, tmp_path, lambda _: False) == []
    assert data == traced(str(tmp_path / "t.csv"))


def test_paths_of_overrides_start_where_the_user_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "t.csv").write_text("x")
    monkeypatch.chdir(tmp_path)
    data = traced("t.csv")
    assert find_traces(data, Path("/elsewhere"), lambda _: True) == []
    assert data == traced(str(tmp_path / "t.csv"))


def test_a_missing_trace_says_how_to_give_it(tmp_path: Path) -> None:
    (finding,) = find_traces(traced("t.csv"), tmp_path, lambda _: False)
    assert finding.path == ("routes", "chat", "arrivals", "trace")
    assert finding.message == (
        "the trace 't.csv' does not exist; give the path of yours with "
        "--set routes.chat.arrivals.trace=PATH"
    )


def test_a_folder_is_no_trace(tmp_path: Path) -> None:
    (finding,) = find_traces(traced("."), tmp_path, lambda _: False)
    assert finding.message.startswith("the trace '.' is not a file")


@pytest.mark.parametrize(
    "data",
    [None, {}, {"routes": []}, {"routes": {"a": {"arrivals": {"trace": 3}}}}, traced("a\0b")],
)
def test_data_of_any_shape(data: Any, tmp_path: Path) -> None:
    assert find_traces(data, tmp_path, lambda _: False) == []


def test_nobodys_home(tmp_path: Path) -> None:
    (finding,) = find_traces(traced("~nobody-of-that-name/t.csv"), tmp_path, lambda _: False)
    assert "does not exist" in finding.message


def recorded(path: str, *fields: str) -> dict[str, Any]:
    inner: dict[str, Any] = {"empirical": path, "column": "n"}
    for field in reversed(fields):
        inner = {field: inner}
    return {"routes": {"chat": inner}}


@pytest.mark.parametrize(
    "fields",
    [("input_tokens",), ("output_tokens",), ("sessions", "first_tokens"), ("sessions", "turns")],
)
def test_recorded_lengths_are_found_like_traces(tmp_path: Path, fields: tuple[str, ...]) -> None:
    (tmp_path / "t.csv").write_text("n\n1\n")
    data = recorded("t.csv", *fields)
    assert find_traces(data, tmp_path, lambda _: False) == []
    assert data == recorded(str(tmp_path / "t.csv"), *fields)


def test_missing_recorded_lengths_say_how_to_give_them(tmp_path: Path) -> None:
    data = recorded("t.csv", "input_tokens")
    data["routes"]["chat"]["output_tokens"] = {"empirical": ".", "column": "n"}
    first, second = find_traces(data, tmp_path, lambda _: False)
    assert first.path == ("routes", "chat", "input_tokens", "empirical")
    assert first.message == (
        "the file 't.csv' does not exist; give the path of yours with "
        "--set routes.chat.input_tokens.empirical=PATH"
    )
    assert second.message.startswith("the file '.' is not a file")


@pytest.mark.parametrize(
    "data",
    [recorded("", "input_tokens"), {"routes": {"a": {"input_tokens": 3, "sessions": None}}}],
)
def test_lengths_of_any_shape(data: Any, tmp_path: Path) -> None:
    assert find_traces(data, tmp_path, lambda _: False) == []
