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
    r"(\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d)(?:[.,](\d{1,9})\d*)?\s*(Z|[+-]\d\d(?::?\d\d)?)?",
    re.ASCII,
)
MAX_GAP_S = 366 * 86_400.0
"""A year between two rows is no pause: the column has two units, or a date is wrong."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_ALLOWED = "allowed: a finite number, or a date and time such as 2023-11-16 18:15:46.6805900"


class Clock:
    """Seconds since the first time it was given; the first also settles what kind the rest are.

    *unit* is one of `PER_SECOND` or `auto`: a bare number is then read as seconds below 1e11,
    milliseconds below 1e14, microseconds below 1e17, else nanoseconds (Unix times since 1973
    are told apart by this; small numbers are seconds). Small numbers that change their unit on
    the way cannot be told from a pause, unless it were one of over a year.
    """

    def __init__(self, unit: str = "auto") -> None:
        if unit != "auto" and unit not in PER_SECOND:
            raise ValueError(f"time unit {unit!r} is none of auto, {', '.join(PER_SECOND)}")
        self._unit = unit
        self._per_second = 0
        self._first: int | float = 0
        self._latest: int | float = 0
        self._latest_shown: object = None
        self._kind: str | None = None
        self._second_text = ""
        self._second = 0

    @property
    def first_s(self) -> float | None:
        """The first time in seconds on its own scale, since 1970 for dates; None before it."""
        return self._first / self._per_second if self._per_second else None

    def seconds(self, value: object) -> float:
        """Return seconds since the first value; may be negative. ValueError says what is wrong."""
        match = _ISO.fullmatch(value.strip()) if isinstance(value, str) else None
        if match is None:
            number = _number(value)
            self._settle("a number")
            unit = _likely_unit(number) if self._unit == "auto" else self._unit
            return self._since_first(number, PER_SECOND[unit], number)
        second_text, fraction, offset = match.groups()
        self._settle(f"a date and time with{'' if offset else 'out'} a UTC offset")
        second = self._unix_second(second_text) - _offset_s(offset)
        nanoseconds = second * 1_000_000_000 + int((fraction or "0").ljust(9, "0"))
        return self._since_first(nanoseconds, 1_000_000_000, value)

    def _settle(self, kind: str) -> None:
        if self._kind is None:
            self._kind = kind
        elif self._kind != kind:
            raise ValueError(f"the time is {kind}, in the rows before it is {self._kind}")

    def _since_first(self, time: int | float, per_second: int, shown_as: object) -> float:
        if not self._per_second:
            self._first = self._latest = time
            self._per_second = per_second
        elif abs(time - self._latest) > MAX_GAP_S * self._per_second:
            why = "is a date wrong" if isinstance(shown_as, str) else "two time units in one column"
            raise ValueError(
                f"the time jumps from {shown(self._latest_shown)} to {shown(shown_as)}: {why}?"
            )
        self._latest, self._latest_shown = time, shown_as
        return (time - self._first) / self._per_second

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
    minutes = int(text[-2:]) if len(text) > 3 else 0  # Postgres writes whole hours as +00
    return sign * (int(text[1:3]) * 3600 + minutes * 60)
