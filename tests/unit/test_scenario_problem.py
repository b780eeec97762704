"""Problem: how mistakes are printed, in which order, and that each is printed once."""

import pickle

from sim.scenario.problem import MOST_SHOWN, Problem, ScenarioError


def problem(line: int | None, column: int | None = 1, **changes: str | None) -> Problem:
    fields = {"file": "f.yaml", "path": "a.b", "message": "is wrong", "source_line": "a: {b: 1}"}
    return Problem(line=line, column=column, **(fields | changes))  # type: ignore[arg-type]


def test_a_problem_shows_its_line_and_a_caret() -> None:
    assert str(problem(3, 8)) == "f.yaml:3:8: a.b: is wrong\n    a: {b: 1}\n           ^"


def test_a_problem_without_a_place() -> None:
    assert str(problem(None, None, path="", source_line=None)) == "f.yaml: is wrong"


def test_problems_come_by_line_and_once() -> None:
    late, early, override = problem(9), problem(2), problem(None, None, file="--set #2 (x=1)")
    first = problem(None, None, file="--set #1 (x=1)")
    error = ScenarioError([override, late, early, late, first])
    assert error.problems == (early, late, first, override)


def test_tabs_and_control_characters_cannot_break_the_screen() -> None:
    text = str(problem(1, 2, source_line="\ta\x1b[31m\u202e: 1"))
    assert text.splitlines()[1:] == ["     a\ufffd[31m\ufffd: 1", "     ^"]


def test_long_lines_are_cut_around_the_caret() -> None:
    text = str(problem(1, 500, source_line="x" * 499 + "Y" + "x" * 500))
    shown, caret = text.splitlines()[1:]
    assert len(shown) <= 4 + 160
    assert shown[caret.index("^")] == "Y"


def test_many_problems_are_counted() -> None:
    error = ScenarioError([problem(n) for n in range(1, MOST_SHOWN + 8)])
    assert str(error).endswith("\n... and 7 more problems")
    assert len(error.problems) == MOST_SHOWN + 7


def test_errors_pickle() -> None:
    error = ScenarioError([problem(2)])
    twin = pickle.loads(pickle.dumps(error))
    assert (twin.problems, str(twin)) == (error.problems, str(error))
