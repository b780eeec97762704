"""Charges: who pays for a step with prefill. Pure functions; decode stays are charged by `decodes`.

What depends on the number of tokens alone is shared between prefill and decode by the Shapley value
of the two; the rest belongs to its own sequence. The token that is read pays: attention to cached
input is a charge of its own. What is computed again is waste.
"""

from __future__ import annotations

from sim.serving.sequence import Sequence
from sim.serving.timing import StepTiming

Chunks = list[tuple[Sequence, int]]
"""Prefill chunks of one step: (sequence, new tokens)."""


def charge_chunks(chunks: Chunks, per_token_s: float, timing: StepTiming) -> float:
    """Charge each chunk *per_token_s* for its new tokens, and its own attention and overhead.

    Returns the seconds charged in all: the whole prefill part of the step.
    """
    pair_s = timing.per_attention_pair_s
    total_s = 0.0
    for sequence, n in chunks:
        computed = sequence.computed
        own_s = per_token_s * n + timing.per_chunk_s + pair_s * (0.5 * n * n)
        if not computed:
            cached_s = 0.0
        else:
            read_s = pair_s * n + timing.per_prefill_context_token_s
            cached = min(computed, sequence.cached_input)
            cached_s = read_s * cached
            own_s += read_s * (computed - cached)
            sequence.cached_s += cached_s
        total_s += own_s + cached_s
        sequence.prefill_s += own_s
        if sequence.high_water > computed:
            _waste(sequence, n, own_s, cached_s)
    return total_s


def _waste(sequence: Sequence, n: int, own_s: float, cached_s: float) -> None:
    """Move to waste what a chunk computes again; by tokens, where only some of it was before."""
    again = min(sequence.high_water - sequence.computed, n)
    part = again / n
    sequence.waste_s += part * (own_s + cached_s)
    sequence.prefill_s -= part * own_s
    sequence.cached_s -= part * cached_s
    prompt = max(0, min(again, sequence.input_tokens - sequence.computed))
    sequence.recomputed_input += prompt
    sequence.recomputed_output += again - prompt
