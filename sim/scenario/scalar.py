"""Scalar: numbers, flags and names as spec fields accept them; knows no clock.

Pydantic alone would take ``true`` for 1 and ``"4"`` for 4; these types take what is meant.
"""

from __future__ import annotations

import math
import re
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, WithJsonSchema

from sim.units import shown

NAME_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$"
"""What a route or pool may be called: safe in file names, CSV cells and HTML."""

_LARGEST = 1e15  # no quantity of a fleet comes near it; what does is a slip of the keyboard


def _number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError(f"must be a number (got {shown(value)})")
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError(f"must be a finite number (got {shown(value)})")
    if abs(value) > _LARGEST:
        raise ValueError(f"must be between -1e15 and 1e15 (got {shown(value)})")
    return float(value)


def _whole(value: Any) -> int:
    whole = isinstance(value, int) or (isinstance(value, float) and value.is_integer())
    if isinstance(value, bool) or not whole:
        raise ValueError(f"must be a whole number (got {shown(value)})")
    if abs(value) > 2**63:
        raise ValueError(f"must be below 2^63 (got {shown(value)})")
    return int(value)


def _flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise ValueError(f"must be true or false (got {shown(value)})")
    return value


def _text(value: Any) -> str:
    if not isinstance(value, str):
        quoted = "" if isinstance(value, dict | list | tuple) else "; put it in quotes"
        raise ValueError(f"must be text (got {shown(value)}{quoted})")
    return value


def _label(text: str) -> str:
    if not text.strip() or len(text) > 100 or not text.isprintable():
        raise ValueError(f"must be 1 to 100 printable characters (got {shown(text)})")
    return text


def _path(text: str) -> str:
    if not text.strip() or not text.isprintable() or len(text) > 4096:
        raise ValueError(f"must be the path of a file (got {shown(text)})")
    return text


def _name(text: str) -> str:
    return _safe(text, 64)


def _title(text: str) -> str:
    return _safe(text, 100)


def _safe(text: str, longest: int) -> str:
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.-]*", text) or len(text) > longest:
        rule = (
            f"must be 1 to {longest} letters, digits, '_', '.' or '-', the first a letter or digit"
        )
        raise ValueError(f"{rule} (got {shown(text)})")
    return text


Number = Annotated[float, BeforeValidator(_number)]
"""A finite float; no text, no bool."""

WholeNumber = BeforeValidator(_whole)
"""Annotation: takes a whole number, also as 1e3, and neither text nor bool."""

Count = Annotated[int, WholeNumber]
"""A whole number; 1e3 is one, text and bool are none."""

Flag = Annotated[bool, BeforeValidator(_flag)]
"""true or false, nothing that merely looks like it."""

Text = Annotated[str, BeforeValidator(_text)]
"""Any text; a number must be quoted."""

Label = Annotated[str, BeforeValidator(_text), AfterValidator(_label)]
"""Text for people: 1 to 100 printable characters."""

PathText = Annotated[str, BeforeValidator(_text), AfterValidator(_path)]
"""The path of a file, which `tracefile.find_traces` makes absolute: up to 4096 characters."""

Name = Annotated[
    str,
    BeforeValidator(_text),
    AfterValidator(_name),
    WithJsonSchema({"type": "string", "pattern": NAME_PATTERN}),
]
"""The name of a route or a pool, see `NAME_PATTERN`."""

Title = Annotated[
    str,
    BeforeValidator(_text),
    AfterValidator(_title),
    WithJsonSchema({"type": "string", "pattern": NAME_PATTERN.replace("63", "99")}),
]
"""The name of a scenario: like `Name`, up to 100 characters."""
