"""Rows: one figure each, beside what is asked of it and what could be asked; no clock."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

Progress = Callable[[str, int, int], None]
"""Called with (what is being done, parts done, parts in all)."""


@dataclass(frozen=True)
class Row:
    """One metric of one trace."""

    metric: str
    value: float | None
    """The figure; of several (both halves, three windows) the worst. None: cannot be had."""
    ask: str
    """What is asked of it, such as `<= 0.035`; empty if nothing is."""
    floor: float | None
    """The same distance between the trace's own halves: no fixed model can be asked for less."""
    band: tuple[float, float] | None
    """5 and 95 % quantile of the same figure over replicates of the model against itself."""
    met: bool | None
    """None: not applicable, and `note` says why."""
    note: str = ""
    """One short sentence: why it was missed or does not apply, else what the value consists of."""


def missing(metric: str, why: str) -> Row:
    """Return the row of a *metric* that a trace cannot be judged by."""
    return Row(metric, None, "", None, None, None, why)
