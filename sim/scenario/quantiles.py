"""Quantiles: a table of levels and values as a scenario writes it; knows no clock."""

from __future__ import annotations

import math
from collections.abc import Mapping
from itertools import pairwise
from typing import TypeVar

from sim.scenario.spec import Fault
from sim.units import shown

V = TypeVar("V", int, float)


def quantile_mean(levels: tuple[float, ...], values: tuple[float, ...]) -> float:
    """Return the mean of a quantile table that is linear in ln x between its levels.

    Over a piece from x to y it is the logarithmic mean (y - x) / ln(y / x).

    >>> round(quantile_mean((0.0, 1.0), (1.0, math.e)), 6)
    1.718282
    """
    pieces = zip(pairwise(levels), pairwise(values), strict=True)
    return math.fsum(
        (u1 - u0) * (x0 if x0 == x1 else (x1 - x0) / math.log(x1 / x0))
        for (u0, u1), (x0, x1) in pieces
    )


def text_keys(value: object) -> object:
    """Return a mapping with its levels as text, for before-validators; other values as they are."""
    if isinstance(value, dict):
        return {f"{key:g}" if isinstance(key, float) else str(key): v for key, v in value.items()}
    return value


def check_quantiles(quantiles: dict[str, V]) -> dict[str, V]:
    """Return *quantiles* (level -> value); raise a Fault for levels or values that make no table.

    Levels are numbers from 0 to 1, each once, both ends among them; values do not fall.
    """
    levels: list[float] = []
    for text in quantiles:
        try:
            level = float(text)
        except ValueError:
            level = math.nan
        if not 0.0 <= level <= 1.0:
            raise Fault(f"a level must be a number from 0 to 1 (got {shown(text)})", text)
        levels.append(level)
    if len(levels) < 2 or (min(levels), max(levels)) != (0.0, 1.0):
        raise Fault("needs at least the levels 0 and 1, such as {0: 1, 0.5: 128, 1: 1000}")
    if len(set(levels)) < len(levels):
        raise Fault("gives a level twice")
    if any(after < before for before, after in pairwise(table_of(quantiles)[1])):
        raise Fault("must not fall: a higher level needs at least as much")
    return quantiles


def table_of(quantiles: Mapping[str, float]) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Return the levels, rising, and the values at them.

    >>> table_of({"1": 9, "0": 2})
    ((0.0, 1.0), (2.0, 9.0))
    """
    ordered = sorted((float(text), float(value)) for text, value in quantiles.items())
    return tuple(level for level, _ in ordered), tuple(value for _, value in ordered)
