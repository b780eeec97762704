"""Scenario: the whole document that a user writes; frozen, equal if it means the same; no clock."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, Field, Strict, model_validator

from sim.scenario.agreement import targets_are_known
from sim.scenario.bill import BillLine
from sim.scenario.hosted import Hosted, hosted_faults
from sim.scenario.pool import Pool
from sim.scenario.references import broken_references
from sim.scenario.route import Route
from sim.scenario.scalar import Count, Name, Number, Title, WholeNumber
from sim.scenario.spec import Fault, Frozen, Spec, raise_all
from sim.units import Duration, format_duration

MAX_HORIZON_S = 400 * 86_400.0
"""The longest horizon: 400 days."""

Weekday = Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
"""Names of the days, as `starts_on` takes them."""


def _some_time(seconds: float) -> float:
    if seconds <= 0:
        raise Fault(f"must be more than 0 (got {format_duration(seconds)})")
    return seconds


def _not_too_long(seconds: float) -> float:
    if seconds > MAX_HORIZON_S:
        raise Fault(f"must be at most 400d (got {format_duration(seconds)})")
    return seconds


class Scenario(Spec):
    """Routes, pools and a bill: everything that one simulation is about."""

    version: Annotated[Literal[1], WholeNumber] = Field(
        default=1, description="Version of this file format."
    )
    name: Title = Field(
        default="scenario", description="Name of the scenario. Default: the file's."
    )
    horizon: Annotated[Duration, AfterValidator(_some_time), AfterValidator(_not_too_long)] = Field(
        default=86_400.0, description="How long is simulated and billed, such as 1h or 7d."
    )
    warmup: Annotated[Duration, AfterValidator(_not_too_long)] = Field(
        default=3_600.0, description="Simulated before the horizon starts, but not measured."
    )
    seed: Annotated[Count, Field(ge=0, le=2**63 - 1)] = Field(
        default=0, description="Seed of all random streams."
    )
    starts_on: Weekday = Field(
        default="monday", description="Day whose midnight the horizon starts at."
    )
    slo_windows: Annotated[Number, Field(ge=0, le=1)] = Field(
        default=0.99, description="Share of 5-minute windows that must meet an SLO."
    )
    routes: Annotated[dict[Name, Route], Field(min_length=1), Frozen] = Field(
        description="Product features, by name."
    )
    pools: Annotated[dict[Name, Pool], Field(min_length=1), Frozen] = Field(
        description="Pools of replicas, by name."
    )
    bill: Annotated[tuple[BillLine, ...], Strict(False)] = Field(
        default=(), description="What it costs beside the nodes, line by line."
    )
    hosted: Hosted | None = Field(
        default=None,
        description="The API that all routes could be answered by, but those that name their own: "
        "{provider, model} or your contract's prices. Default: no comparison.",
    )

    @model_validator(mode="after")
    def _references_hold(self) -> Self:
        raise_all(broken_references(self.model_dump(include={"routes", "pools", "bill"})))
        raise_all(list(targets_are_known(self.pools, self.routes)))
        raise_all(list(hosted_faults(self.routes, self.hosted)))
        return self

    def hosted_of(self, route: str) -> Hosted | None:
        """The API that *route* could go to, or goes to; None if none is given."""
        return self.routes[route].hosted or self.hosted

    def api_edges_tokens(self, route: str) -> tuple[int, ...]:
        """Tokens of prompt at which the price of any API that *route* has to do with changes."""
        apis = (self.hosted_of(route), self.routes[route].overflow)
        return tuple(sorted({e for api in apis if api for e in api.price.edges_tokens}))

    def resolved(self) -> dict[str, Any]:
        """Return the document with all defaults filled in, the GPUs' among them, as plain values.

        Loading it again gives an equal scenario. Durations are text where that is exact.
        """
        document: dict[str, Any] = self.model_dump(mode="json", exclude_none=True)
        for name, pool in self.pools.items():
            written = document["pools"][name]
            written["engine"] = asdict(pool.resolved_engine())
            written["kv_tokens"] = pool.resolved_kv_tokens()
            ordered = {key: written[key] for key in Pool.model_fields if key in written}
            document["pools"][name] = ordered
        for name, route in self.routes.items():
            written = {**document["routes"][name], "template_tokens": route.head_tokens}
            ordered = {key: written[key] for key in Route.model_fields if key in written}
            document["routes"][name] = ordered
        return document

    def canonical_json(self) -> str:
        """Return `resolved` as one line of JSON with sorted keys: equal text, equal scenario."""
        return json.dumps(self.resolved(), sort_keys=True, separators=(",", ":"), allow_nan=False)

    def __eq__(self, other: object) -> bool:
        """Two scenarios are equal if they say the same once all defaults are filled in."""
        if not isinstance(other, Scenario):
            return NotImplemented
        return self.canonical_json() == other.canonical_json()

    def __hash__(self) -> int:
        return hash(self.canonical_json())
