"""Engine: the scheduler's settings, named as vLLM names them; knows no clock."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from pydantic import Field

from sim.scenario.scalar import Count, Flag
from sim.scenario.spec import Spec

_Seqs = Annotated[Count, Field(ge=1, le=65_536)]
_Batched = Annotated[Count, Field(ge=1, le=1_048_576)]


class Engine(Spec):
    """Settings of every engine of a pool; what is not given takes vLLM's default for the GPU."""

    max_num_seqs: _Seqs | None = Field(
        default=None, description="Most sequences that run at once. Default: vLLM's for the GPU."
    )
    max_num_batched_tokens: _Batched | None = Field(
        default=None, description="Most tokens in a step. Default: vLLM's for the GPU."
    )
    block_tokens: Annotated[Count, Field(ge=1, le=1024)] = Field(
        default=16, description="Tokens in a KV block."
    )
    prefix_caching: Flag = Field(default=True, description="Keep KV blocks for equal prompt heads.")
    async_scheduling: Flag | None = Field(
        default=None,
        description="Compose a step while the one before it runs. Default: true, as in vLLM since "
        "0.14; false with explicit timing.",
    )
    reserve_full_input: Flag = Field(
        default=True, description="Admit a prompt only when all its blocks are free."
    )


@dataclass(frozen=True)
class ResolvedEngine:
    """An engine with nothing left open."""

    max_num_seqs: int
    max_num_batched_tokens: int
    block_tokens: int
    prefix_caching: bool
    async_scheduling: bool
    reserve_full_input: bool
