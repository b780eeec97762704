"""Repair: how long it takes until a broken node is back; knows no clock."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BeforeValidator, Discriminator, Tag

from sim.catalog.failures import typical_repair
from sim.scenario.durations import DurationLaw
from sim.scenario.kind import TAG_MARK
from sim.scenario.word_or import known_word

if TYPE_CHECKING:  # numpy, which reading a scenario does without
    from sim.laws.law import Law


TYPICAL = "typical"
"""Name of the catalog's mixture of repairs."""


def _check(value: Any) -> Any:
    return known_word(value, (TYPICAL,), "a duration such as 2h")


def _tag_of(value: Any) -> str:
    return TAG_MARK + ("name" if value == TYPICAL else "time")


Repair = Annotated[
    Annotated[Literal["typical"], Tag(TAG_MARK + "name")]
    | Annotated[DurationLaw, Tag(TAG_MARK + "time")],
    Discriminator(_tag_of),
    BeforeValidator(_check),
]
"""A time, or a law of times, or ``typical``: the catalog's mixture of a restart, a reboot and a
swap of the hardware."""


def repair_law(repair: Repair) -> Law:
    """Return the law of *repair*, in seconds."""
    if repair != "typical":
        return repair.law()
    from sim.laws.empirical import Empirical

    ways = typical_repair()
    return Empirical([way.duration_s for way in ways], [way.share for way in ways])


def repair_mean_s(repair: Repair) -> float:
    """Return the mean of *repair*, in seconds."""
    if repair != "typical":
        return repair.mean_s
    return sum(way.share * way.duration_s for way in typical_repair())
