"""Pool: the replicas of one model on one kind of node, as a scenario says it; knows no clock."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import Field, ValidationInfo, field_validator, model_validator

from sim.catalog.gpus import gpu
from sim.catalog.kvcapacity import kv_capacity_tokens
from sim.catalog.models import models
from sim.scenario import agreement, checks
from sim.scenario.autoscaler import Autoscaler, FixedScaler
from sim.scenario.capacity import Capacity
from sim.scenario.engine import Engine, ResolvedEngine
from sim.scenario.failures import Failures
from sim.scenario.naive import NaiveSpec
from sim.scenario.node import Node
from sim.scenario.queue_limit import QueueLimit, by_priority
from sim.scenario.redundancy import Redundancy
from sim.scenario.replicas import Replicas
from sim.scenario.rollouts import Rollouts
from sim.scenario.scalar import Count, Flag, Label, Number
from sim.scenario.scale_to_zero import ScaleToZero
from sim.scenario.spec import Fault, Spec, with_default
from sim.scenario.startup import Startup, StartupOrName, startup_named
from sim.scenario.timing import ExplicitTiming, HostOverhead, Timing
from sim.units import Tokens

_UNSAID: Any = None  # default of a field whose validator then finds the value


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
    compute_factor: Annotated[Number, Field(gt=0, le=100)] | None = Field(
        default=None,
        description="How much slower this card computes than the step times say; memory traffic "
        "is not slowed. Default: the GPU's, from the catalog; 1 with explicit timing or host none.",
    )
    engine: Engine = Field(
        default_factory=Engine,
        validate_default=True,
        description="Settings of the scheduler, named as in vLLM.",
    )
    queue_limit: QueueLimit | None = Field(
        default=None,
        description="Requests that wait in the pool before the gateway rejects (429); or by "
        "priority, so that what matters less is shed first: {0: 512, 1: 100}. Default: no limit.",
    )
    router: Literal["least-loaded", "round-robin", "power-of-two", "prefix-affinity"] = Field(
        default="least-loaded", description="How a request's replica is chosen."
    )
    node: Node = Field(
        default_factory=Node,
        validate_default=True,
        description="The machine that is rented, and its price (there is no default price).",
    )
    autoscaler: Autoscaler | None = Field(
        default=None,
        description="What decides how many replicas there are: {kind: p95}, hpa, schedule, "
        "forecast or fixed. Default: none, always the same number.",
    )
    replicas: Replicas = Field(
        default=_UNSAID,
        validate_default=True,
        description="Replicas that run all the time; with an autoscaler its bounds, {min: 1, max: "
        "8, start: 2}. Default: 1, or those of the HPA manifest.",
        json_schema_extra={"default": 1},
    )
    scale_to_zero: ScaleToZero | None = Field(
        default=None,
        validate_default=True,
        description="Give the last replica back when nothing comes; needs a min of 0.",
    )
    startup: StartupOrName = Field(
        default="cloud-gpu",
        description="How long a new replica takes until it serves: a startup of the catalog, none, "
        "or phases {provision, pull, load, init, first_request}. Those that are there when the "
        "simulation begins are ready.",
        json_schema_extra={"x-catalog": "startups"},
    )
    prepulled_image: Flag = Field(
        default=False, description="Nodes come with the engine's image, so that pull takes no time."
    )
    warm_nodes: Annotated[Count, Field(ge=0, le=10_000)] = Field(
        default=0,
        description="Nodes that are kept rented with the image pulled but no engine: paid, and "
        "ready sooner.",
    )
    capacity: Capacity = Field(
        default_factory=Capacity, description="Whether the provider has a node when asked for one."
    )
    redundancy: Redundancy | None = Field(
        default=None,
        description="Replicas on top of what the load asks for: {spare_replicas: 1} or {survive: "
        "zone}.",
    )
    failures: Failures | None = Field(
        default=None, description="What breaks, and how often. Default: nothing."
    )
    rollouts: Rollouts | None = Field(
        default=None, description="New versions that replace the replicas. Default: none."
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

    @field_validator("replicas", mode="before")
    @classmethod
    def _replicas_or_default(cls, replicas: Any, info: ValidationInfo) -> Any:
        return agreement.default_replicas(info.data) if replicas is None else replicas

    @field_validator("replicas")
    @classmethod
    def _replicas_fit(cls, replicas: Any, info: ValidationInfo) -> Any:
        agreement.replicas_fit(replicas, info.data)
        return replicas

    @field_validator("scale_to_zero")
    @classmethod
    def _zero_fits(cls, to_zero: Any, info: ValidationInfo) -> Any:
        agreement.zero_fits(to_zero, info.data)
        return to_zero

    @field_validator("redundancy")
    @classmethod
    def _redundancy_fits(cls, redundancy: Any, info: ValidationInfo) -> Any:
        agreement.redundancy_fits(redundancy, info.data)
        return redundancy

    @field_validator("failures")
    @classmethod
    def _failures_fit(cls, failures: Any, info: ValidationInfo) -> Any:
        agreement.failures_fit(failures, info.data)
        return failures

    @model_validator(mode="after")
    def _size_is_known(self) -> Self:
        agreement.size_is_known(self)
        return self

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
    def start_replicas(self) -> int:
        """Replicas that are ready when the simulation begins, spares not among them."""
        return self.replicas if isinstance(self.replicas, int) else self.replicas.first

    @property
    def least_replicas(self) -> int:
        """Fewest replicas that may be wanted for the load; 0 only with `scale_to_zero`."""
        return self.replicas if isinstance(self.replicas, int) else self.replicas.min

    @property
    def most_replicas(self) -> int:
        """Most replicas that may be wanted for the load."""
        return self.replicas if isinstance(self.replicas, int) else self.replicas.max

    @property
    def scales(self) -> bool:
        """Whether the number of replicas changes with the load or the time of day."""
        moved = self.autoscaler is not None and not isinstance(self.autoscaler, FixedScaler)
        return moved or self.scale_to_zero is not None

    @property
    def starts_replicas(self) -> bool:
        """Whether replicas start in the course of time, beside those that are ready at first."""
        lost = self.failures is not None and self.failures.kills
        return self.scales or lost or self.rollouts is not None or self.node.spot is not None

    @property
    def is_fixed(self) -> bool:
        """Whether it is a plain fleet: the same replicas all the time, and nothing ever fails."""
        plain = self.failures is None and self.redundancy is None and self.warm_nodes == 0
        return plain and not self.starts_replicas

    @property
    def weight_bytes(self) -> int | None:
        """Bytes of the weights of one replica, over all its GPUs; None if the catalog lacks it."""
        shape = next((shape for shape in models() if shape.name == self.model), None)
        return None if shape is None else shape.weight_bytes(self.precision)

    @property
    def cold_start(self) -> Startup:
        """How a replica starts, names of the catalog looked up; pull takes no time if prepulled."""
        start = startup_named(self.startup) if isinstance(self.startup, str) else self.startup
        return start.without_pull() if self.prepulled_image else start

    @property
    def mean_startup_s(self) -> float:
        """Mean time from asking for a node until its replica is ready, in s.

        Raises ValueError if loading goes by the weights' size and that is not known.
        """
        return self.cold_start.mean_s(self.weight_bytes)

    @property
    def queue_limits(self) -> dict[int, int] | int | None:
        """How many may wait before one is rejected, all or by priority; None: any number."""
        return by_priority(self.queue_limit)

    @property
    def nodes(self) -> int:
        """Nodes that the replicas need that are ready when the simulation begins."""
        return -(-self.start_replicas // self.replicas_per_node)

    @property
    def unplaced_gpus(self) -> int:
        """GPUs of those nodes that no replica uses, but that are paid."""
        return self.nodes * self.node.gpus - self.start_replicas * self.tensor_parallel

    @property
    def usd_per_replica_hour(self) -> float:
        """List price of one replica's GPUs for one hour, in USD."""
        return self.node.usd_per_node_hour * self.tensor_parallel / self.node.gpus

    @property
    def compute_factor_is_guess(self) -> bool:
        """Whether the card's compute factor is the catalog's and was never measured."""
        unsaid = not self.explicit and self.compute_factor is None
        return unsaid and self.gpu is not None and not gpu(self.gpu).compute_factor_measured

    @property
    def resolved_compute_factor(self) -> float:
        """What the compute part of the step times is multiplied by: as given, else the card's.

        1 with explicit timing, and without a host: that is kernel time as tabulated.
        """
        if self.compute_factor is not None:
            return self.compute_factor
        if self.explicit or self.host == "none" or self.gpu is None:
            return 1.0
        return gpu(self.gpu).compute_factor
