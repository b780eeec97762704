"""Usage: what one replication did, as sums that add up and figures that do not.

Everything here is a fact about the window [0, horizon), without a price. Sums of several
replications may be averaged field by field (`mean`); latency figures are averaged as figures.
Knows no clock, no scenario and no money.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from typing import Any, TypeVar

import numpy as np

INTERVAL_S = 300.0
"""Length of the intervals in which SLOs and peak shares are judged (5 minutes)."""

WASTE_CAUSES = ("timed_out", "failed", "cancelled", "preempted", "retried", "not_useful")
"""Why tokens were computed for nothing: how their request ended, computed a second time after a
preemption, in an attempt that another one followed, or for a route that is of use to nobody."""

SLO_SLACK = 1e-6
"""Relative slack of an SLO: a latency right at its target keeps it, however it was rounded."""


@dataclass(frozen=True)
class RequestCounts:
    """User requests that arrived in the window, by final state; `arrived` is the sum of the rest.

    A request ends as its last attempt does. `attempts`, `retried` (attempts but the first) and
    `in_slo` are counted apart.
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

    @property
    def served(self) -> TokenCounts:
        """The useful tokens that the fleet itself served, without `template` and `reasoning`.

        All that a hosted API answered is useful, or nothing of the route is.
        """
        useful, hosted = self.useful, self.hosted
        return TokenCounts(
            input=max(0.0, useful.input - hosted.input),
            cached_input=max(0.0, useful.cached_input - hosted.cached_input),
            output=max(0.0, useful.output - hosted.output),
        )


@dataclass(frozen=True)
class PoolUsage:
    """What one pool's paid time was, in replica-seconds (unplaced: GPU-seconds), in the window.

    `node_s` are node-seconds at the list price, `spot_node_s` those at the spot price.
    """

    paid_s: float = 0.0
    busy_s: float = 0.0
    idle_s: float = 0.0
    starting_s: float = 0.0
    draining_s: float = 0.0
    failed_s: float = 0.0
    node_s: float = 0.0
    spot_node_s: float = 0.0
    unplaced_gpu_s: float = 0.0
    kv_used_block_s: float = 0.0
    kv_block_s: float = 0.0
    paid_by_interval: np.ndarray = field(default_factory=lambda: np.zeros(0))
    """(intervals,): mean paid replicas in each."""

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


T = TypeVar("T")


def mean(usages: Sequence[T]) -> T:
    """Average dataclasses field by field: numbers, arrays, dicts, tuples and nested dataclasses.

    Of worst windows the worst is kept.

    A figure that is None in any replication is None in the mean: a tail too thin once is not
    mended by averaging the rest.

    >>> mean([Figures(mean=1.0, n=2), Figures(mean=3.0, n=4)])
    Figures(mean=2.0, p50=None, p95=None, p99=None, n=3.0)
    """
    averaged: T = _mean(list(usages))
    return averaged


def _mean(values: list[Any]) -> Any:
    first = values[0]
    if any(value is None for value in values):
        return None
    if isinstance(first, str):
        return first
    if isinstance(first, WorstWindow):
        return max(values, key=lambda window: window.badness)
    if isinstance(first, int | float):
        return math.fsum(values) / len(values)
    if isinstance(first, np.ndarray):
        return np.mean(np.stack(values), axis=0)
    if isinstance(first, dict):
        return {key: _mean([value[key] for value in values]) for key in first}
    if isinstance(first, tuple):
        return tuple(_mean(list(items)) for items in zip(*values, strict=True))
    return type(first)(
        **{f.name: _mean([getattr(value, f.name) for value in values]) for f in fields(first)}
    )
