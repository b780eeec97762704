"""Build: from what a scenario says to live objects, one function per noun."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache

from sim.catalog.gpus import gpu
from sim.catalog.hosts import Host, host
from sim.catalog.kernel import KernelTable
from sim.catalog.timings import kernel_table
from sim.scenario.pool import Pool as PoolSpec
from sim.scenario.timing import ExplicitHost, ExplicitTiming
from sim.serving.batcher import Batcher
from sim.serving.kvcache import KVCache
from sim.serving.timing import StepTiming, step_timing
from sim.serving.waiting import Queue


def build_timing(spec: PoolSpec) -> StepTiming:
    """Step times of *spec*'s engines: table, card and host, or the user's own numbers."""
    tokens = spec.resolved_engine().max_num_batched_tokens
    return _timing(spec.timing, spec.host, _names(spec), spec.resolved_compute_factor, tokens)


def _names(spec: PoolSpec) -> tuple[str, str, int, str]:
    return spec.model or "", spec.gpu or "", spec.tensor_parallel, spec.precision


@lru_cache(maxsize=64)
def _timing(
    timing: str | ExplicitTiming,
    overhead: str | ExplicitHost,
    names: tuple[str, str, int, str],
    factor: float,
    tokens: int,
) -> StepTiming:
    if isinstance(timing, ExplicitTiming):
        return step_timing(_explicit_table(timing), build_host(overhead), factor, tokens)
    model, card, tensor_parallel, precision = names
    table = kernel_table(
        model, gpu(card).table, tensor_parallel, precision, timing == "extrapolated"
    )
    return step_timing(table, build_host(overhead), factor, tokens)


def _explicit_table(timing: ExplicitTiming) -> KernelTable:
    return KernelTable(
        knots_tokens=timing.knots_tokens,
        knots_s=timing.knots_s,
        per_sequence_s=timing.per_sequence_s,
        per_context_token_s=timing.per_context_token_s,
        per_attention_pair_s=timing.per_attention_pair_s,
        per_prefill_context_token_s=timing.per_prefill_context_token_s,
        prefill_fixed_s=timing.prefill_fixed_s,
        basis="explicit",
    )


def build_host(overhead: str | ExplicitHost) -> Host:
    """The host's overhead: a catalog row, or the user's own numbers."""
    if isinstance(overhead, str):
        return host(overhead)
    none = host("none")
    return replace(none, **overhead.model_dump())


def build_batcher(
    spec: PoolSpec,
    *,
    prefix_caching: bool | None = None,
    queue: Queue | None = None,
    slow: float = 1.0,
) -> Batcher:
    """One engine of *spec*, idle and with an empty cache; *slow*: its steps take so much longer."""
    engine = spec.resolved_engine()
    caching = engine.prefix_caching if prefix_caching is None else prefix_caching
    cache = KVCache(
        max(1, spec.resolved_kv_tokens() // engine.block_tokens),
        engine.block_tokens,
        caching=caching,
    )
    return Batcher(
        build_timing(spec) if slow == 1.0 else build_timing(spec).times(slow),
        cache,
        max_num_seqs=engine.max_num_seqs,
        max_num_batched_tokens=engine.max_num_batched_tokens,
        async_scheduling=engine.async_scheduling,
        reserve_full_input=engine.reserve_full_input,
        queue=queue,
    )
