"""Bursts: how a rate wanders at random about its day curve, and its requests in batches; no clock.

ln(rate) has Ornstein-Uhlenbeck terms: each is normal with a variance v and forgets itself within
a time T, so that rates a time t apart have a relative covariance of exp(sum of v e^(-t/T)) - 1
(log-Gaussian Cox process; Møller, Syversveen and Waagepetersen 1998, section 2).
"""

from __future__ import annotations

from typing import Annotated, Any, Self

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Discriminator,
    Field,
    Strict,
    Tag,
    model_validator,
)

from sim.catalog.workloads import ArrivalPreset, workload, workloads
from sim.scenario.kind import TAG_MARK
from sim.scenario.scalar import Count, Number
from sim.scenario.spec import Fault, Spec
from sim.units import Duration, format_duration, shown

SHORTEST_BURST_S = 0.01
"""Shortest time of a burst term: below it, gaps and batches tell the same story at less cost."""


LONGEST_BATCH_S = 3600.0
"""Longest mean batch: what lasts longer is a conversation, or several clients."""


class BurstTerm(Spec):
    """One part of what makes a rate wander, with its strength and its memory."""

    variance: Annotated[Number, Field(ge=0, le=4)] = Field(
        description="Variance of ln(rate): 0.04 are swings of some 20 %."
    )
    time: Annotated[Duration, Field(ge=SHORTEST_BURST_S)] = Field(
        description="Time within which a swing is forgotten (to 1/e)."
    )


class Batches(Spec):
    """Requests that come several at once, as of agents that fan out."""

    mean_size: Annotated[Number, Field(ge=1, le=1000)] = Field(
        description="Mean requests of a batch; sizes 1, 2, 3 ... are geometric."
    )
    gap: Duration = Field(default=0.0, description="From one request of a batch to the next.")

    @model_validator(mode="after")
    def _do_not_last(self) -> Self:
        if (lasts_s := self.mean_size * self.gap) > LONGEST_BATCH_S:
            rule = (
                f"makes a batch last {format_duration(lasts_s)} on average; at most 1h is allowed"
            )
            raise Fault(rule, "gap")
        return self


class OnOffClients(Spec):
    """Clients that are active by turns: each is on, then off, for exponential times."""

    clients: Annotated[Count, Field(ge=1, le=10_000)] = Field(
        description="How many; while on, all send alike."
    )
    on: Annotated[Duration, Field(ge=1)] = Field(description="Mean time that a client is active.")
    off: Annotated[Duration, Field(ge=1)] = Field(description="Mean time that it is silent.")


def preset(name: str) -> ArrivalPreset:
    """Return how requests of the workload called *name* come; raises ValueError if it has no say.

    >>> preset("azure-conv-2023").gap_shape
    0.95
    """
    found = workload(name).arrivals
    if found is None:
        raise Fault(f"{name} says nothing about arrivals; workloads that do: {_having()}")
    return found


def _having(what: str = "mean_rps") -> str:
    return ", ".join(w.name for w in workloads() if w.arrivals and getattr(w.arrivals, what))


def _bursts_tag(value: Any) -> str:
    return TAG_MARK + ("name" if isinstance(value, str) else "terms")


def _check_bursts(value: Any) -> Any:
    if isinstance(value, str | list | tuple):
        return value
    rule = "must be the name of a workload or a list such as [{variance: 0.05, time: 5m}]"
    raise Fault(f"{rule} (got {shown(value)})")


def _check_bursts_name(name: str) -> str:
    if not preset(name).bursts:
        raise Fault(f"{name} has no bursts; workloads that do: {_having('bursts')}")
    return name


Bursts = Annotated[
    Annotated[str, AfterValidator(_check_bursts_name), Tag(TAG_MARK + "name")]
    | Annotated[
        tuple[BurstTerm, ...], Strict(False), Field(max_length=16), Tag(TAG_MARK + "terms")
    ],
    Discriminator(_bursts_tag),
    BeforeValidator(_check_bursts),
]
"""Burst terms: those of a workload of the catalog, by its name, or own ones."""
