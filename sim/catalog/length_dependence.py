"""Length dependence: quantiles of the output by the rank of the input; knows no clock."""

from __future__ import annotations

from functools import cache
from typing import Any

from sim.catalog.datafiles import read_yaml

Levels = tuple[float, ...]
Bins = tuple[tuple[float, ...], ...]


def dependence(workload: str) -> tuple[Levels, Bins | None]:
    """Return levels and, for ten equally likely bins of the input's rank, output tokens at them.

    Without a table of *workload*: no levels and None.

    >>> levels, bins = dependence("azure-conv-2023")
    >>> [row[levels.index(0.5)] for row in bins]
    [161, 76, 96, 98, 395, 407, 407, 396, 95, 58]
    """
    if workload not in _by_workload():
        return (), None
    return tuple(_document()["levels"]), _by_workload()[workload]


@cache
def _document() -> dict[str, Any]:
    return read_yaml("length_dependence.yaml")


@cache
def _by_workload() -> dict[str, Bins]:
    rows = _document()["dependences"]
    return {row["workload"]: tuple(tuple(t) for t in row["output_given_input"]) for row in rows}
