"""Pool: the replicas of one model on one kind of node, as a scenario says it; knows no clock."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import (
    BeforeValidator,
    Discriminator,
    Field,
    Tag,
    ValidationInfo,
    field_validator,
    model_validator,
)

from sim.catalog.gpus import gpu
from sim.catalog.kvcapacity import kv_capacity_tokens
from sim.scenario import checks
from sim.scenario.engine import Engine, ResolvedEngine
from sim.scenario.kind import NamedOr, tag
from sim.scenario.node import Node
from sim.scenario.scalar import Count, Label, Number
from sim.scenario.spec import Fault, Spec, with_default
from sim.scenario.timing import ExplicitHost, ExplicitTiming
from sim.units import Tokens

_TIMING = NamedOr(("table", "extrapolated"), ExplicitTiming, "a mapping of coefficients")
_HOST = NamedOr(("vllm-0.19", "none"), ExplicitHost, "a mapping of seconds")

Timing = Annotated[
    Annotated[Literal["table", "extrapolated"], Tag(_TIMING.names_tag)]
    | Annotated[ExplicitTiming, Tag(tag(ExplicitTiming))],
    Discriminator(_TIMING.tag_of),
    BeforeValidator(_TIMING.check),
]
"""Where step times come from: the catalog's table, an estimate from other models', or numbers."""

HostOverhead = Annotated[
    Annotated[Literal["vllm-0.19", "none"], Tag(_HOST.names_tag)]
    | Annotated[ExplicitHost, Tag(tag(ExplicitHost))],
    Discriminator(_HOST.tag_of),
    BeforeValidator(_HOST.check),
]
"""What the serving process adds to the kernels: a row of the catalog, or numbers."""


class NaiveSpec(Spec):
    """The benchmark that the naive estimate believes; without it, the pool's own mean lengths."""

    input_tokens: Annotated[Tokens, Field(ge=1)] | None = Field(
        default=None, description="Prompt tokens of every request of the benchmark."
    )
    output_tokens: Annotated[Tokens, Field(ge=1)] | None = Field(
        default=None, description="Answer tokens of every request of the benchmark."
    )
    total_tokens_per_s: Annotated[Number, Field(gt=0, le=1e9)] | None = Field(
        default=None, description="Input and output tokens a second of one replica, as measured."
    )

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        keys = ("input_tokens", "output_tokens", "total_tokens_per_s")
        given = [key for key in keys if getattr(self, key) is not None]
        if given not in (["input_tokens", "output_tokens"], ["total_tokens_per_s"]):
            got = ", ".join(given) or "nothing"
            raise Fault(f"needs input_tokens and output_tokens, or total_tokens_per_s (got {got})")
        return self


