"""Usage: what one replication did, as sums that add up and figures that do not.

Everything here is a fact about the window [0, horizon), without a price. Sums of several
replications may be averaged field by field (`average.mean`); latency figures as figures.
Knows no clock, no scenario and no money.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np

INTERVAL_S = 300.0
"""Length of the intervals in which SLOs and peak shares are judged (5 minutes)."""

WASTE_CAUSES = (
    "timed_out", "failed", "cancelled", "preempted", "retried", "escalated", "not_useful",
)  # fmt: skip
"""Why tokens were computed for nothing: how their request ended, computed a second time after a
preemption, in an attempt that another one followed, for an answer that was not good enough, so that
the next pool was asked, or for a route that is of use to nobody."""

START_CAUSES = ("start", "scale", "rollout", "replacement")
"""Why replicas are started: as the run begins, for the load, for a new version, in place of lost
ones."""

SLO_SLACK = 1e-6
"""Relative slack of an SLO: a latency right at its target keeps it, however it was rounded."""


@dataclass(frozen=True)
class RequestCounts:
    """User requests that arrived in the window, by final state; `arrived` is the sum of the rest.

    A request ends as its last attempt does. `attempts`, `retried` (attempts but the first at a
    pool), `escalated` (answers after which the next pool was asked) and `in_slo` are counted apart.
    """

    arrived: float = 0.0
    completed: float = 0.0
    rejected: float = 0.0
    timed_out: float = 0.0
    failed: float = 0.0
    cancelled: float = 0.0
    in_flight: float = 0.0
    attempts: float = 0.0
    retried: float = 0.0
    escalated: float = 0.0
    in_slo: float = 0.0


@dataclass(frozen=True)
class TokenCounts:
    """Tokens by kind. `input` includes `cached_input` and `template` (a route's hidden prefix).

    `output` includes `reasoning`, which nobody is shown.
    """

    input: float = 0.0
    cached_input: float = 0.0
    template: float = 0.0
    output: float = 0.0
    reasoning: float = 0.0


@dataclass(frozen=True)
class HostedCounts:
    """Requests that a hosted API answered in the fleet's place, and the tokens that it bills."""

    requests: float = 0.0
    input: float = 0.0
    cached_input: float = 0.0
    output: float = 0.0


@dataclass(frozen=True)
class TierCounts:
    """Requests of one length of prompt, as an API would bill them: those that arrived, those that
    were answered, and those that a hosted API did answer."""

    arrived: HostedCounts = field(default_factory=HostedCounts)
    answered: HostedCounts = field(default_factory=HostedCounts)
    hosted: HostedCounts = field(default_factory=HostedCounts)


@dataclass(frozen=True)
class OfferedCounts:
    """Requests that were sent to one pool, and their tokens as asked for.

    `escalated` of them were answered there, but not well enough.
    """

    requests: float = 0.0
    input: float = 0.0
    cached_input: float = 0.0
    output: float = 0.0
    escalated: float = 0.0


@dataclass(frozen=True)
class ComputedTokens:
    """Tokens that the fleet computed for requests of the window, each time that it did.

    `undecided`: those of requests that were still in flight when the run ended, neither useful
    nor wasted.
    """

    input: float = 0.0
    output: float = 0.0
    undecided_input: float = 0.0
    undecided_output: float = 0.0


@dataclass(frozen=True)
class ReferenceTokens:
    """Tokens of attempts that *ended* in the window, as the reference rates count them.

    `uncached`: prompt tokens that were computed; `prompt`: all prompt tokens, cached or not (they
    pay context rent); `cached`: prompt tokens found in the cache (prompt - uncached for a finished
    prefill); `output`: tokens that were generated.
    """

    uncached: float = 0.0
    prompt: float = 0.0
    cached: float = 0.0
    output: float = 0.0


@dataclass(frozen=True)
class ComponentSeconds:
    """Replica-seconds as run, of attempts that ended in the window; they sum to their busy time."""

    prefill: float = 0.0
    cached_attention: float = 0.0
    rent: float = 0.0
    decode: float = 0.0
    waste: float = 0.0


@dataclass(frozen=True)
class Figures:
    """Mean and quantiles of one latency; a quantile is None under 10/(1-q) samples."""

    mean: float | None = None
    p50: float | None = None
    p95: float | None = None
    p99: float | None = None
    n: float = 0.0


@dataclass(frozen=True)
class WorstWindow:
    """The worst 5 minutes of an SLO: their start, and the quantile of what arrived in them.

    None for the quantile: requests ended, but none was completed.
    """

    start_s: float
    value_s: float | None

    @property
    def badness(self) -> float:
        """What the worst of several windows has most of."""
        return math.inf if self.value_s is None else self.value_s


@dataclass(frozen=True)
class SloFigure:
    """One SLO as met: the quantile over the window, the share of 5-minute intervals that met it.

    `worst` of several replications is the worst of all.
    """

    metric: str
    quantile: float
    target_s: float
    value_s: float | None
    windows_met_share: float | None
    worst: WorstWindow | None = None


@dataclass(frozen=True)
class WindowCounts:
    """5-minute intervals of a route that could be judged, and those that missed an SLO of it."""

    judged: float = 0.0
    bad: float = 0.0


@dataclass(frozen=True)
class RouteOnPool:
    """What one pool did for one route; over the pools of a route the parts sum to the whole.

    A request that came to several pools is offered to each. `completed` (requests whose last answer
    came from here, or from a hosted API in its place), `useful` and `hosted` are of its last.
    """

    offered: OfferedCounts = field(default_factory=OfferedCounts)
    completed: float = 0.0
    useful: TokenCounts = field(default_factory=TokenCounts)
    hosted: HostedCounts = field(default_factory=HostedCounts)
    wasted_input: dict[str, float] = field(default_factory=dict)  # by WASTE_CAUSES
    wasted_output: dict[str, float] = field(default_factory=dict)
    ended_useful: ReferenceTokens = field(default_factory=ReferenceTokens)
    ended_waste: ReferenceTokens = field(default_factory=ReferenceTokens)
    as_run: ComponentSeconds = field(default_factory=ComponentSeconds)
    ended_by_interval: np.ndarray = field(default_factory=lambda: np.zeros((0, 3)))
    """As in `RouteUsage`."""
    kv_block_hours: float = 0.0
    """Hours of the pool's KV blocks that were in use: its part of them, see `kv_hours`."""

    @property
    def served(self) -> TokenCounts:
        """The useful tokens that the pool itself served, without `template` and `reasoning`."""
        return _served(self.useful, self.hosted)


def _served(useful: TokenCounts, hosted: HostedCounts) -> TokenCounts:
    """*useful* without *hosted*: all that a hosted API answered is useful, or nothing is."""
    return TokenCounts(
        input=max(0.0, useful.input - hosted.input),
        cached_input=max(0.0, useful.cached_input - hosted.cached_input),
        output=max(0.0, useful.output - hosted.output),
    )


@dataclass(frozen=True)
class RouteUsage:
    """What one route asked for and got. Tokens are of requests that *arrived* in the window."""

    requests: RequestCounts = field(default_factory=RequestCounts)
    offered: TokenCounts = field(default_factory=TokenCounts)  # of all that arrived, as asked for
    useful: TokenCounts = field(default_factory=TokenCounts)
    goodput: TokenCounts = field(default_factory=TokenCounts)  # the useful ones inside the SLO
    hosted: HostedCounts = field(default_factory=HostedCounts)  # of the completed ones
    computed: ComputedTokens = field(default_factory=ComputedTokens)
    wasted_input: dict[str, float] = field(default_factory=dict)  # by WASTE_CAUSES
    wasted_output: dict[str, float] = field(default_factory=dict)
    ended_useful: ReferenceTokens = field(default_factory=ReferenceTokens)
    ended_waste: ReferenceTokens = field(default_factory=ReferenceTokens)
    as_run: ComponentSeconds = field(default_factory=ComponentSeconds)
    ended_by_interval: np.ndarray = field(default_factory=lambda: np.zeros((0, 3)))
    """(intervals, 3): uncached, prompt and output tokens of all attempts that ended in each."""
    ttft_s: Figures = field(default_factory=Figures)
    tpot_s: Figures = field(default_factory=Figures)
    e2e_s: Figures = field(default_factory=Figures)
    slo: tuple[SloFigure, ...] = ()
    windows: WindowCounts = field(default_factory=WindowCounts)
    tiers: tuple[TierCounts, ...] = ()
    """By length of prompt, of a route whose API asks more for long ones; else `by_tier` has all."""
    by_pool: dict[str, RouteOnPool] = field(default_factory=dict)
    """By the pools that the route may use; empty for one of a hosted API, and for `overall`."""

    @property
    def completed(self) -> float:
        """Requests that were answered."""
        return self.requests.completed

    @property
    def by_tier(self) -> tuple[TierCounts, ...]:
        """Requests as an API would bill them, by tier of its prices; all in one if it has none."""
        if self.tiers:
            return self.tiers
        asked, useful = self.offered, self.useful
        some = self.requests.completed if useful.input + useful.output > 0 else 0.0
        return (
            TierCounts(
                HostedCounts(self.requests.arrived, asked.input, asked.cached_input, asked.output),
                HostedCounts(some, useful.input, useful.cached_input, useful.output),
                self.hosted,
            ),
        )

    @property
    def served(self) -> TokenCounts:
        """The useful tokens that the fleet itself served, without `template` and `reasoning`."""
        return _served(self.useful, self.hosted)


@dataclass(frozen=True)
class PoolUsage:
    """What one pool's paid time was, in replica-seconds (unplaced: GPU-seconds), in the window.

    `node_s` are node-seconds but of spot nodes, which are `spot_node_s`. Why it was paid:
    `starting_by_cause_s` divides `starting_s` by START_CAUSES; `tail_node_s` are node-seconds from
    a node's return to the end of its last unit, `warm_node_s` those kept up without a replica;
    `surge_s`, `spare_s` and the floor's figures are as in `fleet.standing`. `starts` (by
    START_CAUSES) and `deaths` count what began in the window.
    """

    paid_s: float = 0.0
    busy_s: float = 0.0
    idle_s: float = 0.0
    starting_s: float = 0.0
    draining_s: float = 0.0
    failed_s: float = 0.0
    node_s: float = 0.0
    spot_node_s: float = 0.0
    nodes_at_least_s: np.ndarray = field(default_factory=lambda: np.zeros(0), kw_only=True)
    """(nodes,): seconds with at least 1, 2, 3 ... nodes paid that are no spot nodes; their sum is
    `node_s`."""
    unplaced_gpu_s: float = 0.0
    kv_used_block_s: float = 0.0
    kv_block_s: float = 0.0
    paid_by_interval: np.ndarray = field(default_factory=lambda: np.zeros(0))
    """(intervals,): mean paid replicas in each."""
    starting_by_cause_s: dict[str, float] = field(default_factory=dict)
    tail_node_s: float = 0.0
    warm_node_s: float = 0.0
    surge_s: float = 0.0
    spare_s: float = 0.0
    floor_by_interval: np.ndarray = field(default_factory=lambda: np.zeros(0))
    """(intervals,): share of each in which the pool was at its least number of replicas."""
    floor_ready_by_interval: np.ndarray = field(default_factory=lambda: np.zeros(0))
    """(intervals,): mean replicas that were ready under that rule; 0 while it did not bind."""
    starts: dict[str, float] = field(default_factory=dict)
    deaths: float = 0.0

    @property
    def ready_s(self) -> float:
        """Replica-seconds that could serve, or (while draining) still did."""
        return self.busy_s + self.idle_s


@dataclass(frozen=True)
class Usage:
    """One replication, or the mean of several.

    In `overall`, requests and latencies are of the routes that are of use to somebody.
    """

    window_s: float
    routes: dict[str, RouteUsage]
    pools: dict[str, PoolUsage]
    overall: RouteUsage
    """All routes together: sums of sums; latencies over all requests, not means of means."""
