"""Queue limit: how many may wait before the next is rejected, by priority if asked; no clock."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Discriminator, Field, Tag

from sim.scenario.kind import TAG_MARK
from sim.scenario.quantiles import text_keys
from sim.scenario.scalar import Count
from sim.scenario.spec import Fault, Frozen
from sim.units import shown

_Waiting = Annotated[Count, Field(ge=0, le=100_000_000)]


def _check(limits: dict[str, int]) -> dict[str, int]:
    if not limits:
        raise Fault("must not be empty: give a limit for a priority, such as {0: 512, 1: 100}")
    for text in limits:
        try:
            known = -1000 <= int(text) <= 1000
        except ValueError:
            known = False
        if not known:
            rule = "a priority must be a whole number from -1000 to 1000"
            raise Fault(f"{rule} (got {shown(text)})", text, on_key=True)
    ordered = {str(priority): limit for priority, limit in _sorted(limits)}
    if len(ordered) < len(limits):
        raise Fault("gives a priority twice")
    for (before, more), (after, fewer) in pairwise(_sorted(limits)):
        if fewer > more:
            rule = f"must be at most {more}, the limit of priority {before}, which goes first"
            raise Fault(f"{rule} (got {fewer})", str(after))
    return ordered


def _sorted(limits: Mapping[str, int]) -> list[tuple[int, int]]:
    return sorted((int(priority), limit) for priority, limit in limits.items())


def _tag_of(value: Any) -> str:
    return TAG_MARK + ("by priority" if isinstance(value, Mapping) else "number")


QueueLimit = Annotated[
    Annotated[_Waiting, Tag(TAG_MARK + "number")]
    | Annotated[
        dict[str, _Waiting],
        BeforeValidator(text_keys),
        AfterValidator(_check),
        Frozen,
        Tag(TAG_MARK + "by priority"),
    ],
    Discriminator(_tag_of),
]
"""One limit for all, or ``{0: 512, 1: 100}`` by priority.

A priority that is not given has the limit of the next more important one that is (lower goes
first); those more important than all that are given have none."""


def by_priority(limit: QueueLimit | None) -> dict[int, int] | int | None:
    """Return *limit* with its priorities as numbers, most important (lowest) first.

    >>> by_priority({"10": 5, "-1": 7})
    {-1: 7, 10: 5}
    """
    return dict(_sorted(limit)) if isinstance(limit, Mapping) else limit
