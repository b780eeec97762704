"""Problem: one thing that is wrong in what the user wrote, and where; knows no clock."""

from __future__ import annotations

import re
from dataclasses import dataclass

MOST_SHOWN = 50
"""Problems that an error's text lists; the rest is counted."""

_WIDEST = 160


@dataclass(frozen=True)
class Problem:
    """One mistake. *line* and *column* count from 1; None where the file has no such place.

    *file* is the path as the user gave it, or ``--set #1 (path=value)``. *path* names the field,
    dotted; empty for the document as a whole.
    """

    file: str
    line: int | None
    column: int | None
    path: str
    message: str
    source_line: str | None = None

    def __str__(self) -> str:
        place = "" if self.line is None else f":{self.line}:{self.column}"
        head = f"{self.file}{place}: " + (f"{self.path}: " if self.path else "") + self.message
        if self.source_line is None or self.column is None:
            return head
        return "\n".join([head, *_excerpt(self.source_line, self.column)])


class ScenarioError(ValueError):
    """A scenario that cannot be used; `problems` holds all that is wrong with it, by line."""

    def __init__(self, problems: list[Problem] | tuple[Problem, ...]) -> None:
        self.problems = tuple(dict.fromkeys(sorted(problems, key=_order)))
        super().__init__(self.problems)  # so that it survives pickling between processes

    def __str__(self) -> str:
        shown = [str(problem) for problem in self.problems[:MOST_SHOWN]]
        if (more := len(self.problems) - MOST_SHOWN) > 0:
            shown.append(f"... and {more} more problems")
        return "\n".join(shown)


def _order(problem: Problem) -> tuple[int, int, int, str]:
    number = re.match(r"--set #(\d+) ", problem.file)
    override = int(number[1]) if number else 0  # overrides come after the file, in their order
    return (override, problem.line or 0, problem.column or 0, problem.path)


def _excerpt(source_line: str, column: int) -> list[str]:
    """Return the line and a caret under *column*; control characters and long lines made safe."""
    clean = "".join(
        c if c.isprintable() else " " if c == "\t" else "\N{REPLACEMENT CHARACTER}"
        for c in source_line
    )
    start = max(0, column - 1 - _WIDEST // 2) if len(clean) > _WIDEST else 0
    return [
        "    " + clean[start : start + _WIDEST].rstrip(),
        "    " + " " * (column - 1 - start) + "^",
    ]