class Pool(Spec):
    """Replicas of one model on one kind of node."""

    model: Label | None = Field(
        default=None,
        description="A model of the catalog; with explicit timing any label, or none.",
        json_schema_extra={"x-catalog": "models"},
    )
    gpu: Label | None = Field(
        default=None,
        description="A GPU of the catalog; with explicit timing any label, or none.",
        json_schema_extra={"x-catalog": "gpus"},
    )
    tensor_parallel: Annotated[Count, Field(ge=1, le=64)] = Field(
        default=1, description="GPUs of one replica."
    )
    precision: Literal["bf16", "fp8", "fp8_block", "mxfp4"] = Field(
        default="bf16", description="Number format of the weights."
    )
    timing: Timing = Field(
        default="table",
        validate_default=True,
        description="Step times: table (fitted to this model on this GPU), extrapolated (from "
        "other models', with a larger error), or a mapping of coefficients.",
    )
    kv_tokens: Annotated[Tokens, Field(ge=1)] | None = Field(
        default=None,
        validate_default=True,
        description="Tokens that the KV cache of one replica holds. Default: what is left of the "
        "GPUs' memory; required with explicit timing.",
    )
    host: HostOverhead = Field(
        default="vllm-0.19",
        description="What the serving process adds to the kernels: vllm-0.19, none, or a mapping "
        "of seconds. Default with explicit timing: none.",
    )
    engine: Engine = Field(
        default_factory=Engine,
        validate_default=True,
        description="Settings of the scheduler, named as in vLLM.",
    )
    queue_limit: Annotated[Count, Field(ge=0, le=100_000_000)] | None = Field(
        default=None,
        description="Requests that wait in the pool before the gateway rejects (429). Default: "
        "no limit.",
    )
    router: Literal["least-loaded", "round-robin", "power-of-two", "prefix-affinity"] = Field(
        default="least-loaded", description="How a request's replica is chosen."
    )
    node: Node = Field(
        default_factory=Node,
        validate_default=True,
        description="The machine that is rented, and its price (there is no default price).",
    )
    replicas: Annotated[Count, Field(ge=1, le=10_000)] = Field(
        default=1, description="Replicas that run all the time."
    )
    naive: NaiveSpec | None = Field(
        default=None,
        description="The benchmark behind the naive estimate: {input_tokens, output_tokens} or "
        "{total_tokens_per_s}. Default: the mean lengths of the pool's own requests.",
    )

    @model_validator(mode="before")
    @classmethod
    def _host_of_explicit_timing(cls, data: Any) -> Any:
        timing = data.get("timing") if isinstance(data, dict) else None
        explicit = isinstance(timing, dict | ExplicitTiming)
        return with_default(data, "host", "none") if explicit else data

    # Checks hang on the last field that they read, so that each runs as soon as its own inputs
    # are sound, whatever else is wrong: all problems are found in one go.

    @field_validator("timing")
    @classmethod
    def _table_exists(cls, timing: Any, info: ValidationInfo) -> Any:
        checks.table_exists(timing, info.data)
        return timing

    @field_validator("kv_tokens")
    @classmethod
    def _kv_tokens_known(cls, kv_tokens: int | None, info: ValidationInfo) -> int | None:
        if kv_tokens is None and isinstance(info.data.get("timing"), ExplicitTiming):
            raise Fault("is missing: with explicit timing, say how many tokens the KV cache holds")
        return kv_tokens

    @field_validator("engine")
    @classmethod
    def _engine_fits(cls, engine: Engine, info: ValidationInfo) -> Engine:
        checks.engine_fits(engine, info.data)
        return engine

    @field_validator("node")
    @classmethod
    def _node_fits(cls, node: Node, info: ValidationInfo) -> Node:
        checks.node_fits(node, info.data)
        return node

    @property
    def explicit(self) -> bool:
        """Whether step times are the user's own numbers, so that the catalog is not asked."""
        return isinstance(self.timing, ExplicitTiming)

    def resolved_engine(self) -> ResolvedEngine:
        """Return the engine's settings with the GPU's defaults filled in."""
        return checks.resolve_engine(self.engine, None if self.explicit else self.gpu)

    def resolved_kv_tokens(self) -> int:
        """Return the tokens of KV cache of one replica: as given, else what the memory leaves."""
        if self.kv_tokens is not None or self.model is None or self.gpu is None:
            return self.kv_tokens or 0
        batched = self.resolved_engine().max_num_batched_tokens
        return kv_capacity_tokens(
            self.model, self.gpu, self.tensor_parallel, self.precision, batched
        )

    @property
    def gpus_per_replica(self) -> int:
        """GPUs of one replica."""
        return self.tensor_parallel

    @property
    def replicas_per_node(self) -> int:
        """Replicas that one node holds."""
        return self.node.gpus // self.tensor_parallel

    @property
    def nodes(self) -> int:
        """Nodes that the replicas need."""
        return -(-self.replicas // self.replicas_per_node)

    @property
    def unplaced_gpus(self) -> int:
        """GPUs of all nodes that no replica uses, but that are paid."""
        return self.nodes * self.node.gpus - self.replicas * self.tensor_parallel

    @property
    def usd_per_replica_hour(self) -> float:
        """List price of one replica's GPUs for one hour, in USD."""
        return self.node.usd_per_node_hour * self.tensor_parallel / self.node.gpus

    @property
    def compute_factor_is_guess(self) -> bool:
        """Whether the card's compute factor was never measured; False with explicit timing."""
        return (
            not self.explicit and self.gpu is not None and not gpu(self.gpu).compute_factor_measured
        )
