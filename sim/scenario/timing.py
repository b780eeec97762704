"""Timing: where step times and host overhead come from, the catalog or own numbers; no clock."""

from __future__ import annotations

from itertools import pairwise
from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, Discriminator, Field, Strict, Tag, model_validator

from sim.scenario.kind import NamedOr, tag
from sim.scenario.scalar import Number
from sim.scenario.spec import Fault, Spec

_Coefficient = Annotated[Number, Field(ge=0, le=1000)]
_Factor = Annotated[Number, Field(gt=0, le=100)]
_Knots = Annotated[tuple[Annotated[Number, Field(gt=0, le=1e9)], ...], Strict(False)]
_KnotSeconds = Annotated[tuple[Annotated[Number, Field(ge=1e-5, le=1000)], ...], Strict(False)]


class ExplicitTiming(Spec):
    """The coefficients of a step's time, all in seconds.

    A step of b decoding sequences with S tokens of context, and of prefill chunks with n new and
    c earlier tokens each, takes G(b + sum n) + per_sequence_s b + per_context_token_s S
    + per_attention_pair_s sum n(c + n/2) + per_prefill_context_token_s sum c
    + prefill_fixed_s [any prefill].
    """

    knots_tokens: _Knots = Field(description="Tokens of a step at the knots of G, rising.")
    knots_s: _KnotSeconds = Field(
        description="Seconds of G at the knots: linear between them, flat below the first, the "
        "last segment prolonged. At least 1e-5."
    )
    per_sequence_s: _Coefficient = Field(default=0.0, description="Per decoding sequence.")
    per_context_token_s: _Coefficient = Field(
        default=0.0, description="Per token that decoding sequences hold in the KV cache."
    )
    per_attention_pair_s: _Coefficient = Field(
        default=0.0, description="Per pair of a prompt token and one before it (prefill)."
    )
    per_prefill_context_token_s: _Coefficient = Field(
        default=0.0, description="Per earlier token that a chunk of a prompt reads again."
    )
    prefill_fixed_s: _Coefficient = Field(default=0.0, description="Per step with any prefill.")

    @model_validator(mode="after")
    def _knots_make_a_curve(self) -> Self:
        if not self.knots_tokens:
            raise Fault("needs at least one knot", "knots_tokens")
        if len(self.knots_s) != len(self.knots_tokens):
            rule = f"needs as many numbers as knots_tokens, {len(self.knots_tokens)}"
            raise Fault(f"{rule} (got {len(self.knots_s)})", "knots_s")
        if any(after <= before for before, after in pairwise(self.knots_tokens)):
            raise Fault("must rise from knot to knot", "knots_tokens")
        if any(after < before for before, after in pairwise(self.knots_s)):
            raise Fault("must not fall: more tokens take no less time", "knots_s")
        return self


class ExplicitHost(Spec):
    """What the serving process adds to the kernels, in seconds; and how it runs experts."""

    per_step_s: _Coefficient = Field(default=0.0, description="Per step.")
    per_sequence_s: _Coefficient = Field(default=0.0, description="Per sequence in the step.")
    per_prefill_step_s: _Coefficient = Field(default=0.0, description="Per step with any prefill.")
    first_token_s: _Coefficient = Field(
        default=0.0, description="Once per attempt, on its first token; the engine does not wait."
    )
    moe_base_factor: _Factor = Field(
        default=1.0,
        description="Mixtures of experts: the time of a step of one token, times the table's.",
    )
    moe_sparse_factor: _Factor = Field(
        default=1.0,
        description="Mixtures of experts: how a step grows up to 256 tokens, times the table's.",
    )


_TIMING = NamedOr(("table", "extrapolated"), ExplicitTiming, "a mapping of coefficients")
_HOST = NamedOr(("vllm-0.19", "none"), ExplicitHost, "a mapping of seconds")

Timing = Annotated[
    Annotated[Literal["table", "extrapolated"], Tag(_TIMING.names_tag)]
    | Annotated[ExplicitTiming, Tag(tag(ExplicitTiming))],
    Discriminator(_TIMING.tag_of),
    BeforeValidator(_TIMING.check),
]
"""Where step times come from: the catalog's table, an estimate from other models', or numbers."""

HostOverhead = Annotated[
    Annotated[Literal["vllm-0.19", "none"], Tag(_HOST.names_tag)]
    | Annotated[ExplicitHost, Tag(tag(ExplicitHost))],
    Discriminator(_HOST.tag_of),
    BeforeValidator(_HOST.check),
]
"""What the serving process adds to the kernels: a row of the catalog, or numbers."""
