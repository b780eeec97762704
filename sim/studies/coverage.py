"""Coverage: how often our 95 % intervals hold the truth, where theory knows it.

`python -m sim.studies.coverage` measures it and prints a table. It knows no clock: each study is a
run of whole simulations, with a seed of its own, of a system that is solved on paper. Of 1,000
studies a true 95 % interval misses 50, give or take 14.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sim.scenario.document import Scenario
from sim.scenario.load import loads
from sim.studies.executors import LocalExecutor, cpu_count
from sim.studies.precision import Precision
from sim.studies.replications import run

STEP_S = 0.01
RATE_PER_S = 5.0
WINDOW_S = 120.0
INPUT_TOKENS = 100
MEAN_OUTPUT = 10.0
USD_PER_HOUR = 4.0

ONE_SLOT = f"""
name: one-slot
horizon: {WINDOW_S:g}s
warmup: 30s
routes:
  chat:
    pool: main
    arrivals: {{rps: {RATE_PER_S}}}
    input_tokens: {{fixed: {INPUT_TOKENS}}}
    output_tokens: {{geometric: {MEAN_OUTPUT:g}}}
pools:
  main:
    timing: {{knots_tokens: [1, 256], knots_s: [{STEP_S}, {STEP_S}]}}
    kv_tokens: 1M
    engine: {{max_num_seqs: 1, max_num_batched_tokens: 256}}
    naive: {{total_tokens_per_s: 10000}}
    node: {{usd_per_hour: {USD_PER_HOUR}}}
"""
"""An M/Geo/1 queue: a step takes 10 ms whatever is in it, an answer a geometric number of steps."""


@dataclass(frozen=True)
class Case:
    """A figure of the summary, by its dotted path, and what it is in truth."""

    name: str
    path: str
    truth: float


def cases() -> tuple[Case, ...]:
    """What theory knows of ONE_SLOT.

    Service is S = 10 ms x a geometric number of steps N of mean m on 1, 2, ...: E[S^2] =
    (10 ms)^2 (2 m^2 - m). A request waits lambda E[S^2] / (2 (1 - rho)) (Pollaczek and Khinchine;
    Kleinrock 1975, section 5.6), then its first token takes one step. The bill is fixed; tokens
    have known means.
    """
    tokens_per_s = RATE_PER_S * (INPUT_TOKENS + MEAN_OUTPUT)
    busy = RATE_PER_S * MEAN_OUTPUT * STEP_S
    square = STEP_S**2 * (2 * MEAN_OUTPUT**2 - MEAN_OUTPUT)
    wait_s = RATE_PER_S * square / (2 * (1 - busy))
    usd = USD_PER_HOUR / 3600 / tokens_per_s * 1e6
    return (
        Case("$ per 1M tokens (ratio)", "cost.usd_per_million_useful_tokens", usd),
        Case(
            "$ per 1,000 requests (ratio)",
            "cost.usd_per_thousand_requests",
            USD_PER_HOUR / 3600 / RATE_PER_S * 1e3,
        ),
        Case("busy (ratio)", "utilization.busy", busy),
        Case("requests (mean)", "requests.arrived", RATE_PER_S * WINDOW_S),
        Case("mean TTFT (M/G/1)", "latency.ttft_s.mean", wait_s + STEP_S),
        Case("mean E2E (M/G/1)", "latency.e2e_s.mean", wait_s + MEAN_OUTPUT * STEP_S),
    )


@dataclass(frozen=True)
class Study:
    """One study: its seed, its replications, and the precision that it goes on to, if any."""

    seed: int
    replications: int
    precision: float | None = None


def held(study: Study) -> dict[str, bool]:
    """Which cases' intervals hold the truth, by name, and whether any is missing."""
    scenario: Scenario = loads(ONE_SLOT, overrides=[f"seed={study.seed}"])
    wanted = None if study.precision is None else Precision(study.precision)
    result = run(scenario, replications=study.replications, precision=wanted)
    return holds(result.intervals, cases())


def holds(intervals: Mapping[str, Sequence[float] | None], of: Sequence[Case]) -> dict[str, bool]:
    """Which of the cases' truths lie in their intervals; none is in an interval that is not there.

    >>> holds({"a": [1.0, 2.0], "b": None}, [Case("A", "a", 1.5), Case("B", "b", 1.5)])
    {'A': True, 'B': False}
    """
    found = {}
    for case in of:
        low, high = intervals.get(case.path) or (math.inf, -math.inf)
        found[case.name] = low <= case.truth <= high
    return found


def coverage(
    studies: Sequence[Study],
    jobs: int = 1,
    study: Callable[[Study], dict[str, bool]] = held,
) -> dict[str, float]:
    """The share of *studies* whose intervals hold the truth, by case."""
    outcomes = [outcome.unwrap() for _, outcome in LocalExecutor(jobs).outcomes(study, studies)]
    return {name: sum(one[name] for one in outcomes) / len(outcomes) for name in outcomes[0]}


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--studies", type=int, default=1000, help="of each kind (default: 1,000)")
    parser.add_argument("--jobs", type=int, default=cpu_count(), help="worker processes")
    arguments = parser.parse_args()
    n = arguments.studies
    kinds: dict[str, Any] = {
        "5 replications": [Study(seed, 5) for seed in range(n)],
        "10 replications": [Study(10**6 + seed, 10) for seed in range(n)],
        "10 or more, to 2 % of the price": [Study(2 * 10**6 + s, 10, 0.02) for s in range(n)],
    }
    error = 1.96 * math.sqrt(0.95 * 0.05 / n)
    print(f"share of {n:,} studies whose 95 % interval holds the truth (give or take {error:.1%})")
    for kind, studies in kinds.items():
        print(kind, flush=True)
        for name, share in coverage(studies, arguments.jobs).items():
            print(f"  {name:30} {share:.1%}", flush=True)


if __name__ == "__main__":
    main()
