"""Split: how a line of the bill is divided among routes; knows no clock."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Discriminator, Tag

from sim.scenario.kind import TAG_MARK
from sim.scenario.scalar import Name
from sim.scenario.spec import Fault, Frozen
from sim.scenario.word_or import known_word
from sim.units import Share

WAYS = ("nodes", "requests", "tokens", "evenly")
"""By the dollars of the nodes, completed requests, useful tokens, or to each route the same."""

_ROUNDING = 1e-6


def _check(value: Any) -> Any:
    return known_word(value, WAYS, "shares such as {chat: 70%, code: 30%}")


def _sum_to_one(shares: dict[str, float]) -> dict[str, float]:
    total = math.fsum(shares.values())
    if abs(total - 1.0) > _ROUNDING:
        raise Fault(f"shares must sum to 1 (got {total:g})")
    return shares


def _tag_of(value: Any) -> str:
    return TAG_MARK + ("shares" if isinstance(value, Mapping) else "word")


Split = Annotated[
    Annotated[Literal["nodes", "requests", "tokens", "evenly"], Tag(TAG_MARK + "word")]
    | Annotated[dict[Name, Share], AfterValidator(_sum_to_one), Frozen, Tag(TAG_MARK + "shares")],
    Discriminator(_tag_of),
    BeforeValidator(_check),
]
"""One of `WAYS`, or shares by route that sum to 1."""
