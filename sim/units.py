"""Units: durations, tokens and shares as people write them; knows no clock, only spans of time.

Inside, everything is SI seconds, whole tokens and fractions of 1. `Duration`, `Tokens` and `Share`
are the types of spec fields that accept both a bare number and a text such as ``1h30m``, ``8k`` or
``10%``.
"""

from __future__ import annotations

import math
import re
from decimal import Decimal
from typing import Annotated, Any

from pydantic import BeforeValidator, PlainSerializer, WithJsonSchema

HOURS_PER_MONTH = 730.0
"""Hours in a month as clouds bill it: 365 x 24 / 12."""

MAX_DURATION_S = 1e9
"""The longest duration that is accepted, some 31 years: beyond it somebody mistook the unit."""

MAX_TOKENS = 10**9
"""The largest token count that is accepted."""

_SECONDS = tuple(Decimal(s) for s in ("604800", "86400", "3600", "60", "1", "0.001"))
_TOKENS = {"": 1, "k": 10**3, "K": 10**3, "Ki": 2**10, "M": 10**6, "Mi": 2**20, "G": 10**9}

_NUMBER = r"\d+(?:\.\d+)?"
_DURATION = re.compile(
    rf"(?=.)(?:({_NUMBER})w)?(?:({_NUMBER})d)?(?:({_NUMBER})h)?(?:({_NUMBER})m)?"
    rf"(?:({_NUMBER})s)?(?:({_NUMBER})ms)?",
    re.ASCII,
)
_BARE = re.compile(rf"{_NUMBER}", re.ASCII)
_COUNT = re.compile(rf"({_NUMBER})(k|K|Ki|M|Mi|G|)", re.ASCII)
_PERCENT = re.compile(rf"({_NUMBER}) *%", re.ASCII)


def shown(value: object) -> str:
    """Return *value* as error messages show it: one line, at most 60 characters.

    >>> shown("soon"), shown(True), shown(None), shown({"a": 1})
    ("'soon'", 'true', 'nothing', 'a mapping')
    """
    words = {type(None): "nothing", dict: "a mapping", list: "a list", tuple: "a list"}
    if type(value) in words:
        return words[type(value)]
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int) and abs(value) >= 10**30:
        return "a number of more than 30 digits"
    text = repr(value)
    return text if len(text) <= 60 else text[:56] + "...'"


def parse_duration(text: str) -> float:
    """Return the seconds that *text* says; a bare number is seconds.

    Units are w, d, h, m, s, ms, from long to short, each at most once. Raises ValueError.

    >>> parse_duration("1h30m"), parse_duration("250ms"), parse_duration("30")
    (5400.0, 0.25, 30.0)
    """
    stripped = text.strip()
    if len(stripped) <= 60:
        if stripped.startswith("-") and _DURATION.fullmatch(stripped[1:]):
            raise ValueError(f"must not be negative (got {shown(text)})")
        if _BARE.fullmatch(stripped):
            return _duration_in_range(float(stripped), text)
        if match := _DURATION.fullmatch(stripped):
            parts = zip(match.groups(), _SECONDS, strict=True)
            seconds = sum((Decimal(number) * unit for number, unit in parts if number), Decimal(0))
            return _duration_in_range(float(seconds), text)
    raise ValueError(f"must be a duration such as 250ms, 30s, 1h30m or 7d (got {shown(text)})")


