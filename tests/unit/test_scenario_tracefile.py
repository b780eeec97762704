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
