"""Average: the mean of several replications, field by field. Knows no clock."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import fields
from typing import Any, TypeVar

import numpy as np

from sim.ledger.usage import WorstWindow

T = TypeVar("T")


def mean(usages: Sequence[T]) -> T:
    """Average dataclasses field by field: numbers, arrays, dicts, tuples and nested dataclasses.

    Of worst windows the worst is kept.

    A figure that is None in any replication is None in the mean: a tail too thin once is not
    mended by averaging the rest.

    >>> from sim.ledger.usage import Figures
    >>> mean([Figures(mean=1.0, n=2), Figures(mean=3.0, n=4)])
    Figures(mean=2.0, p50=None, p95=None, p99=None, n=3.0)
    """
    averaged: T = _mean(list(usages))
    return averaged


def _mean(values: list[Any]) -> Any:
    first = values[0]
    if any(value is None for value in values):
        return None
    if isinstance(first, str):
        return first
    if isinstance(first, WorstWindow):
        return max(values, key=lambda window: window.badness)
    if isinstance(first, int | float):
        return math.fsum(values) / len(values)
    if isinstance(first, np.ndarray):
        return np.mean(np.stack(_padded(values)), axis=0)
    if isinstance(first, dict):
        return {key: _mean([value[key] for value in values]) for key in first}
    if isinstance(first, tuple):
        return tuple(_mean(list(items)) for items in zip(*values, strict=True))
    return type(first)(
        **{f.name: _mean([getattr(value, f.name) for value in values]) for f in fields(first)}
    )


def _padded(arrays: Sequence[np.ndarray]) -> list[np.ndarray]:
    """Arrays with rows of 0 after the end of those that are shorter."""
    longest = max(len(a) for a in arrays)
    return [np.pad(a, [(0, longest - len(a))] + [(0, 0)] * (a.ndim - 1)) for a in arrays]
