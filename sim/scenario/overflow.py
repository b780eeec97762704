"""Overflow: requests that the pool cannot take go to a hosted API; knows no clock."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, Strict

from sim.scenario.distinct import Distinct
from sim.scenario.durations import DurationLaw
from sim.scenario.filled import Filled
from sim.scenario.scalar import Number
from sim.scenario.spec import Spec

_Usd = Annotated[Number, Field(ge=0, le=1e6)]


class Overflow(Spec):
    """A hosted API that answers in the pool's place, at its own price and speed."""

    usd_per_million_input: _Usd = Field(description="USD per million input tokens of the API.")
    usd_per_million_cached_input: _Usd | None = Field(
        default=None,
        description="USD per million input tokens that its cache holds. Default: as other input.",
    )
    usd_per_million_output: _Usd = Field(description="USD per million output tokens of the API.")
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

    @property
    def cached_input_usd(self) -> float:
        """USD per million input tokens that the API's cache holds."""
        cached = self.usd_per_million_cached_input
        return self.usd_per_million_input if cached is None else cached
