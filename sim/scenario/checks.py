"""Checks of a pool against the catalog: does the table exist, does the model fit; no clock.

Each takes what has been validated so far (a field that failed is absent) and raises `Faults`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from sim.catalog.gpus import gpu
from sim.catalog.kvcapacity import kv_capacity_tokens
from sim.catalog.models import model
from sim.catalog.timings import kernel_table
from sim.scenario.engine import Engine, ResolvedEngine
from sim.scenario.hint import listed
from sim.scenario.node import Node
from sim.scenario.node_price import PRICE_WAYS, price_rows
from sim.scenario.spec import Fault, raise_all
from sim.scenario.timing import ExplicitTiming

EXPLICIT_SEQS = 256
"""Default `max_num_seqs` with explicit timing."""

EXPLICIT_BATCHED_TOKENS = 8192
"""Default `max_num_batched_tokens` with explicit timing."""


def resolve_engine(engine: Engine, gpu_name: str | None) -> ResolvedEngine:
    """Fill in vLLM's defaults for *gpu_name*, those of explicit timing without a GPU."""
    if gpu_name is None:
        seqs, batched = EXPLICIT_SEQS, EXPLICIT_BATCHED_TOKENS
    else:
        card = gpu(gpu_name)
        seqs, batched = card.max_num_seqs, card.max_num_batched_tokens
    overlapped = engine.async_scheduling
    return ResolvedEngine(
        max_num_seqs=engine.max_num_seqs or seqs,
        max_num_batched_tokens=engine.max_num_batched_tokens or batched,
        block_tokens=engine.block_tokens,
        prefix_caching=engine.prefix_caching,
        async_scheduling=gpu_name is not None if overlapped is None else overlapped,
        reserve_full_input=engine.reserve_full_input,
    )


def table_exists(timing: Any, known: Mapping[str, Any]) -> None:
    """Check that the model and the GPU are known and have step times; not with explicit timing."""
    if isinstance(timing, ExplicitTiming):
        return
    faults = []
    for noun, find in (("model", model), ("gpu", gpu)):
        if noun in known and (fault := _unknown(noun, known[noun], find)):
            faults.append(fault)
    raise_all(faults)
    if {"model", "gpu", "tensor_parallel", "precision"} <= known.keys():
        try:
            kernel_table(
                known["model"],
                gpu(known["gpu"]).table,
                known["tensor_parallel"],
                known["precision"],
                allow_extrapolated=timing == "extrapolated",
            )
        except ValueError as error:
            raise Fault(str(error), "..", "model") from None


def _unknown(noun: str, name: str | None, find: Callable[[str], object]) -> Fault | None:
    if name is None:
        return Fault("is missing: it is needed unless timing is a mapping of numbers", "..", noun)
    try:
        find(name)
    except ValueError as error:
        return Fault(str(error), "..", noun)
    return None


def engine_fits(engine: Engine, known: Mapping[str, Any]) -> None:
    """Check that the scheduler's settings agree, and that weights and KV cache fit the GPUs."""
    if not {"timing", "gpu", "kv_tokens"} <= known.keys():
        return
    explicit = isinstance(known["timing"], ExplicitTiming)
    resolved = resolve_engine(engine, None if explicit else known["gpu"])
    seqs, batched = resolved.max_num_seqs, resolved.max_num_batched_tokens
    if batched < seqs:
        if engine.max_num_batched_tokens is None:
            rule = f"must be at most max_num_batched_tokens, {batched} by default here"
            raise Fault(f"{rule}; vLLM refuses more (got {seqs})", "max_num_seqs")
        rule = f"must be at least max_num_seqs, {seqs}; vLLM refuses less (got {batched})"
        raise Fault(rule, "max_num_batched_tokens")
    own_kv_tokens = known["kv_tokens"] is not None  # whoever measured them knows that it fits
    if explicit or own_kv_tokens or not {"model", "tensor_parallel", "precision"} <= known.keys():
        return
    try:
        kv_capacity_tokens(
            known["model"], known["gpu"], known["tensor_parallel"], known["precision"], batched
        )
    except ValueError as error:
        raise Fault(str(error), "..", "model") from None


def node_fits(node: Node, known: Mapping[str, Any]) -> None:
    """Check that a replica fits a node, that there is a price, and that it is of the right GPU."""
    faults = []
    width = known.get("tensor_parallel", 1)
    if node.gpus < width:
        faults.append(Fault(f"must be at least tensor_parallel, {width} (got {node.gpus})", "gpus"))
    explicit = isinstance(known.get("timing"), ExplicitTiming)
    gpu_name = None if explicit else known.get("gpu")
    if not node.is_priced:
        faults.append(Fault(_no_price(gpu_name)))
    if gpu_name and "timing" in known:
        faults += _wrong_rows(node, gpu_name)
    raise_all(faults)


def _wrong_rows(node: Node, gpu_name: str) -> Iterator[Fault]:
    priced_ones = ((node, ()), (node.spot, ("spot",)), (node.reserved, ("reserved",)))
    for priced, steps in priced_ones:
        row = priced.price_row if priced is not None else None
        if row and row.gpu != gpu_name:
            rule = f"is the price of {row.gpu}, but the pool runs on {gpu_name}"
            rows = listed(price_rows(gpu_name)) or "none"
            yield Fault(f"{rule}; rows for {gpu_name}: {rows}", *steps, "price")


def _no_price(gpu_name: str | None) -> str:
    rows = price_rows(gpu_name) if gpu_name else []
    return f"has no price: {PRICE_WAYS}" + (
        f"; rows for {gpu_name}: {listed(rows, 20)}" if rows else ""
    )
