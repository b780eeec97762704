"""Utilization: the states of paid time in GPU-hours, and the shares that they make.

Knows no clock. A continuous-batching engine is busy whenever one sequence is inside, so busy time
is divided into what the work was worth at benchmark efficiency and *slack*, the rest.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields

from sim.cost.benchmark import Benchmark
from sim.cost.quantity import Part, gpu_hours
from sim.cost.reference import ReferenceRates, reference_seconds
from sim.ledger.usage import PoolUsage, ReferenceTokens


@dataclass(frozen=True)
class GpuHours:
    """Paid GPU-hours and the nine states that sum to them.

    `slack` may be a little below 0 at saturation: the reference is an average over one shape.
    """

    paid: float = 0.0
    reference_useful: float = 0.0
    reference_waste: float = 0.0
    slack: float = 0.0
    idle: float = 0.0
    starting: float = 0.0
    draining: float = 0.0
    failed: float = 0.0
    unplaced: float = 0.0
    committed_unused: float = 0.0


def _seconds(tokens: Iterable[ReferenceTokens], rates: ReferenceRates) -> float:
    return math.fsum(reference_seconds(t, rates).total_s for t in tokens)


def pool_gpu_hours(
    pool: PoolUsage,
    routes: Iterable[Part],
    rates: ReferenceRates,
    tensor_parallel: int,
    unused_gpu_s: float = 0.0,
) -> GpuHours:
    """States of a pool's paid time, of which *routes* are those that it serves.

    *unused_gpu_s*: what was committed to beside it, but not used.
    """
    routes = list(routes)
    useful_s = _seconds((r.ended_useful for r in routes), rates)
    waste_s = _seconds((r.ended_waste for r in routes), rates)
    hours = tensor_parallel / 3600.0  # GPU-hours of a replica-second
    return GpuHours(
        paid=gpu_hours(pool, tensor_parallel) + unused_gpu_s / 3600.0,
        reference_useful=useful_s * hours,
        reference_waste=waste_s * hours,
        slack=(pool.busy_s - useful_s - waste_s) * hours,
        idle=pool.idle_s * hours,
        starting=pool.starting_s * hours,
        draining=pool.draining_s * hours,
        failed=pool.failed_s * hours,
        unplaced=pool.unplaced_gpu_s / 3600.0,
        committed_unused=unused_gpu_s / 3600.0,
    )


@dataclass(frozen=True)
class Utilization:
    """Four shares of paid capacity, None where nothing was paid.

    `busy`: of replica-seconds, with a step running. `useful`: of GPU-hours, by what the useful
    tokens would have taken in the benchmark. `benchmark`: useful tokens per paid replica-hour over
    what the benchmark shows; halve it and a token costs twice as much. It may pass 1 with a prefix
    cache. `kv`: of KV blocks, in use on time average.
    """

    busy: float | None
    useful: float | None
    benchmark: float | None
    kv: float | None


@dataclass(frozen=True)
class Load:
    """Sums whose quotients are the utilizations; loads of several pools add."""

    paid_s: float = 0.0
    busy_s: float = 0.0
    benchmark_hours: float = 0.0
    kv_used_block_s: float = 0.0
    kv_block_s: float = 0.0
    gpu_hours: GpuHours = field(default_factory=GpuHours)

    def utilization(self) -> Utilization:
        """The four shares."""
        return Utilization(
            busy=share(self.busy_s, self.paid_s),
            useful=share(self.gpu_hours.reference_useful, self.gpu_hours.paid),
            benchmark=share(self.benchmark_hours, self.paid_s / 3600.0),
            kv=share(self.kv_used_block_s, self.kv_block_s),
        )


def share(part: float, whole: float) -> float | None:
    """A quotient, None of nothing.

    >>> share(1.0, 4.0), share(0.0, 0.0)
    (0.25, None)
    """
    return part / whole if whole > 0 else None


def pool_load(
    pool: PoolUsage,
    routes: Mapping[str, Part],
    benchmark: Benchmark | None,
    hours: GpuHours,
    unused_s: float = 0.0,
) -> Load:
    """Load of one pool; without a benchmark nothing counts as used, nor what an API answered.

    *unused_s*: replica-seconds that were committed to beside what was paid, but not used.
    """
    tokens = math.fsum(r.served.input + r.served.output for r in routes.values())
    return Load(
        paid_s=pool.paid_s + unused_s,
        busy_s=pool.busy_s,
        benchmark_hours=benchmark.replica_hours(tokens) if benchmark else 0.0,
        kv_used_block_s=pool.kv_used_block_s,
        kv_block_s=pool.kv_block_s,
        gpu_hours=hours,
    )


def total_load(loads: Iterable[Load]) -> Load:
    """The fleet's load: every sum over its pools."""
    loads = list(loads)
    sums = {
        f.name: math.fsum(getattr(load, f.name) for load in loads)
        for f in fields(Load)
        if f.name != "gpu_hours"
    }
    hours = GpuHours(
        **{
            f.name: math.fsum(getattr(load.gpu_hours, f.name) for load in loads)
            for f in fields(GpuHours)
        }
    )
    return Load(gpu_hours=hours, **sums)
