"""KV capacity: how many tokens of KV cache fit beside a model's weights; knows no clock."""

from __future__ import annotations

from sim.catalog import gpus, models
from sim.catalog.gpus import GIB, Gpu
from sim.catalog.models import Model

GPU_MEMORY_UTILIZATION = 0.9
"""Share of a card's memory that vLLM takes (its default up to 0.19)."""


def reserve_bytes(max_num_batched_tokens: int) -> float:
    """Bytes per GPU for activations, CUDA graphs and the rest: 1.15 GiB + 2.5 GiB per 8,192 tokens.

    Chosen so that Qwen3-30B-A3B on one 94 GB card holds the 250k tokens that its serving run
    (vLLM 0.19.0, arXiv 2606.11690) shows.
    """
    return (1.15 + 2.5 * max_num_batched_tokens / 8192) * GIB


def kv_capacity_tokens(
    model: str,
    gpu: str,
    tensor_parallel: int,
    precision: str,
    max_num_batched_tokens: int,
    gpu_memory_utilization: float = GPU_MEMORY_UTILIZATION,
) -> int:
    """Return the tokens of bf16 KV cache that one replica holds; they are the same on all its GPUs.

    A KV head lives on one GPU, or on several if there are more GPUs than KV heads. Raises
    `UnknownName` for a model, GPU or precision, and ValueError with the numbers if it does not fit.

    >>> kv_capacity_tokens("llama-3.1-8b", "h100-sxm", 1, "bf16", 8192)
    431496
    """
    shape, card = models.model(model), gpus.gpu(gpu)
    if tensor_parallel < 1:
        raise ValueError(f"tensor_parallel must be at least 1, got {tensor_parallel}")
    if not 0 < gpu_memory_utilization <= 1:
        raise ValueError(f"gpu_memory_utilization must be in (0, 1], got {gpu_memory_utilization}")
    weights = shape.weight_bytes(precision) / tensor_parallel
    reserve = reserve_bytes(max_num_batched_tokens)
    room = gpu_memory_utilization * card.memory_bytes - weights - reserve
    per_token = shape.kv_bytes_per_token / min(tensor_parallel, shape.kv_heads)
    if room < per_token:
        raise ValueError(_too_big(shape, card, tensor_parallel, precision, room, weights, reserve))
    return int(room / per_token)


def _too_big(
    shape: Model, card: Gpu, tp: int, precision: str, room: float, weights: float, reserve: float
) -> str:
    usable = (room + weights + reserve) / GIB
    return (
        f"{shape.name} in {precision} does not fit on {tp} x {card.name}: each GPU gives "
        f"{usable:.1f} GiB, weights take {weights / GIB:.1f} GiB, activations and graphs "
        f"{reserve / GIB:.1f} GiB, and {max(room, 0) / GIB:.1f} GiB are left for the KV cache"
    )
