"""Gap: from the naive price of a token to the real one, rung by rung, each with its interval.

Knows no clock. The real run is simulated once per replication; what it could have cost is measured
on the log of the same replication, so each rung varies as the runs do.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from sim.cost.ladder import CAUSES, Ladder, ladder
from sim.cost.ladder_need import Levels, Need
from sim.cost.spent import idle_usd
from sim.ledger.average import mean
from sim.studies.executors import run_all
from sim.studies.gap_facts import closed_form, facts, incidents
from sim.studies.gap_needs import Plan, Task, need, plan
from sim.studies.intervals import Interval, jackknife
from sim.studies.result import Result

SAMPLE = 20_000
"""Requests of the log that a loop or a load test sends."""

THIN = 20
"""A rung that rests on fewer incidents than this is called thin."""

Tell = Callable[[str, int, int], None]
"""Told (what is done, how much of it, of how much)."""


@dataclass(frozen=True)
class Gap:
    """The ladder of *result*, and what it was made of.

    `needs[pool][i]` is what replication i's log of a pool would have needed; `plans` say how each
    pool was tested. `ladder` is None where there is no token to divide by, or no naive price.
    """

    result: Result
    plans: Mapping[str, Plan] = field(default_factory=dict)
    needs: Mapping[str, list[Need]] = field(default_factory=dict)

    @cached_property
    def ladder(self) -> Ladder | None:
        """The ladder of the mean of all replications."""
        return self._ladder(range(len(self.result.runs)))

    def _ladder(self, which: range | list[int]) -> Ladder | None:
        result = self.result
        usage = mean([result.usages[i] for i in which])
        statement = result.statement_of(usage)
        return ladder(
            usage,
            statement.bill,
            statement.naive.usd_per_million_tokens,
            result.scenario,
            result.benchmarks,
            {pool: mean([of[i] for i in which]) for pool, of in self.needs.items()},
        )

    @cached_property
    def intervals(self) -> tuple[Interval | None, ...]:
        """95 % of rungs 1 to 12 in $ per 1M, by the jackknife; None where there is no telling."""
        whole, n = self.ladder, len(self.result.runs)
        if whole is None or n < 2:
            return (None,) * (len(CAUSES) - 1)
        others = [self._ladder([j for j in range(n) if j != i]) for i in range(n)]
        known = [other.rungs for other in others if other is not None]
        if len(known) < n:
            return (None,) * (len(CAUSES) - 1)
        return tuple(
            jackknife(rung, [rungs[i] for rungs in known]) for i, rung in enumerate(whole.rungs)
        )

    def perfect_replicas(self) -> dict[str, Levels]:
        """Whole replicas that each pool needs in each 5 minutes, mean over the replications.

        What is unused within them is valley; replicas held beyond them are headroom.
        """
        return {
            pool: np.asarray(mean(needs).whole_by_interval) for pool, needs in self.needs.items()
        }

    def _idle_usd(self) -> dict[str, float]:
        """Idle dollars by cause: valley and headroom."""
        statement = self.result.statement
        hours = {name: pool.gpu_hours for name, pool in statement.pools.items()}
        return idle_usd(self.result.usage, statement.bill, hours, self.perfect_replicas())

    def rungs(self) -> list[dict[str, Any]]:
        """Rungs 1 to 12 as entries of `summary.json`; none without a ladder."""
        whole = self.ladder
        if whole is None:
            return []
        counts = incidents(self.result)
        told = facts(self, whole)
        return [
            {
                "rung": i + 1,
                "cause": CAUSES[i + 1],
                "usd_per_million": whole.rungs[i],
                "factor": whole.factors[i],
                "usd_per_month": whole.usd_per_month[i],
                "ci95": None if (ci := self.intervals[i]) is None else [ci.low, ci.high],
                "thin": counts.get(CAUSES[i + 1], math.inf) < THIN,
                "facts": told.get(CAUSES[i + 1], {}),
            }
            for i in range(len(CAUSES) - 1)
        ]

    def summary(self) -> dict[str, Any]:
        """The run's summary with the ladder in its `gap`."""
        tree = self.result.summary()
        tree["gap"]["rungs"] = self.rungs()
        if self.ladder is not None:
            tree["spent"]["idle_by_cause"] = self._idle_usd()
            tree["gap"]["log_tokens"] = self.ladder.log_tokens
            tree["gap"]["useful_tokens"] = self.ladder.useful_tokens
            tree["gap"]["expected_failures_usd_per_month"] = closed_form(self.result)
        return tree


def gap(result: Result, *, requests: int = SAMPLE, jobs: int = 1, tell: Tell | None = None) -> Gap:
    """Measure the ladder of *result* with samples of *requests*, on *jobs* processes.

    The same result gives the same ladder, whatever the number of processes.
    """
    tell = tell or (lambda what, done, of: None)
    pools = list(result.benchmarks)
    scouts = [_task(result, 0, requests, {pool: Plan()}) for pool in pools]
    outcomes = run_all(plan, scouts, jobs, lambda done, of: tell("looking", done, of))
    plans = {pool: found for o in outcomes for pool, found in o.unwrap().items()}
    first: dict[int, int] = {}  # of runs that are the same one, since nothing in them is drawn
    for i, run in enumerate(result.runs):
        first.setdefault(id(run), i)
    different = list(first.values())
    tasks = [_task(result, i, requests, plans) for i in different]
    found = _needs(tasks, jobs, tell)
    lost = {pool for each in found for pool, one in each.items() if one is None}
    if lost:
        unkept = Plan(reason="not in every replication is any load so low that every SLO is kept")
        plans = {pool: unkept if pool in lost else p for pool, p in plans.items()}
        again = [_task(result, i, requests, dict.fromkeys(sorted(lost), unkept)) for i in different]
        for each, other in zip(found, _needs(again, jobs, tell), strict=True):
            each.update(other)
    of_run = dict(zip(different, found, strict=True))
    needs = {pool: [_known(of_run[first[id(run)]][pool]) for run in result.runs] for pool in pools}
    return Gap(result, plans, needs)


def _needs(tasks: list[Task], jobs: int, tell: Tell) -> list[dict[str, Need | None]]:
    outcomes = run_all(need, tasks, jobs, lambda done, of: tell("measuring", done, of))
    return [outcome.unwrap() for outcome in outcomes]


def _known(found: Need | None) -> Need:
    assert found is not None  # those that were lost have been measured without an SLO
    return found


def _task(result: Result, replication: int, requests: int, plans: Mapping[str, Plan]) -> Task:
    usage = result.runs[replication].usage
    benchmarks = {pool: result.benchmarks[pool] for pool in plans}
    return Task(result.scenario, replication, usage, benchmarks, requests, dict(plans))
