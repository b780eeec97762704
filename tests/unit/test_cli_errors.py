from pathlib import Path

import pytest

from sim.catalog.names import UnknownName
from sim.cli.errors import DEBUG, InputError, failed
from sim.report.atomic import OutError
from sim.scenario.problem import Problem, ScenarioError
from sim.traffic.trace_text import TraceError


@pytest.mark.parametrize(
    "error",
    [
        InputError("no"),
        OutError("no"),
        UnknownName("GPU", "x", ["y"]),
        TraceError(Path("t.csv"), 3, "bad"),
        ScenarioError([Problem("f.yaml", 1, 2, "routes", "bad")]),
    ],
)
def test_what_the_user_gave_is_2(error: Exception, capsys: pytest.CaptureFixture[str]) -> None:
    assert failed(error) == 2
    err = capsys.readouterr().err
    assert str(error) in err
    assert "bug" not in err


def test_a_problem_keeps_its_excerpt_and_caret(capsys: pytest.CaptureFixture[str]) -> None:
    problem = Problem("f.yaml", 1, 4, "a", "bad", "a:\tb\x1b[2J")
    assert failed(ScenarioError([problem, problem])) == 2
    lines = capsys.readouterr().err.splitlines()
    assert lines[0] == "f.yaml:1:4: a: bad"
    assert lines[1].index("b") == lines[2].index("^")
    assert all(line.isprintable() for line in lines)


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (MemoryError(), "out of memory"),
        (OSError(24, "Too many open files"), "the operating system refused"),
        (ValueError("x"), "a bug: ValueError: x"),
    ],
)
def test_everything_else_is_1(
    error: Exception,
    text: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv(DEBUG, raising=False)
    assert failed(error) == 1
    assert text in capsys.readouterr().err
