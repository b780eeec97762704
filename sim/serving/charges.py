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


def charge_chunks(chunks: Chunks, per_token_s: float, timing: StepTiming) -> None:
    """Charge each chunk *per_token_s* for its new tokens, and its own attention and overhead."""
    pair_s = timing.per_attention_pair_s
    for sequence, n in chunks:
        computed = sequence.computed
        own_s = per_token_s * n + timing.per_chunk_s + pair_s * (n * n / 2)
        cached_s = 0.0
        if computed:
            read_s = pair_s * n + timing.per_prefill_context_token_s
            cached = min(computed, sequence.cached_input)
            cached_s = read_s * cached
            own_s += read_s * (computed - cached)
        if sequence.high_water > computed:
            _charge_again(sequence, n, own_s, cached_s)
        else:
            sequence.prefill_s += own_s
            sequence.cached_s += cached_s


def _charge_again(sequence: Sequence, n: int, own_s: float, cached_s: float) -> None:
    """Charge a chunk that computes some tokens again; by their number where it does both."""
    again = min(sequence.high_water - sequence.computed, n)
    part = again / n
    sequence.waste_s += part * (own_s + cached_s)
    sequence.prefill_s += (1 - part) * own_s
    sequence.cached_s += (1 - part) * cached_s
    prompt = max(0, min(again, sequence.input_tokens - sequence.computed))
    sequence.recomputed_input += prompt
    sequence.recomputed_output += again - prompt
