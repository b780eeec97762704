"""Kernel table: the GPU seconds of one engine step, in closed form; knows no clock.

A step decodes b sequences whose KV holds S tokens in all, and computes prefill chunks i of n_i new
tokens after c_i that are already in the KV cache. With T = b + sum n_i, Q = sum n_i (c_i + n_i / 2)
and C = sum c_i it takes

    G(T) + t_seq b + k_ctx S + k_attn Q + k_pctx C + t_pre [any prefill]

where G is piecewise linear over the knots.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Literal

ALL_EXPERTS_TOKENS = 256
"""From so many tokens on, a step of a mixture of experts reads the weights of every expert."""


@dataclass(frozen=True)
class ErrorFigures:
    """Absolute errors on rows that no fit saw, in percent: mean, 90th percentile, largest."""

    mape_pct: float
    p90_pct: float
    max_pct: float
    rows: int


@dataclass(frozen=True)
class TableErrors:
    """Held-out errors of one table, by kind of step."""

    decode: ErrorFigures
    prefill: ErrorFigures
    mixed: ErrorFigures


@dataclass(frozen=True, kw_only=True)
class KernelTable:
    """Coefficients of one (model, GPU, tensor parallel, precision): kernels only, no host.

    `gpu` is the name of the tables' card (``h100_sxm``), not of a rented one. `basis` says whether
    the numbers were fitted to a table of this very model, estimated from others, or given by hand;
    `errors_note` says in words what error that costs.
    """

    knots_tokens: tuple[float, ...]
    knots_s: tuple[float, ...]
    model: str = ""
    gpu: str = ""
    tensor_parallel: int = 1
    precision: str = ""
    per_sequence_s: float = 0.0
    per_context_token_s: float = 0.0
    per_attention_pair_s: float = 0.0
    per_prefill_context_token_s: float = 0.0
    prefill_fixed_s: float = 0.0
    basis: Literal["table", "extrapolated", "explicit"] = "explicit"
    experts: int = 0
    topk: int = 0
    errors: TableErrors | None = None
    errors_note: str = ""
    source: str = ""
    as_of: date | None = None

    def shared_s(self, tokens: float) -> float:
        """Return G(*tokens*): flat below the first knot, the last segment prolonged, G(0) = 0."""
        if tokens <= 0:
            return 0.0
        x, y = self.knots_tokens, self.knots_s
        if tokens <= x[0] or len(x) == 1:
            return y[0]
        i = min(bisect_right(x, tokens), len(x) - 1)
        slope = (y[i] - y[i - 1]) / (x[i] - x[i - 1])
        return y[i - 1] + slope * (tokens - x[i - 1])


def kernel_seconds(
    table: KernelTable,
    prefill: Iterable[Sequence[float]] = (),
    decode: Iterable[float] = (),
) -> float:
    """Return the GPU seconds of one step: *prefill* as (new, already computed) tokens per chunk.

    *decode* holds the tokens in the KV cache of each decoding sequence at the step's start. No host
    and no card factor. An empty step takes 0 s. Raises ValueError for anything that is not a
    finite count of tokens.

    >>> table = KernelTable(knots_tokens=(1, 101), knots_s=(0.01, 0.02), per_context_token_s=1e-6)
    >>> round(kernel_seconds(table, prefill=[(49, 0)], decode=[1000, 3000]), 6)
    0.019
    """
    chunks = [_chunk(i, chunk) for i, chunk in enumerate(_items("prefill", prefill))]
    contexts = [_tokens(f"decode[{i}]", c) for i, c in enumerate(_items("decode", decode))]
    pairs = math.fsum(new * (done + new / 2) for new, done in chunks)
    return math.fsum(
        (
            table.shared_s(len(contexts) + math.fsum(new for new, _ in chunks)),
            table.per_sequence_s * len(contexts),
            table.per_context_token_s * math.fsum(contexts),
            table.per_attention_pair_s * pairs,
            table.per_prefill_context_token_s * math.fsum(done for _, done in chunks),
            table.prefill_fixed_s if chunks else 0.0,
        )
    )


def _items(name: str, values: Iterable[object]) -> list[object]:
    if isinstance(values, str | bytes) or not isinstance(values, Iterable):
        raise ValueError(f"{name} must be a list, got {values!r}")
    return list(values)


def _chunk(index: int, chunk: object) -> tuple[float, float]:
    where = f"prefill[{index}]"
    parts = _items(where, chunk)  # type: ignore[arg-type]
    if len(parts) != 2:
        raise ValueError(f"{where} must be (new tokens, context tokens), got {chunk!r}")
    new, done = _tokens(f"{where} new tokens", parts[0]), _tokens(f"{where} context", parts[1])
    if new < 1:
        raise ValueError(f"{where} new tokens must be at least 1, got {parts[0]!r}")
    return new, done


def _tokens(where: str, value: object) -> float:
    try:
        tokens = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError):
        raise ValueError(f"{where} must be a number of tokens, got {value!r}") from None
    if isinstance(value, str | bytes | bool) or not math.isfinite(tokens) or tokens < 0:
        raise ValueError(f"{where} must be a number of tokens, 0 or more, got {value!r}")
    return tokens
