"""Replications: one scenario, several times, on random numbers that have nothing in common.

Knows no clock; the runs are the business of `simulation`.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from sim.cost.benchmark import Benchmark
from sim.ledger.usage import Usage
from sim.scenario.arrivals import TraceArrivals
from sim.scenario.document import Scenario
from sim.scenario.notices import warnings_of
from sim.simulation import Run, simulate
from sim.studies.executors import LocalExecutor, Outcome, Progress, cpu_count
from sim.studies.naive import benchmark
from sim.studies.precision import Convergence, Precision, convergence
from sim.studies.result import Result

DEFAULT_REPLICATIONS = 5


@dataclass(frozen=True)
class _Task:
    """One replication, as it travels to a worker process."""

    scenario: Scenario
    replication: int
    spool: Path | None
    sample_every_s: float | None


def _simulate(task: _Task) -> Run:
    return simulate(
        task.scenario,
        replication=task.replication,
        spool=task.spool,
        sample_every_s=task.sample_every_s,
    )


def run(
    scenario: Scenario,
    *,
    seed: int | None = None,
    replications: int = DEFAULT_REPLICATIONS,
    precision: Precision | None = None,
    jobs: int | None = 1,
    spool: Path | None = None,
    sample_every_s: float | None = None,
    progress: Progress | None = None,
) -> Result:
    """Simulate *scenario* *replications* times and account for the mean.

    Parameters
    ----------
    seed
        Instead of the scenario's own. The same seed gives the same result for any *jobs*.
    precision
        Add replications to the first *replications* until figures are known so well, see
        `sim.studies.precision`; `Result.convergence` tells whether they are.
    jobs
        Worker processes; None: as many as there are CPUs, at most one per replication. With more
        than one, a script needs the usual ``if __name__ == "__main__":`` guard; one works in
        this process.
    spool
        Folder for the attempts of replication 0.
    sample_every_s
        Time between samples of the fleet's state, of replication 0.
    progress
        Called with (replications done, of all or, with *precision*, of the most).

    Raises what the first replication that failed raised.
    """
    if replications < 1:
        raise ValueError(f"replications ({replications}) must be at least 1")
    if seed is not None:
        scenario = scenario.model_copy(update={"seed": seed})
    different = draws(scenario)
    if not different:
        precision = None  # nothing can be known better
    most = replications if precision is None else max(replications, precision.most)
    tasks = [
        _Task(scenario, i, spool if i == 0 else None, sample_every_s if i == 0 else None)
        for i in range(most if different else 1)
    ]
    jobs = min(cpu_count(), len(tasks)) if jobs is None else jobs
    runs, reached = _runs(tasks, jobs, replications, precision, progress)
    if not different:
        runs *= replications
    found = benchmarks(scenario, [r.usage for r in runs])
    return Result(scenario, runs, found, warnings_of(scenario, date.today()), reached)


def _runs(
    tasks: Sequence[_Task],
    jobs: int,
    least: int,
    precision: Precision | None,
    progress: Progress | None,
) -> tuple[tuple[Run, ...], Convergence | None]:
    """The runs of *tasks* in their order, up to the first that makes them precise enough."""
    runs: list[Run] = []
    ended: dict[int, Outcome[Run]] = {}
    reached = None
    with contextlib.closing(LocalExecutor(jobs).outcomes(_simulate, tasks)) as outcomes:
        for index, outcome in outcomes:
            ended[index] = outcome
            if progress is not None:
                progress(len(runs) + len(ended), len(tasks))
            while len(runs) in ended:
                runs.append(ended.pop(len(runs)).unwrap())
                if precision is None or len(runs) < least:
                    continue
                usages = [run.usage for run in runs]
                reached = convergence(precision, usages, tasks[0].scenario)
                if reached.converged:
                    return tuple(runs), reached
    return tuple(runs), reached


def draws(scenario: Scenario) -> bool:
    """Whether anything in *scenario* is drawn at random; if not, all replications are the same one.

    A trace brings its times and lengths; of the routers only power-of-two draws. Where a request
    goes, if there is a choice, and how fast an API answers are drawn. Clients that give
    up or ask again, and fleets that change, are drawn as soon as there are any.
    """
    for route in scenario.routes.values():
        patient = route.patience is None and route.ttft_patience is None
        plain = patient and route.retries is None and route.overflow is None
        fixed = plain and len(route.pools) == 1
        if not fixed or not isinstance(route.arrivals, TraceArrivals):
            return True
    return any(
        not pool.is_fixed or (pool.router == "power-of-two" and pool.most_replicas > 1)
        for pool in scenario.pools.values()
    )


def benchmarks(
    scenario: Scenario,
    usages: Sequence[Usage],
    measure: Callable[..., Benchmark] = benchmark,
) -> dict[str, Benchmark]:
    """Each pool's benchmark at the mean lengths of the requests that came to it."""
    found = {}
    for name, pool in scenario.pools.items():
        lengths = mean_lengths(scenario, usages, name)
        if lengths is not None:
            found[name] = measure(pool, *lengths)
    return found


def mean_lengths(scenario: Scenario, usages: Sequence[Usage], pool: str) -> tuple[int, int] | None:
    """Mean input and output tokens as offered to *pool*, in whole tokens; None if nobody came."""
    offered = [
        usage.routes[name].by_pool[pool].offered
        for usage in usages
        for name, spec in scenario.routes.items()
        if pool in spec.pools
    ]
    arrived = math.fsum(o.requests for o in offered)
    if arrived <= 0:
        return None
    input_tokens = math.fsum(o.input for o in offered) / arrived
    output_tokens = math.fsum(o.output for o in offered) / arrived
    return max(1, round(input_tokens)), max(1, round(output_tokens))
