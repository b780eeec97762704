"""Estimate: the naive $ per 1M tokens, of one pool or of a fleet; knows no clock."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from sim.cost.benchmark import Benchmark


@dataclass(frozen=True)
class Naive:
    """What the benchmark promises: list price over throughput.

    `tokens_per_s` is of one replica (of a fleet: what a token meets on average, the harmonic mean
    weighted by tokens). None where no pool has a benchmark.
    """

    tokens_per_s: float | None
    usd_per_million_tokens: float | None
    usd_per_million_input_tokens: float | None
    usd_per_million_output_tokens: float | None
    source: str | None


NO_ESTIMATE = Naive(None, None, None, None, None)


@dataclass(frozen=True)
class Weighed:
    """A pool's benchmark, its list price per replica-hour and its tokens, the weights."""

    pool: str
    benchmark: Benchmark
    usd_per_replica_hour: float
    input_tokens: float
    output_tokens: float

    @property
    def tokens(self) -> float:
        """Input and output tokens."""
        return self.input_tokens + self.output_tokens


def pool_naive(benchmark: Benchmark | None, usd_per_replica_hour: float) -> Naive:
    """The naive estimate of one pool."""
    if benchmark is None:
        return NO_ESTIMATE
    return Naive(
        tokens_per_s=benchmark.tokens_per_s,
        usd_per_million_tokens=benchmark.usd_per_million_tokens(usd_per_replica_hour),
        usd_per_million_input_tokens=benchmark.usd_per_million_input_tokens(usd_per_replica_hour),
        usd_per_million_output_tokens=benchmark.usd_per_million_output_tokens(usd_per_replica_hour),
        source=benchmark.source,
    )


def fleet_naive(pools: Sequence[Weighed]) -> Naive:
    """Sum of c T / 3600 X over pools, per token; prices by kind weighted by tokens of that kind.

    A single pool's estimate needs no weights, so it stands even if no token was useful.
    """
    if len(pools) == 1:
        return pool_naive(pools[0].benchmark, pools[0].usd_per_replica_hour)
    naives = [pool_naive(p.benchmark, p.usd_per_replica_hour) for p in pools]
    tokens = [p.tokens for p in pools]
    inverse = _mean([1.0 / p.benchmark.tokens_per_s for p in pools], tokens)
    return Naive(
        tokens_per_s=1.0 / inverse if inverse else None,
        usd_per_million_tokens=_mean([n.usd_per_million_tokens for n in naives], tokens),
        usd_per_million_input_tokens=_mean(
            [n.usd_per_million_input_tokens for n in naives], [p.input_tokens for p in pools]
        ),
        usd_per_million_output_tokens=_mean(
            [n.usd_per_million_output_tokens for n in naives], [p.output_tokens for p in pools]
        ),
        source="; ".join(f"{p.pool}: {p.benchmark.source}" for p in pools) or None,
    )


def _mean(values: Sequence[float | None], weights: Sequence[float]) -> float | None:
    total = math.fsum(weights)
    if total <= 0 or any(v is None for v in values):
        return None
    return math.fsum((v or 0.0) * w for v, w in zip(values, weights, strict=True)) / total
