"""Naive: the benchmark that a naive estimate of cost believes; knows no clock."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import Field, model_validator

from sim.scenario.scalar import Number
from sim.scenario.spec import Fault, Spec
from sim.units import Tokens


class NaiveSpec(Spec):
    """The benchmark that the naive estimate believes; without it, the pool's own mean lengths."""

    input_tokens: Annotated[Tokens, Field(ge=1)] | None = Field(
        default=None, description="Prompt tokens of every request of the benchmark."
    )
    output_tokens: Annotated[Tokens, Field(ge=1)] | None = Field(
        default=None, description="Answer tokens of every request of the benchmark."
    )
    total_tokens_per_s: Annotated[Number, Field(gt=0, le=1e9)] | None = Field(
        default=None, description="Input and output tokens a second of one replica, as measured."
    )

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        keys = ("input_tokens", "output_tokens", "total_tokens_per_s")
        given = [key for key in keys if getattr(self, key) is not None]
        if given not in (["input_tokens", "output_tokens"], ["total_tokens_per_s"]):
            got = ", ".join(given) or "nothing"
            raise Fault(f"needs input_tokens and output_tokens, or total_tokens_per_s (got {got})")
        return self
