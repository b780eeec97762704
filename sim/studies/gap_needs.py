"""Gap needs: measures, for one replication's log, what perfect fleets would take; knows no clock.

A closed loop shows what lengths and the cache do, a load test what the SLOs do; the arrivals of
every five minutes then say how many replicas are needed when.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from sim.cost.benchmark import Benchmark
from sim.cost.ladder_need import Levels, Need, needed, whole_replicas
from sim.cost.peak import interval_lengths_s
from sim.cost.reference import reference_seconds
from sim.fleet.build import build_batcher
from sim.ledger.usage import INTERVAL_S, ReferenceTokens, Usage
from sim.scenario.document import Scenario
from sim.studies.gap_load import LoadTest, has_target, largest_rate
from sim.studies.gap_log import Log, read_log
from sim.studies.gap_loop import full_throughput
from sim.studies.naive import benchmark

FIRST_REPLICAS = 2
MOST_REPLICAS = 4
"""Replicas of a load test: it begins with the first, and has never more than the last."""


@dataclass(frozen=True)
class Plan:
    """How one pool is to be tested: with so many replicas, near *rate_per_s*.

    None for the rate: there is no SLO to be kept, or it is out of reach, as `reason` says.
    """

    replicas: int = FIRST_REPLICAS
    rate_per_s: float | None = None
    reason: str = ""


@dataclass(frozen=True)
class Task:
    """One replication's log to be measured, as it travels to a worker process."""

    scenario: Scenario
    replication: int
    usage: Usage
    benchmarks: Mapping[str, Benchmark]
    requests: int
    plans: Mapping[str, Plan]

    def measures(self) -> dict[str, Measure]:
        """What there is to measure of each pool that has a plan."""
        logs = read_log(self.scenario, self.replication, self.usage, self.requests)
        return {pool: Measure(self, pool, logs[pool]) for pool in self.plans}


