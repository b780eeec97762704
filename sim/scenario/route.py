"""Route: one product feature, with its own traffic and its own patience; knows no clock."""

from __future__ import annotations

from typing import Annotated, Any, Self

from pydantic import Field, ValidationInfo, field_validator, model_validator

from sim.scenario.arrivals import Arrivals, TraceArrivals
from sim.scenario.lengths import Lengths
from sim.scenario.scalar import Count, Name
from sim.scenario.spec import Fault, Spec
from sim.units import Duration, Tokens

_Target = Annotated[Duration, Field(gt=0)]

SLO_METRICS = ("ttft", "tpot", "e2e")
"""Time to first token, time per output token after the first, and whole time of a request."""

SLO_QUANTILES = {"p50": 0.50, "p95": 0.95, "p99": 0.99}
"""Quantiles that an SLO may bound, by their name in the file."""


def _target(metric: str, percent: int) -> Any:
    return Field(default=None, description=f"{percent} % of requests have a {metric} below this.")


class Slo(Spec):
    """What users were promised: bounds on quantiles of latency, from the request's arrival on."""

    ttft_p50: _Target | None = _target("time to first token", 50)
    ttft_p95: _Target | None = _target("time to first token", 95)
    ttft_p99: _Target | None = _target("time to first token", 99)
    tpot_p50: _Target | None = _target("time per output token (after the first)", 50)
    tpot_p95: _Target | None = _target("time per output token (after the first)", 95)
    tpot_p99: _Target | None = _target("time per output token (after the first)", 99)
    e2e_p50: _Target | None = _target("time from arrival to last token", 50)
    e2e_p95: _Target | None = _target("time from arrival to last token", 95)
    e2e_p99: _Target | None = _target("time from arrival to last token", 99)

    @model_validator(mode="after")
    def _promises_something(self) -> Self:
        if not self.targets():
            raise Fault(
                f"promises nothing; give at least one of {', '.join(type(self).model_fields)}"
            )
        return self

    def targets(self) -> tuple[tuple[str, float, float], ...]:
        """Return (metric, quantile, target in s) of each promise, metrics as in `SLO_METRICS`.

        >>> Slo(ttft_p95="1s").targets()
        (('ttft', 0.95, 1.0),)
        """
        found = []
        for name in type(self).model_fields:
            metric, percentile = name.split("_")
            seconds = getattr(self, name)
            if seconds is not None:
                found.append((metric, SLO_QUANTILES[percentile], seconds))
        return tuple(found)


class Route(Spec):
    """One product feature: where its requests go, when they come, how long they are."""

    pool: Name = Field(description="Name of the pool that serves the route.")
    arrivals: Arrivals = Field(
        description="When requests come: {rps}, {mean_rps, day_curve}, {concurrency} or {trace}."
    )
    input_tokens: Lengths | None = Field(
        default=None,
        validate_default=True,
        description="Tokens of the user's part of the prompt. Required, except with a trace.",
    )
    output_tokens: Lengths | None = Field(
        default=None,
        validate_default=True,
        description="Tokens of the answer. Required, except with a trace.",
    )
    template_tokens: Tokens = Field(
        default=0,
        description="Hidden head of every prompt of the route (system prompt, tools), added to "
        "input_tokens; the prefix cache can keep it.",
    )
    priority: Annotated[Count, Field(ge=-1000, le=1000)] = Field(
        default=0, description="Lower goes first."
    )
    slo: Slo | None = Field(default=None, description="What users were promised.")

    @field_validator("input_tokens", "output_tokens")
    @classmethod
    def _lengths_once(cls, lengths: Any, info: ValidationInfo) -> Any:
        arrivals = info.data.get("arrivals")
        traced = isinstance(arrivals, TraceArrivals)
        if lengths is None and arrivals is not None and not traced:
            raise Fault("is missing: only a trace brings its own lengths, give e.g. {fixed: 500}")
        if lengths is not None and traced:
            raise Fault("must not be given with a trace, which brings its own lengths")
        return lengths
