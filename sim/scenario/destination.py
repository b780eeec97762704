"""Destination: which pools answer a route: one, one of several, or one after another; no clock."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import (
    BeforeValidator,
    Discriminator,
    Field,
    Strict,
    Tag,
    ValidationInfo,
    field_validator,
)

from sim.scenario.distinct import Distinct
from sim.scenario.kind import TAG_MARK, Kinds, tag
from sim.scenario.scalar import Name
from sim.scenario.spec import Fault, Frozen, Spec
from sim.units import Share

HOSTED = "hosted"
"""What stands in place of a pool's name for a route that a hosted API answers."""

SUM_SLACK = 1e-9
"""By how much shares of a split may miss 1, for rounding."""


class Split(Spec):
    """Every request goes to one of several pools, by chance; a conversation stays in one."""

    split: Annotated[dict[Name, Share], Frozen] = Field(
        description="Share of the requests that goes to each pool, in all 1: {small: 70%, large: "
        "30%}. With sessions, share of the conversations."
    )

    @field_validator("split")
    @classmethod
    def _whole(cls, shares: dict[str, float]) -> dict[str, float]:
        if len(shares) < 2:
            raise Fault("must name at least two pools; for one, give just its name")
        total = math.fsum(shares.values())
        if abs(total - 1.0) > SUM_SLACK:
            raise Fault(f"the shares must sum to 1 (they sum to {total:g})")
        return shares

    @property
    def pools(self) -> tuple[str, ...]:
        """The pools, in the file's order."""
        return tuple(self.split)


def _as_list(value: Any) -> Any:
    return value if isinstance(value, list | tuple) else (value,)


class Cascade(Spec):
    """Every request is answered by the first pool; some go on to the next, and are paid twice.

    Whoever judges the answer does it when it is whole. The client waits for the last one.
    """

    cascade: Annotated[tuple[Name, ...], Strict(False), Distinct] = Field(
        description="Pools in the order in which they are asked, such as [small, large]."
    )
    escalates: Annotated[
        tuple[Share, ...],
        Strict(False),
        BeforeValidator(_as_list, json_schema_input_type=Share | list[Share]),
    ] = Field(
        description="Share of the answers that is not good enough, so that the next pool is "
        "asked: 25%, or a list with one share for each pool but the last."
    )

    @field_validator("cascade")
    @classmethod
    def _goes_on(cls, pools: tuple[str, ...]) -> tuple[str, ...]:
        if len(pools) < 2:
            raise Fault("must name at least two pools; for one, give just its name")
        return pools

    @field_validator("escalates")
    @classmethod
    def _for_each_step(cls, shares: tuple[float, ...], info: ValidationInfo) -> tuple[float, ...]:
        if "cascade" not in info.data:
            return shares  # it is wrong, and says so itself
        steps = len(info.data["cascade"]) - 1
        if len(shares) == 1:
            return shares * steps
        if len(shares) != steps:
            rule = f"must be one share, or a list with one for each pool but the last, {steps}"
            raise Fault(f"{rule} (got {len(shares)})")
        return shares

    @property
    def pools(self) -> tuple[str, ...]:
        """The pools, in the order in which they are asked."""
        return self.cascade


_KINDS = Kinds(
    "destination",
    {
        "split": (Split, "{split: {small: 70%, large: 30%}}"),
        "cascade": (Cascade, "{cascade: [small, large], escalates: 25%}"),
    },
)
_NAME = TAG_MARK + "pool"


def _check(value: Any) -> Any:
    return _KINDS.check(value) if isinstance(value, Mapping) else value


def _tag_of(value: Any) -> str | None:
    return _KINDS.tag_of(value) if isinstance(value, Mapping | Spec) else _NAME


Destination = Annotated[
    Annotated[Name, Tag(_NAME)]
    | Annotated[Split, Tag(tag(Split))]
    | Annotated[Cascade, Tag(tag(Cascade))],
    Discriminator(_tag_of),
    BeforeValidator(_check),
]
"""A pool's name, the word hosted, {split} or {cascade, escalates}."""


def pools_of(destination: str | Split | Cascade) -> tuple[str, ...]:
    """Return the pools of *destination* in visiting order; a hosted API is none.

    >>> pools_of("main"), pools_of("hosted"), pools_of(Split(split={"a": 0.5, "b": 0.5}))
    (('main',), (), ('a', 'b'))
    """
    if isinstance(destination, str):
        return () if destination == HOSTED else (destination,)
    return destination.pools