def format_duration(seconds: float) -> str:
    """Return *seconds* in the units of `parse_duration`, days first.

    >>> format_duration(5400.0), format_duration(0.25), format_duration(604800.0)
    ('1h30m', '250ms', '7d')
    """
    if seconds < 0:
        return "-" + format_duration(-seconds)
    if seconds < 1.0:
        text = f"{seconds * 1e3:.9f}".rstrip("0").rstrip(".")
        return "0s" if text == "0" else text + "ms"
    whole, rest = divmod(round(seconds, 3), 60.0)
    minutes = int(whole)
    parts = [(minutes // 1440, "d"), (minutes // 60 % 24, "h"), (minutes % 60, "m")]
    text = "".join(f"{number}{unit}" for number, unit in parts if number)
    return text + (f"{round(rest, 3):.12g}s" if rest else "")


def parse_tokens(text: str) -> int:
    """Return the tokens that *text* says: k, M, G are powers of 1000, Ki, Mi of 1024.

    Raises ValueError when it is no number, or not a whole one.

    >>> parse_tokens("8k"), parse_tokens("8Ki"), parse_tokens("1.5M")
    (8000, 8192, 1500000)
    """
    match = _COUNT.fullmatch(text.strip()) if len(text) <= 60 else None
    if match is None:
        raise ValueError(f"must be a number of tokens such as 500, 8k or 1.5M (got {shown(text)})")
    count = Decimal(match[1]) * _TOKENS[match[2]]
    if count != count.to_integral_value():
        raise ValueError(f"must be a whole number of tokens (got {shown(text)})")
    return _tokens_in_range(int(count), text)


def parse_share(text: str) -> float:
    """Return the part of the whole, 0 to 1, that *text* says in per cent. Raises ValueError.

    >>> parse_share("10%"), parse_share("0.5 %")
    (0.1, 0.005)
    """
    match = _PERCENT.fullmatch(text.strip()) if len(text) <= 60 else None
    if match is None:
        raise ValueError(f"must be a share such as 10% or 0.1 (got {shown(text)})")
    return _share_in_range(float(Decimal(match[1]) / 100), text)


def _share_in_range(share: float, given: object) -> float:
    if not 0.0 <= share <= 1.0:  # false for NaN too
        meant = f"; did you mean {given}%?" if isinstance(given, int) and 1 < given <= 100 else ""
        raise ValueError(f"must be a share from 0 to 1, or 0% to 100% (got {shown(given)}{meant})")
    return share


def _duration_in_range(seconds: float, given: object) -> float:
    if isinstance(seconds, float) and not math.isfinite(seconds):
        raise ValueError(f"must be a finite duration (got {shown(given)})")
    if seconds < 0:
        raise ValueError(f"must not be negative (got {shown(given)})")
    if seconds > MAX_DURATION_S:
        raise ValueError(f"must be at most 1e9 s, some 31 years (got {shown(given)})")
    return seconds


def _tokens_in_range(count: int, given: object) -> int:
    if count < 0:
        raise ValueError(f"must not be negative (got {shown(given)})")
    if count > MAX_TOKENS:
        raise ValueError(f"must be at most 1e9 tokens (got {shown(given)})")
    return count


def _duration(value: Any) -> float:
    if isinstance(value, str):
        return parse_duration(value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError(f"must be a duration such as 250ms, 30s, 1h30m or 7d (got {shown(value)})")
    # Python integers may be too large for a float; compare before converting.
    return _duration_in_range(value if abs(value) > MAX_DURATION_S else float(value), value)


def _tokens(value: Any) -> int:
    if isinstance(value, str):
        return parse_tokens(value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError(f"must be a number of tokens such as 500, 8k or 1.5M (got {shown(value)})")
    if isinstance(value, float) and (not math.isfinite(value) or value != int(value)):
        raise ValueError(f"must be a whole number of tokens (got {shown(value)})")
    return _tokens_in_range(int(value), value)


def _share(value: Any) -> float:
    if isinstance(value, str):
        return parse_share(value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError(f"must be a share such as 10% or 0.1 (got {shown(value)})")
    _share_in_range(value, value)
    return float(value)


def _written(seconds: float) -> str | float:
    text = format_duration(seconds)
    return text if parse_duration(text) == seconds else seconds


Duration = Annotated[
    float,
    BeforeValidator(_duration),
    PlainSerializer(_written, when_used="json"),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "number", "minimum": 0, "maximum": MAX_DURATION_S},
                {
                    "type": "string",
                    "pattern": r"^ *([0-9]+(\.[0-9]+)?(w|d|h|ms|m|s))+ *$|^ *[0-9]+(\.[0-9]+)? *$",
                },
            ],
            "examples": ["250ms", "30s", "1h30m", "7d"],
        }
    ),
]
"""Seconds >= 0. Written as ``30s``, ``1h30m``, or a bare number of seconds."""

Tokens = Annotated[
    int,
    BeforeValidator(_tokens),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "integer", "minimum": 0, "maximum": MAX_TOKENS},
                {
                    "type": "string",
                    "pattern": r"^ *[0-9]+(\.[0-9]+)?(k|K|Ki|M|Mi|G)? *$",
                },
            ],
            "examples": [500, "8k", "1.5M"],
        }
    ),
]
"""A whole number of tokens >= 0. Written as ``500``, ``8k`` (8000) or ``8Ki`` (8192)."""

Share = Annotated[
    float,
    BeforeValidator(_share),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "number", "minimum": 0, "maximum": 1},
                {"type": "string", "pattern": r"^ *[0-9]+(\.[0-9]+)? *% *$"},
            ],
            "examples": ["10%", 0.1],
        }
    ),
]
"""A part of a whole, from 0 to 1. Written as ``10%`` or ``0.1``."""
