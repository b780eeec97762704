"""Extrapolation: step times of a dense model that has no table, from those of others; no clock.

One set of coefficients per card and precision describes all dense models that have tables (the
formula is in `_shared_s`). An unseen bf16 model costs two to four times the error of a tabulated
one; fp8 is worse. A mixture of experts is refused, since its time hangs on which experts are hit;
only fp8 weights of one that has a bf16 table are estimated, from that table.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import date
from functools import cache
from typing import Any

from sim.catalog import models
from sim.catalog.datafiles import read_json
from sim.catalog.gpus import Gpu, card_of_table
from sim.catalog.kernel import ALL_EXPERTS_TOKENS, KernelTable
from sim.catalog.models import Model

TENSOR_PARALLEL = (1, 2, 4, 8)
"""Degrees within which the coefficients were fitted."""

KNOTS_TOKENS = (1.0, 8, 32, 64, 128, 256, 256.5, 512, 1024, 2048, 4096, 8192, 32768)
"""Knots of the fitted tables: an estimate is sampled on the same ones."""


@dataclass(frozen=True, kw_only=True)
class _Coefficients:
    """Fit constants, not physics: several sit on a bound of the fit. Times in seconds."""

    gpu: str
    precision: str
    fixed_s: float
    per_layer_s: float
    memory_efficiency: float
    compute_efficiency: float
    norm_exponent_less_one: float
    kv_read_efficiency: float
    attention_efficiency: float
    per_layer_sequence_s: float
    elementwise_factor: float
    per_all_reduce_s: float
    link_efficiency: float
    unseen_model_error_pct: dict[str, list[float]] | None = field(hash=False)


def obstacle(model: str, table_gpu: str, tensor_parallel: int, precision: str) -> str | None:
    """Say why this combination cannot be estimated, or return None if it can."""
    shape = models.model(model)
    if shape.experts:
        return f"{model} is a mixture of experts, whose step times do not extrapolate"
    known = [p for gpu, p in _by_card() if gpu == table_gpu]
    if precision not in known:
        return f"{table_gpu} has coefficients for {', '.join(known)} only"
    if tensor_parallel not in TENSOR_PARALLEL:
        return "only tensor_parallel 1, 2, 4 and 8 were fitted"
    if shape.heads % tensor_parallel:
        return f"its {shape.heads} heads cannot be split over {tensor_parallel} GPUs"
    if table_gpu == "l40s" and tensor_parallel > 2:
        return "all-reduce over PCIe is not known beyond tensor_parallel 2"
    return None


def extrapolate(model: str, table_gpu: str, tensor_parallel: int, precision: str) -> KernelTable:
    """Estimate a table on the 13 knots of the fitted ones; raises ValueError where it cannot."""
    reason = obstacle(model, table_gpu, tensor_parallel, precision)
    if reason:
        raise ValueError(f"step times cannot be extrapolated: {reason}")
    shape, card = models.model(model), card_of_table(table_gpu)
    fit = _by_card()[table_gpu, precision]
    kv_split = min(tensor_parallel, shape.kv_heads)
    attention_rate = fit.attention_efficiency * card.bf16_flops_per_s * tensor_parallel
    read_rate = fit.kv_read_efficiency * card.memory_bytes_per_s * kv_split
    document = read_json("extrapolation.json")
    return KernelTable(
        model=model,
        gpu=table_gpu,
        tensor_parallel=tensor_parallel,
        precision=precision,
        knots_tokens=KNOTS_TOKENS,
        knots_s=tuple(_shared_s(fit, shape, card, tensor_parallel, t) for t in KNOTS_TOKENS),
        per_sequence_s=fit.per_layer_sequence_s * shape.layers,
        per_context_token_s=shape.kv_bytes_per_token / read_rate,
        per_attention_pair_s=shape.attention_flops_per_pair / attention_rate,
        basis="extrapolated",
        errors_note=_errors_note(fit),
        source=document["source"],
        as_of=date.fromisoformat(document["as_of"]),
    )


def with_fp8_experts(table: KernelTable) -> KernelTable:
    """Estimate a mixture of experts in fp8 from its bf16 *table*.

    Below 256 tokens a step grows by the experts that it must read: half the bytes, half the growth.
    What it takes for one token, and what arithmetic adds beyond, is left as it is in bf16. Not
    measured; quantisation at load time (``--quantization fp8``) is what is meant.
    """
    one, full = table.shared_s(1), table.shared_s(ALL_EXPERTS_TOKENS)

    def halved(tokens: float, seconds: float) -> float:
        return seconds - 0.5 * ((full if tokens >= ALL_EXPERTS_TOKENS else seconds) - one)

    knots = zip(table.knots_tokens, table.knots_s, strict=True)
    return replace(
        table,
        precision="fp8",
        knots_s=tuple(halved(tokens, seconds) for tokens, seconds in knots),
        basis="extrapolated",
        errors=None,
        errors_note="the bf16 table with the growth that reading experts causes halved, since fp8 "
        "has half the bytes; not measured, its error is not known",
    )


def _shared_s(fit: _Coefficients, shape: Model, card: Gpu, tp: int, tokens: float) -> float:
    """Launches, elementwise kernels, all-reduces, and a p-norm of reading and multiplying."""
    flops_per_s = card.bf16_flops_per_s if fit.precision == "bf16" else card.fp8_flops_per_s
    assert flops_per_s is not None  # coefficients for fp8 exist only where the card has it
    width = shape.layers * shape.hidden * tokens  # activations of all layers
    elementwise = fit.elementwise_factor * 20 * width / card.memory_bytes_per_s
    reduces = 0.0
    if tp > 1:  # two a layer; each moves 2 (tp - 1) / tp of the bf16 activations
        sent_bytes = 2 * width * 4 * (tp - 1) / tp
        reduces = 2 * shape.layers * fit.per_all_reduce_s
        reduces += sent_bytes / (card.link_bytes_per_s * fit.link_efficiency)
    read_rate = fit.memory_efficiency * card.memory_bytes_per_s * tp
    compute_rate = fit.compute_efficiency * flops_per_s * tp
    p = 1 + fit.norm_exponent_less_one
    read_s = shape.streamed_bytes(fit.precision) / read_rate
    compute_s = 2 * shape.layer_params * tokens / compute_rate
    multiply = (read_s**p + compute_s**p) ** (1 / p)
    return float(fit.fixed_s + fit.per_layer_s * shape.layers + elementwise + reduces + multiply)


def _errors_note(fit: _Coefficients) -> str:
    start = "extrapolated from the tables of other dense models"
    ranges = fit.unseen_model_error_pct
    if ranges is None:
        return f"{start}; fitted to Llama-3.1-8B alone on this card, so its error is not known"
    words = ", ".join(f"{kind} {low:.0f}-{high:.0f} %" for kind, (low, high) in ranges.items())
    weak = "" if fit.precision == "bf16" else " (two models only: do not lean on it)"
    return f"{start}; mean error on a model that the fit had not seen: {words}{weak}"


@cache
def _by_card() -> dict[tuple[str, str], _Coefficients]:
    rows: list[dict[str, Any]] = read_json("extrapolation.json")["coefficients"]
    return {(row["gpu"], row["precision"]): _Coefficients(**row) for row in rows}
