"""Failures: what breaks in a pool, how often, and what is done about it; knows no clock."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal, Self

from pydantic import Field, Strict, create_model, model_validator

from sim.scenario.detection import Detection, Probes
from sim.scenario.durations import DurationLaw
from sim.scenario.lognormal import SomeTime
from sim.scenario.mtbf import Mtbf
from sim.scenario.outages import Outage
from sim.scenario.repair import Repair, repair_law, repair_mean_s
from sim.scenario.scalar import Count, Number
from sim.scenario.spec import Fault, Spec, raise_all
from sim.units import Share

if TYPE_CHECKING:  # numpy, which reading a scenario does without
    from sim.laws.law import Law

CAUSES = (
    "mtbf",
    "replica_mtbf",
    "zone_mtbf",
    "outages",
    "stalls",
    "slow_nodes",
    "request_errors",
)
"""Keys of which each makes something fail; the others say how."""

_NEEDS = {"lemons": "mtbf", "zone_mtbf": "zone_outage", "zone_outage": "zone_mtbf"}


class Lemons(Spec):
    """A few nodes that fail far more often than the rest."""

    share: Annotated[Share, Field(gt=0)] = Field(
        default=0.01, description="Chance that a node is one, when it is rented. (1 %: a choice.)"
    )
    factor: Annotated[Number, Field(gt=1, le=1e6)] = Field(
        default=20.0, description="Their mtbf is that of the others over this. (20: a choice.)"
    )


class SlowNodes(Spec):
    """A few nodes on which every step takes longer."""

    share: Annotated[Share, Field(gt=0)] = Field(
        default=0.01, description="Chance that a node is one, when it is rented. (1 %: a choice.)"
    )
    factor: Annotated[Number, Field(gt=1, le=1000)] = Field(
        default=1.5, description="Their steps take this many times as long. (1.5: a choice.)"
    )


class _Rhythm(Spec):
    every: SomeTime = Field(
        description="Mean time between two, exponential; only time in which the engine has work "
        "counts."
    )


_LENGTH: Any = {  # no class body can say "for"
    "for": (DurationLaw, Field(description="How long one lasts."))
}
_Stalls: type[_Rhythm] = create_model("_Stalls", __base__=_Rhythm, **_LENGTH)


class Stalls(_Stalls):
    """An engine hangs for a while, keeps its KV cache, and goes on."""

    @property
    def length(self) -> DurationLaw:
        """How long one lasts."""
        law: DurationLaw = getattr(self, "for")
        return law


class Failures(Spec):
    """What breaks in a pool; nothing does that is not given."""

    mtbf: Mtbf | None = Field(
        default=None,
        description="Mean time between failures of a node, such as 250d; or the name of a "
        "published rate: typical (250d; published ones range from 50d to 430d), llama-3, rsc-1, "
        "rsc-2, crusoe-h200, any-fault (`tokenfleet catalog startup`).",
        json_schema_extra={"x-catalog": "failure_rates"},
    )
    shape: Annotated[Number, Field(ge=0.1, le=100)] = Field(
        default=1.0,
        description="Shape of the Weibull law of a node's life: 1 is exponential, below 1 new "
        "nodes fail more often, above 1 old ones.",
    )
    lemons: Lemons | None = Field(
        default=None, description="Nodes that fail far more often: {share: 1%, factor: 20}."
    )
    replica_mtbf: SomeTime | None = Field(
        default=None,
        description="Mean time between crashes of an engine's process, exponential. It starts "
        "again on the same node: load, init and first_request.",
    )
    on_failure: Literal["replace", "repair"] = Field(
        default="replace",
        description="What becomes of a node that failed: replace gives it back and asks for "
        "another, repair keeps it, and pays for it, until it is repaired.",
    )
    repair: Repair | None = Field(
        default=None,
        description="How long a repair takes, with on_failure: repair. Default: typical, 15 "
        "minutes, 2 hours or 4 days for 60, 30 and 10 % of the failures.",
    )
    repair_crews: Annotated[Count, Field(ge=1, le=10_000)] | None = Field(
        default=None, description="Repairs that go on at once. Default: any number."
    )
    zone_mtbf: SomeTime | None = Field(
        default=None, description="Mean time between outages of a zone, exponential, each zone."
    )
    zone_outage: DurationLaw | None = Field(
        default=None, description="How long an outage of a zone lasts; required with zone_mtbf."
    )
    outages: Annotated[tuple[Outage, ...], Strict(False)] = Field(
        default=(),
        description="Outages at set times: {at: 14h, for: 1h, zone: a} or {at: 2h, for: 2m, "
        "share: 80%}.",
    )
    stalls: Stalls | None = Field(
        default=None, description="Times in which an engine hangs: {every: 6h, for: 30s}."
    )
    slow_nodes: SlowNodes | None = Field(
        default=None, description="Nodes that are slower than the rest: {share: 1%, factor: 1.5}."
    )
    request_errors: Share = Field(
        default=0.0,
        description="Share of attempts that fail when their prompt has been computed. (For scale: "
        "1.8 to 7.3 % of the requests in the BurstGPT traces have no output.)",
    )
    detection: Detection = Field(
        default_factory=Probes,
        description="How long a dead replica still gets requests: 25s, or probes {period: 10s, "
        "timeout: 1s, threshold: 3} (Kubernetes' defaults, which come to 20 to 31 s).",
    )
    undetected: Literal["fails", "hangs"] = Field(
        default="fails",
        description="What becomes of an attempt that is sent to a dead replica: it fails at once "
        "(connection refused), or hangs until the client gives up or the death is noticed.",
    )

    @model_validator(mode="after")
    def _adds_up(self) -> Self:
        if not self.model_fields_set & set(CAUSES):
            raise Fault(f"says nothing that fails; give at least one of {', '.join(CAUSES)}")
        faults = [
            Fault(f"{key} needs {needed}", key, on_key=True)
            for key, needed in _NEEDS.items()
            if getattr(self, key) is not None and getattr(self, needed) is None
        ]
        for key in ("repair", "repair_crews"):
            if getattr(self, key) is not None and self.on_failure != "repair":
                rule = f"{key} needs on_failure: repair; without it a node is replaced"
                faults.append(Fault(rule, key, on_key=True))
        raise_all(faults)
        return self

    def repair_law(self) -> Law:
        """Return the law of a repair's time, in seconds."""
        return repair_law(self.repair or "typical")

    @property
    def repair_mean_s(self) -> float:
        """Mean time of a repair, in s."""
        return repair_mean_s(self.repair or "typical")

    @property
    def kills(self) -> bool:
        """Whether nodes or replicas die, so that others have to start."""
        deaths = (self.mtbf, self.replica_mtbf, self.zone_mtbf)
        return bool(self.outages) or any(mean is not None for mean in deaths)
