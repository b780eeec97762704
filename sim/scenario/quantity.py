"""Quantity: numbers as Kubernetes writes them, such as 500m, 2.5 or 1Ki, read exactly; no clock."""

from __future__ import annotations

import math
import re
from fractions import Fraction
from typing import Annotated, Any

from pydantic import BeforeValidator, WithJsonSchema

from sim.units import shown

_DECIMAL = {"n": -9, "u": -6, "m": -3, "": 0, "k": 3, "M": 6, "G": 9, "T": 12, "P": 15, "E": 18}
_BINARY = {"Ki": 10, "Mi": 20, "Gi": 30, "Ti": 40, "Pi": 50, "Ei": 60}

_PATTERN = (
    r"([+-]?)([0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE]([+-]?[0-9]{1,3})|(n|u|m|k|M|G|T|P|E|[KMGTPE]i|))"
)
_QUANTITY = re.compile(_PATTERN)

LARGEST = 2**63 - 1
"""The largest quantity that Kubernetes holds."""


def parse_quantity(text: str) -> Fraction:
    """Return the number that *text* says; the grammar is that of Kubernetes' API (Quantity).

    n, u and m are 10^-9, 10^-6 and 10^-3; k to E are powers of 1000, Ki to Ei of 1024; an
    exponent may stand instead (``1e3``). Raises ValueError.

    >>> [str(parse_quantity(text)) for text in ("500m", "5", "1k", "1Ki", "2.5", "1e3", ".5")]
    ['1/2', '5', '1000', '1024', '5/2', '1000', '1/2']
    """
    match = _QUANTITY.fullmatch(text) if len(text) <= 60 else None
    if match is None:
        raise ValueError(f"must be a quantity such as 5, 2.5, 500m, 1k or 1Ki (got {shown(text)})")
    sign, digits, exponent, suffix = match.groups()
    number = Fraction(digits.rstrip(".")) * (-1 if sign == "-" else 1)
    if suffix in _BINARY:
        number *= 2 ** _BINARY[suffix]
    else:
        number *= Fraction(10) ** (int(exponent) if exponent else _DECIMAL[suffix])
    if abs(number) > LARGEST:
        raise ValueError(f"must be less than 2^63 (got {shown(text)})")
    return number


def thousandths(text: str) -> int:
    """Return *text* in whole thousandths, rounded up: the HPA controller reckons in these.

    >>> thousandths("1.5"), thousandths("500m"), thousandths("100u")
    (1500, 500, 1)
    """
    return math.ceil(parse_quantity(text) * 1000)


def _as_text(value: Any) -> str:
    """Return a quantity as text; YAML gives 5 and 2.5 as numbers."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise ValueError(f"must be a quantity such as 5, 2.5, 500m or 1k (got {shown(value)})")
    text = value if isinstance(value, str) else repr(value)
    parse_quantity(text)
    return text


def _positive(value: Any) -> str:
    text = _as_text(value)
    if parse_quantity(text) <= 0:
        raise ValueError(f"must be more than 0 (got {shown(value)})")
    return text


def _not_negative(value: Any) -> str:
    text = _as_text(value)
    if parse_quantity(text) < 0:
        raise ValueError(f"must not be negative (got {shown(value)})")
    return text


_SCHEMA = WithJsonSchema(
    {
        "anyOf": [{"type": "number"}, {"type": "string", "pattern": f"^{_PATTERN}$"}],
        "examples": ["500m", 5, 2.5, "1k", "1Ki"],
    }
)

PositiveQuantity = Annotated[str, BeforeValidator(_positive), _SCHEMA]
"""A quantity above 0, kept as it was written."""

QuantityFromZero = Annotated[str, BeforeValidator(_not_negative), _SCHEMA]
"""A quantity of 0 or more, kept as it was written."""
