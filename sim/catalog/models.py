"""Models: transformer shapes, and the weights, KV bytes and FLOPS that follow; knows no clock."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from functools import cache
from typing import Any

from sim.catalog.datafiles import read_yaml
from sim.catalog.names import UnknownName, find

PRECISIONS = ("bf16", "fp8", "fp8_block", "mxfp4")
"""Weight formats: fp8 = per tensor (vLLM dynamic or checkpoint), fp8_block = 128x128 blocks."""

_BYTES_PER_LAYER_PARAM = {"bf16": 2, "fp8": 1, "fp8_block": 1, "mxfp4": 2}
# mxfp4 quantises experts only: 4 bits and one 8-bit scale for 32 weights (OCP MX v1.0) = 4.25 bits.
_BYTES_PER_EXPERT_PARAM = {
    "bf16": Fraction(2),
    "fp8": Fraction(1),
    "fp8_block": Fraction(1),
    "mxfp4": Fraction(17, 32),
}


@dataclass(frozen=True, kw_only=True)
class Model:
    """The shape of one decoder-only transformer with gated MLPs and grouped-query attention.

    `intermediate` is the width of the MLP, or of one expert. Norms and biases (under 0.1 % of the
    parameters) are not counted. `tables` names the model whose step-time tables it uses.
    """

    name: str
    tables: str
    layers: int
    full_attention_layers: int
    hidden: int
    intermediate: int
    heads: int
    kv_heads: int
    head_dim: int
    vocab: int
    experts: int = 0
    topk: int = 0
    tied_embeddings: bool = False
    source: str
    as_of: date

    @property
    def layer_params(self) -> int:
        """Parameters of all layers that every token passes: attention, router, dense MLP."""
        projections = 2 * self.heads + 2 * self.kv_heads  # Q and output; K and V
        attention = self.hidden * self.head_dim * projections
        rest = self.hidden * self.experts if self.experts else 3 * self.hidden * self.intermediate
        return self.layers * (attention + rest)

    @property
    def expert_params(self) -> int:
        """Parameters of all experts of all layers; 0 for a dense model."""
        return self.layers * self.experts * 3 * self.hidden * self.intermediate

    @property
    def head_params(self) -> int:
        """Parameters of the output head (read once a step)."""
        return self.vocab * self.hidden

    @property
    def embedding_params(self) -> int:
        """Parameters of embedding and head together: one matrix if tied, else two."""
        return self.head_params if self.tied_embeddings else 2 * self.head_params

    @property
    def params(self) -> int:
        """All parameters."""
        return self.layer_params + self.expert_params + self.embedding_params

    @property
    def active_params(self) -> int:
        """Parameters that serve one token, embedding and head included, as publishers count.

        >>> round(model("qwen3-30b-a3b").active_params / 1e9, 2)
        3.35
        """
        used = self.expert_params * self.topk // self.experts if self.experts else 0
        return self.layer_params + used + self.embedding_params

    @property
    def kv_bytes_per_token(self) -> int:
        """Bytes of bf16 KV cache per token; layers with a short window are not counted."""
        return 2 * self.full_attention_layers * self.kv_heads * self.head_dim * 2

    @property
    def attention_flops_per_pair(self) -> int:
        """FLOPS for one query token against one earlier token: QK and PV, multiply and add."""
        return 4 * self.full_attention_layers * self.heads * self.head_dim

    def weight_bytes(self, precision: str) -> int:
        """Bytes of all weights, over all GPUs; embedding and head are bf16 in every precision."""
        return self._layer_bytes(precision) + 2 * self.embedding_params

    def streamed_bytes(self, precision: str) -> int:
        """Bytes of weights that a step reads once all experts are in use: all but the embedding."""
        return self._layer_bytes(precision) + 2 * self.head_params

    def _layer_bytes(self, precision: str) -> int:
        if precision not in PRECISIONS:
            raise UnknownName("precision", precision, PRECISIONS)
        experts = self.expert_params * _BYTES_PER_EXPERT_PARAM[precision]
        return self.layer_params * _BYTES_PER_LAYER_PARAM[precision] + round(experts)


def model(name: str) -> Model:
    """Return the model called *name*; raises `UnknownName`.

    >>> model("llama-3.1-8b").weight_bytes("bf16")
    16059990016
    """
    return find("model", name, _by_name())


def models() -> tuple[Model, ...]:
    """Return all models, in the order of the data file."""
    return tuple(_by_name().values())


@cache
def _by_name() -> dict[str, Model]:
    document = read_yaml("models.yaml")
    return {row["name"]: _model(row, document["as_of"]) for row in document["models"]}


def _model(row: dict[str, Any], as_of: date) -> Model:
    defaults = {"tables": row["name"], "full_attention_layers": row["layers"]}
    return Model(**(defaults | row), as_of=as_of)
