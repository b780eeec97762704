"""Step timing: how long one engine step lasts, tabulated once per pool. Knows no clock.

    t = v(T) + per_decode_s·b + per_chunk_s·chunks + k_ctx·S + k_attn·Q + k_pctx·C
        + per_prefill_step_s·[any prefill]

with T new tokens, b decoding sequences that hold S tokens, prefill chunks of n new tokens on c
computed ones, Q = Σ n(c + n/2) and C = Σ c. The kernel part is the catalog's table; host and card
corrections follow the published serving runs that `sim/catalog/hosts.py` names.
"""

from __future__ import annotations

from collections.abc import Sequence as Seq
from dataclasses import dataclass, field, fields

import numpy as np

from sim.catalog.hosts import Host
from sim.catalog.kernel import ALL_EXPERTS_TOKENS, KernelTable

MOE_CURVED_TOKENS = 128  # below, the table is read along the share of experts touched


@dataclass(frozen=True, slots=True)
class StepTiming:
    """All coefficients of a step, in seconds, as the batcher uses them.

    `batch_s[x]` is v(x): the step's share that depends on the number of new tokens x alone, host
    included, for x in 0 … `max_num_batched_tokens`; `batch_s[0]` is 0. `run_s[b]` and `share_s[b]`
    are what follows from it for a step in which b sequences decode and nobody prefills.
    """

    batch_s: list[float]
    per_decode_s: float
    per_chunk_s: float
    per_context_token_s: float
    per_attention_pair_s: float
    per_prefill_context_token_s: float
    per_prefill_step_s: float
    first_token_s: float
    run_s: list[float] = field(init=False, repr=False, compare=False)
    share_s: list[float] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Tabulate a decode step of b sequences: without its context, and one sequence's share."""
        sizes = range(len(self.batch_s))
        run_s = [self.batch_s[b] + self.per_decode_s * b for b in sizes]
        share_s = [self.batch_s[b] / max(b, 1) + self.per_decode_s for b in sizes]
        object.__setattr__(self, "run_s", run_s)
        object.__setattr__(self, "share_s", share_s)

    def times(self, factor: float) -> StepTiming:
        """Return these coefficients, each *factor* times as large: a slower machine."""
        scaled = {
            f.name: getattr(self, f.name) * factor
            for f in fields(self)
            if f.init and f.name != "batch_s"
        }
        return StepTiming(batch_s=[factor * s for s in self.batch_s], **scaled)

    def step_s(self, prefill: Seq[tuple[int, int]], decode: Seq[int]) -> float:
        """Seconds of one step: *prefill* as (new, computed) tokens, *decode* as held tokens.

        The plain formula in one place; the batcher's closed forms are tested against it.
        """
        tokens = len(decode) + sum(n for n, _ in prefill)
        seconds = self.batch_s[tokens] + self.per_decode_s * len(decode)
        seconds += self.per_context_token_s * sum(decode)
        for n, c in prefill:
            seconds += self.per_chunk_s + self.per_attention_pair_s * n * (c + n / 2)
            seconds += self.per_prefill_context_token_s * c
        return seconds + (self.per_prefill_step_s if prefill else 0.0)


def step_timing(
    table: KernelTable, host: Host, compute_factor: float, max_num_batched_tokens: int
) -> StepTiming:
    """Tabulate *table* on a card whose compute is *compute_factor* times slower, under *host*.

    The compute factor multiplies attention arithmetic and the part of G above G(1), nothing else:
    memory traffic does not slow down when a card is power-capped.
    """
    kernel_s = _corrected(table, host, compute_factor, max_num_batched_tokens)
    kernel_s[1:] += host.per_step_s
    return StepTiming(
        batch_s=kernel_s.tolist(),
        per_decode_s=table.per_sequence_s + host.per_sequence_s,
        per_chunk_s=host.per_sequence_s,
        per_context_token_s=table.per_context_token_s,
        per_attention_pair_s=table.per_attention_pair_s * compute_factor,
        per_prefill_context_token_s=table.per_prefill_context_token_s,
        per_prefill_step_s=table.prefill_fixed_s + host.per_prefill_step_s,
        first_token_s=host.first_token_s,
    )


def _corrected(table: KernelTable, host: Host, factor: float, tokens: int) -> np.ndarray:
    """G'(0 … tokens): the table's G with the card's and, for MoE models, the host's corrections."""
    x = np.arange(tokens + 1, dtype=float)
    g = np.array([table.shared_s(n) for n in range(tokens + 1)])
    sparse = table.experts > 0 and host.moe_sparse_factor != 1.0
    if sparse:
        g[1:MOE_CURVED_TOKENS] = _along_experts(table, x[1:MOE_CURVED_TOKENS])
    if factor == 1.0 and not sparse:
        return g
    one = table.shared_s(1)
    if table.experts == 0:
        g[1:] = one + factor * (g[1:] - one)
        return g
    # Sparse region: dearer base, cheaper growth, both measured; compute-bound growth beyond.
    at_full = np.where(x < ALL_EXPERTS_TOKENS, g, table.shared_s(ALL_EXPERTS_TOKENS))
    grown = host.moe_sparse_factor * (at_full - one) + factor * (g - at_full)
    g[1:] = (host.moe_base_factor * one + grown)[1:]
    return g


def _along_experts(table: KernelTable, tokens: np.ndarray) -> np.ndarray:
    """G below 128 tokens, linear in the share of experts that a step of so many tokens touches."""
    idle = 1.0 - table.topk / table.experts
    touched = 1.0 - idle ** np.array(table.knots_tokens)
    g: np.ndarray = np.interp(1.0 - idle**tokens, touched, table.knots_s)
    return g
