"""JSON documents of a trace file that is no table of lines; held as text, decoded one at a time.

Knows no clock.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from sim.traffic.trace_text import TraceError, whole

_SPACE = re.compile(r"[ \t\r\n]*")


class Found(NamedTuple):
    """One value of a file and the line that it begins on."""

    line: int
    value: Any


def documents(path: Path) -> Iterator[Found]:
    """Yield the documents of *path* that follow one another. Raises TraceError."""
    reading = _Reading(path)
    while not reading.at_end():
        yield reading.value()


def elements(path: Path) -> Iterator[Found]:
    """Yield the elements of the one array that *path* is. Raises TraceError."""
    reading = _Reading(path)
    reading.expect("[")
    if not reading.sees("]"):
        yield reading.value()
        while reading.sees(","):
            reading.expect(",")
            yield reading.value()
    reading.expect("]")
    if not reading.at_end():
        raise reading.error("has text after its array; allowed: one JSON array")


class _Reading:
    """A place in the text of a file."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._text = whole(path)
        self._at = self._counted = 0
        self._line = 1
        self._decode = json.JSONDecoder().raw_decode
        self._skip_space()

    def at_end(self) -> bool:
        return self._at == len(self._text)

    def sees(self, mark: str) -> bool:
        return self._text.startswith(mark, self._at)

    def expect(self, mark: str) -> None:
        if not self.sees(mark):
            end = "its end" if self.at_end() else repr(self._text[self._at])
            raise self.error(f"is not JSON ({mark!r} expected, {end} found)")
        self._at += len(mark)
        self._skip_space()

    def value(self) -> Found:
        try:
            value, end = self._decode(self._text, self._at)
        except (ValueError, RecursionError) as error:
            reason = getattr(error, "msg", "nested too deeply or a number too long")
            self._at = getattr(error, "pos", self._at)
            raise self.error(f"is not JSON ({reason})") from None
        found = Found(self._line_here(), value)
        self._at = end
        self._skip_space()
        return found

    def error(self, problem: str) -> TraceError:
        return TraceError(self._path, self._line_here(), problem)

    def _line_here(self) -> int:
        self._line += self._text.count("\n", self._counted, self._at)
        self._counted = self._at
        return self._line

    def _skip_space(self) -> None:
        space = _SPACE.match(self._text, self._at)
        self._at = space.end() if space else self._at
