"""Clock of a trace: turns its time column into seconds since its first row; no simulated clock.

Differences are taken in the file's own numbers before the division, so that nanosecond stamps
of today, which a float cannot hold, lose nothing.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime

from sim.traffic.trace_text import shown

PER_SECOND = {"s": 1, "ms": 1_000, "us": 1_000_000, "ns": 1_000_000_000}
"""Units of a numeric time column, and how many of each make a second."""

_ISO = re.compile(
    r"(\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d)(?:[.,](\d{1,9})\d*)?\s*(Z|[+-]\d\d:?\d\d)?", re.ASCII
)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_ALLOWED = "allowed: a finite number, or a date and time such as 2023-11-16 18:15:46.6805900"


class Clock:
    """Seconds since the first time it was given; the first also settles what kind the rest are.

    *unit* is one of `PER_SECOND` or `auto`: a bare number is then read as seconds below 1e11,
    milliseconds below 1e14, microseconds below 1e17, else nanoseconds (Unix times since 1973
    are told apart by this; small numbers are seconds).
    """

    def __init__(self, unit: str = "auto") -> None:
        if unit != "auto" and unit not in PER_SECOND:
            raise ValueError(f"time unit {unit!r} is none of auto, {', '.join(PER_SECOND)}")
        self._unit = unit
        self._per_second = 0
        self._first: int | float = 0
        self._latest: int | float = 0
        self._kind: str | None = None
        self._second_text = ""
        self._second = 0

    def seconds(self, value: object) -> float:
        """Return seconds since the first value; may be negative. ValueError says what is wrong."""
        match = _ISO.fullmatch(value.strip()) if isinstance(value, str) else None
        if match is None:
            number = _number(value)
            self._settle("a number")
            return self._from_number(number)
        second_text, fraction, offset = match.groups()
        self._settle(f"a date and time with{'' if offset else 'out'} a UTC offset")
        second = self._unix_second(second_text) - _offset_s(offset)
        nanoseconds = second * 1_000_000_000 + int((fraction or "0").ljust(9, "0"))
        return (nanoseconds - self._start(nanoseconds, 1_000_000_000)) / 1_000_000_000

    def _settle(self, kind: str) -> None:
        if self._kind is None:
            self._kind = kind
        elif self._kind != kind:
            raise ValueError(f"the time is {kind}, in the rows before it is {self._kind}")

    def _start(self, value: int | float, per_second: int) -> int | float:
        if not self._per_second:
            self._first = self._latest = value
            self._per_second = per_second
        return self._first

    def _from_number(self, number: int | float) -> float:
        unit = _likely_unit(number) if self._unit == "auto" else self._unit
        first = self._start(number, PER_SECOND[unit])
        if self._latest > 1e8 and number > 100 * self._latest:
            raise ValueError(
                f"the time jumps from {self._latest} to {number}: two time units in one column?"
            )
        self._latest = number
        return (number - first) / self._per_second

    def _unix_second(self, text: str) -> int:
        if text != self._second_text:  # traces have many rows a second
            self._second = _unix_second(text)
            self._second_text = text
        return self._second


def _number(value: object) -> int | float:
    """Return the finite number that *value* is or spells; integers stay exact."""
    number = value
    if isinstance(value, str):
        text = value.strip()
        try:
            number = int(text) if text.isascii() and text.isdigit() else float(text)
        except ValueError:  # also for more digits than int() takes
            number = None
    if isinstance(number, bool) or not isinstance(number, int | float) or not abs(number) < 1e20:
        raise ValueError(f"the time {shown(value)} cannot be read; {_ALLOWED}")
    return number


def _likely_unit(number: int | float) -> str:
    size = abs(number)
    return "s" if size < 1e11 else "ms" if size < 1e14 else "us" if size < 1e17 else "ns"


def _unix_second(text: str) -> int:
    try:
        moment = datetime.fromisoformat(text).replace(tzinfo=UTC)
    except ValueError as error:
        raise ValueError(f"the time {shown(text)} does not exist ({error})") from None
    return int((moment - _EPOCH).total_seconds())


def _offset_s(text: str | None) -> int:
    if text is None or text == "Z":
        return 0
    sign = -1 if text[0] == "-" else 1
    return sign * (int(text[1:3]) * 3600 + int(text[-2:]) * 60)
