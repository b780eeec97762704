"""Overflow: requests that the pool cannot take go to a hosted API; knows no clock."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, Strict

from sim.scenario.api_price import ApiPriced
from sim.scenario.distinct import Distinct
from sim.scenario.durations import DurationLaw
from sim.scenario.filled import Filled


class Overflow(ApiPriced):
    """A hosted API that answers in the pool's place, at its own price and speed."""

    ttft: DurationLaw = Field(description="its time to the first token, such as 600ms.")
    tpot: DurationLaw = Field(description="its time per output token after the first: 15ms.")
    on: Annotated[
        tuple[Literal["rejected", "no_replica"], ...],
        Strict(False),
        Filled,
        Distinct,
    ] = Field(
        default=("rejected", "no_replica"),
        description="When a request goes there: rejected (in place of a 429), no_replica (while "
        "no replica is ready).",
    )
