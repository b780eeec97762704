"""Route: one product feature, with its own traffic and its own patience; knows no clock."""

from __future__ import annotations

from typing import Annotated, Any, Self

from pydantic import Field, ValidationInfo, field_validator, model_validator

from sim.catalog.workloads import workload
from sim.scenario.arrivals import Arrivals, ClosedArrivals, PoissonArrivals, TraceArrivals
from sim.scenario.deferrable import Deferrable
from sim.scenario.destination import HOSTED, Destination, pools_of
from sim.scenario.hosted import Hosted
from sim.scenario.lengths import Lengths, PromptLengths, WorkloadLengths
from sim.scenario.overflow import Overflow
from sim.scenario.patience import Patience, check_order
from sim.scenario.retries import Retries
from sim.scenario.scalar import Count, Flag, Name, Number
from sim.scenario.sessions import Sessions
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

    pool: Destination = Field(
        description="Who answers: a pool's name, {split} among pools, {cascade} from one to the "
        "next, or the word hosted, for the API of `hosted`."
    )
    arrivals: Arrivals = Field(
        description="When requests come: {rps}, {mean_rps, day_curve}, {concurrency} or {trace}."
    )
    sessions: Sessions | None = Field(
        default=None,
        description="Conversations: each turn sends again what was said before. mean_rps counts "
        "turns.",
    )
    input_tokens: PromptLengths | None = Field(
        default=None,
        validate_default=True,
        description="Tokens of the user's part of the prompt (with sessions: of what is new in "
        "it). Required, except with a trace or sessions that bring them.",
    )
    output_tokens: Lengths | None = Field(
        default=None,
        validate_default=True,
        description="Tokens of the answer. Required, except with a trace.",
    )
    template_tokens: Tokens | None = Field(
        default=None,
        description="Hidden head of every prompt of the route (system prompt, tools), added to "
        "input_tokens; the prefix cache can keep it. A head that a workload's lengths count "
        "already is taken off before. Default: that of the workload whose prompts these are, or 0.",
    )
    reasoning_share: Annotated[Number, Field(ge=0, lt=1)] = Field(
        default=0.0,
        description="Part of the answer's tokens that is reasoning: made and paid like the rest, "
        "but neither shown nor sent again.",
    )
    priority: Annotated[Count, Field(ge=-1000, le=1000)] = Field(
        default=0, description="Lower goes first."
    )
    patience: Patience | None = Field(
        default=None,
        description="The client gives an attempt up when it is not answered whole after this time: "
        "60s, or a law of times. Default: it waits for ever. (OpenAI's and Anthropic's SDKs give "
        "up after 600s.)",
    )
    ttft_patience: Patience | None = Field(
        default=None,
        description="The client gives an attempt up when it has no first token after this time. "
        "Default: it waits for ever.",
    )
    retries: Retries | None = Field(
        default=None,
        description="What the client does when an attempt did not succeed: {max: 2}. Default: "
        "nothing.",
    )
    cancel_on_disconnect: Flag = Field(
        default=True,
        description="The engine stops on a request whose client has given up; else it is computed "
        "to the end, for nobody.",
    )
    useful: Flag = Field(
        default=True,
        description="Whether the answers are of use to anybody; false for health checks and the "
        "like, which are paid but never useful tokens.",
    )
    deferrable: Deferrable | None = Field(
        default=None,
        description="Work that can wait until the pool has room: {deadline: 8h, below: 60%}. "
        "Default: none can.",
    )
    overflow: Overflow | None = Field(
        default=None,
        description="A hosted API that takes what the pool cannot: its prices, ttft and tpot. "
        "Default: none.",
    )
    hosted: Hosted | None = Field(
        default=None,
        description="The API that could answer the route: {provider, model} or your contract's "
        "prices. Default: that of the whole scenario, if it has one.",
    )
    slo: Slo | None = Field(default=None, description="What users were promised.")
    team: Name | None = Field(
        default=None, description="Who answers for the route and pays for it: bills add up by team."
    )

    @field_validator("deferrable", "overflow")
    @classmethod
    def _an_api_has_room(cls, given: Any, info: ValidationInfo) -> Any:
        if given is not None and info.data.get("pool") == HOSTED:
            raise Fault("must not be given with pool: hosted, since an API always has room")
        return given

    @field_validator("ttft_patience")
    @classmethod
    def _first_token_comes_first(cls, ttft: Any, info: ValidationInfo) -> Any:
        check_order(ttft, info.data.get("patience"))
        return ttft

    @field_validator("overflow")
    @classmethod
    def _overflow_is_of_use(cls, overflow: Any, info: ValidationInfo) -> Any:
        if overflow is not None and info.data.get("useful") is False:
            raise Fault("must not be given with useful: false: nobody pays an API for such answers")
        return overflow

    @property
    def pools(self) -> tuple[str, ...]:
        """The pools that its requests may come to, in visiting order; a hosted API is none."""
        return pools_of(self.pool)

    @property
    def head_tokens(self) -> int:
        """Tokens of the hidden head of every prompt; those of the workload unless said here."""
        if self.template_tokens is not None:
            return self.template_tokens
        if self.sessions is not None and self.sessions.workload is not None:
            return workload(self.sessions.workload).template_tokens
        return self.counted_head_tokens

    @property
    def counted_head_tokens(self) -> int:
        """Tokens of a head that `input_tokens` counts, since its workload counts whole prompts."""
        if not isinstance(self.input_tokens, WorkloadLengths):
            return 0
        return workload(self.input_tokens.workload).template_tokens

    @field_validator("sessions")
    @classmethod
    def _sessions_start_at_random(cls, sessions: Any, info: ValidationInfo) -> Any:
        arrivals = info.data.get("arrivals")
        if isinstance(arrivals, TraceArrivals):
            raise Fault("must not be given with a trace, which has its own shared prefixes")
        if isinstance(arrivals, ClosedArrivals) or (
            isinstance(arrivals, PoissonArrivals) and arrivals.count is not None
        ):
            raise Fault("needs arrivals of rps or mean_rps, without concurrency or count")
        return sessions

    @field_validator("input_tokens", "output_tokens")
    @classmethod
    def _lengths_once(cls, lengths: Any, info: ValidationInfo) -> Any:
        if not {"arrivals", "sessions"} <= info.data.keys():
            return lengths  # one of them is wrong, and says so itself
        arrivals, sessions = info.data["arrivals"], info.data["sessions"]
        traced = isinstance(arrivals, TraceArrivals)
        brought = sessions is not None and sessions.brings(info.field_name or "")
        if lengths is not None and traced:
            raise Fault("must not be given with a trace, which brings its own lengths")
        if lengths is not None and brought:
            raise Fault("must not be given: sessions already say how long a first turn is")
        if lengths is None and not traced and not brought:
            raise Fault("is missing: only a trace brings its own lengths, give e.g. {fixed: 500}")
        return lengths