class Measure:
    """One pool's log of one replication, and what its requests take of a replica."""

    def __init__(self, task: Task, pool: str, log: Log) -> None:
        self.task = task
        self.pool = pool
        self.log = log
        self.benchmark = task.benchmarks[pool]
        self.spec = task.scenario.pools[pool]
        self.sample = log.sample.repeated(task.requests)
        self.lengths, self.cache = self._factors()
        self.lengths_s = interval_lengths_s(task.scenario.horizon, len(log.arrivals), INTERVAL_S)

    # -- without an SLO --------------------------------------------------------------------------

    def _factors(self) -> tuple[float, float]:
        """Replica-seconds with real lengths over the benchmark's, and with the cache over those."""
        if not len(self.sample):
            return 1.0, 1.0
        caches = self.spec.resolved_engine().prefix_caching and self.sample.shares
        if not caches and self._is_alike():
            return 1.0, 1.0
        plain = self._loop(caching=False) or self.benchmark.tokens_per_s
        cached = (self._loop(caching=True) if caches else None) or plain
        lengths = 1.0 if self._is_alike() else self.benchmark.tokens_per_s / plain
        return lengths, plain / cached

    def _is_alike(self) -> bool:
        """Whether every request is just as the benchmark's."""
        shape = self.benchmark.input_tokens, self.benchmark.output_tokens
        pairs = set(zip(self.sample.input_tokens, self.sample.output_tokens, strict=True))
        return pairs == {shape} and self.benchmark.concurrency > 0

    def _loop(self, *, caching: bool) -> float | None:
        concurrency = self.benchmark.concurrency or self._own_concurrency()
        priorities = [route.priority for route in self.task.scenario.routes.values()]
        batcher = build_batcher(self.spec, prefix_caching=caching)
        return full_throughput(batcher, self.sample, concurrency, priorities)

    def _own_concurrency(self) -> int:
        """The best concurrency at the same shape, where the benchmark does not say its own."""
        shape = self.benchmark.input_tokens, self.benchmark.output_tokens
        return benchmark(self.spec.model_copy(update={"naive": None}), *shape).concurrency

    @property
    def full_per_s(self) -> float:
        """Requests a second that one replica takes when nobody minds to wait."""
        tokens_per_s = self.benchmark.tokens_per_s / (self.lengths * self.cache)
        return tokens_per_s / self.sample.mean_tokens

    def unhurried_s(self) -> Levels:
        """Replica-seconds in each interval when full; routes by their reference seconds."""
        arrivals = self.log.arrivals
        if not len(self.sample):
            return np.zeros(len(arrivals))
        each_s = np.array([self._reference_s(name) for name in self.task.scenario.routes])
        need_s: Levels = arrivals @ each_s
        total_s = float(need_s.sum())
        whole_s = float(arrivals.sum()) / self.full_per_s
        return need_s * (whole_s / total_s) if total_s > 0 else need_s

    def _reference_s(self, route: str) -> float:
        """Reference seconds of a mean request of *route* here."""
        part = self.task.usage.routes[route].by_pool.get(self.pool)
        if part is None or part.offered.requests <= 0:
            return 0.0
        offered = part.offered
        tokens = ReferenceTokens(
            uncached=offered.input - offered.cached_input,
            prompt=offered.input,
            cached=offered.cached_input,
            output=offered.output,
        )
        return reference_seconds(tokens, self.benchmark.rates).total_s / offered.requests

    # -- with an SLO -----------------------------------------------------------------------------

    def _test(self, replicas: int) -> LoadTest:
        task = self.task
        return LoadTest(task.scenario, self.pool, self.sample, replicas, task.replication)

    def plan(self) -> Plan:
        """Look for the largest rate, with two replicas first, then with as many as are needed."""
        if not len(self.sample):
            return Plan(reason="nobody came")
        if not has_target(self.task.scenario, self.pool):
            return Plan(reason="there is no SLO to keep")
        test = self._test(FIRST_REPLICAS)
        rate = largest_rate(test, FIRST_REPLICAS * self.full_per_s, None)
        if rate is None:
            return Plan(reason="no load is so low that every SLO is kept")
        whole = whole_replicas(self._hurried_s(test, rate), self.lengths_s)
        mean = math.fsum(whole * self.lengths_s) / math.fsum(self.lengths_s)
        replicas = min(MOST_REPLICAS, max(1, round(mean)))
        return Plan(replicas, rate * replicas / FIRST_REPLICAS)

    def _hurried_s(self, test: LoadTest, rate_per_s: float) -> Levels:
        shares = test.load(rate_per_s).share_s
        each_s = [shares.get(i, 0.0) for i in range(self.log.arrivals.shape[1])]
        need_s: Levels = self.log.arrivals @ np.array(each_s)
        return need_s

    def need(self) -> Need | None:
        """The need of this log as planned; None if its SLO turns out to be out of reach."""
        plan = self.task.plans[self.pool]
        if plan.rate_per_s is None or not len(self.sample):
            return self._needed(self.unhurried_s(), has_slo=plan.rate_per_s is not None)
        test = self._test(plan.replicas)
        rate = largest_rate(test, plan.replicas * self.full_per_s, plan.rate_per_s)
        return None if rate is None else self._needed(self._hurried_s(test, rate), has_slo=True)

    def _needed(self, need_s: Levels, *, has_slo: bool) -> Need:
        used = self.task.usage.pools[self.pool]
        return needed(
            need_s,
            self.lengths_s,
            used.floor_by_interval,
            used.floor_ready_by_interval,
            lengths=self.lengths,
            cache=self.cache,
            has_slo=has_slo,
        )


def plan(task: Task) -> dict[str, Plan]:
    """How each pool of *task* is to be tested, by a first look at its log."""
    return {pool: measure.plan() for pool, measure in task.measures().items()}


def need(task: Task) -> dict[str, Need | None]:
    """What each pool's log of *task* needs, by its plan."""
    return {pool: measure.need() for pool, measure in task.measures().items()}
