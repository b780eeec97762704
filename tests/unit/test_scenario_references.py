"""References: wrong names are found in plain data, whatever else is wrong with it."""

from typing import Any

import pytest

from sim.scenario.references import broken_references


def found(data: Any) -> list[tuple[str, tuple[str | int, ...]]]:
    return [(fault.message, fault.steps) for fault in broken_references(data)]


def test_sound_references() -> None:
    data = {
        "routes": {"a": {"pool": "p"}},
        "pools": {"p": {}},
        "bill": [{"line": "x", "pool": "p"}, {"line": "y", "route": "a"}],
    }
    assert found(data) == []


def test_wrong_references() -> None:
    data = {
        "routes": {"chat": {"pool": "mian"}},
        "pools": {"main": {}},
        "bill": [{"line": "x", "pool": "zebra"}, {"line": "x", "route": "chatt"}],
    }
    assert found(data) == [
        ("no pool is called 'mian'; did you mean 'main'?", ("routes", "chat", "pool")),
        ("no pool is called 'zebra'; there is main", ("bill", 0, "pool")),
        ("no route is called 'chatt'; did you mean 'chat'?", ("bill", 1, "route")),
        ("the line 'x' is there twice", ("bill", 1, "line")),
    ]


@pytest.mark.parametrize(
    "data",
    [
        None,
        [],
        {"routes": [], "pools": 3, "bill": "x"},
        {"routes": {"a": None}, "pools": {"p": {}}, "bill": [None, {"line": 3}]},
        {"routes": {"a": {"pool": "p"}}},  # no pools at all is another problem
    ],
)
def test_data_of_any_shape(data: Any) -> None:
    assert found(data) == []
