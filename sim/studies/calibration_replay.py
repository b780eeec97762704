"""Calibration replay: a benchmark's load on one simulated engine. In simulated time.

The client is that of `vllm bench serve`: it keeps a timetable, and beyond its limit of unanswered
requests it holds the next one back, whose TTFT then counts from when it is sent.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Generator

import numpy as np
import simpy

from sim.fleet.build import build_batcher
from sim.laws.gamma import gamma_quantiles
from sim.scenario.pool import Pool
from sim.serving.replica import Replica
from sim.serving.sequence import Sequence
from sim.streams import Streams
from sim.studies.calibration_runs import BenchmarkRun, CalibrationError, Load, Serving
from sim.traffic.draws import exponentials


def replay(
    run: BenchmarkRun, pool: Pool, *, seed: int = 0, replication: int = 0, slow: float = 1.0
) -> Serving:
    """Send *run*'s load to one replica of *pool* and report as the benchmark's client would.

    *slow*: every step takes so much longer. The instants depend on *seed* and *replication* alone,
    so pools are compared on the same ones. Raises CalibrationError for a request that the engine
    can never serve.
    """
    rng = Streams(seed, replication).of("arrivals", "benchmark")
    client = _Client(pool, instants(run.load, rng), list(run.load.lengths()), run, slow)
    return client.report()


def instants(load: Load, rng: np.random.Generator) -> list[float]:
    """When the client wants to send each request, in seconds from its start.

    Gaps are drawn, added up and stretched so that the last comes at requests/rps, as
    `get_request` of `vllm bench serve` does.
    """
    if load.sent_at_s is not None:
        return list(load.sent_at_s)
    if load.rps is None:
        return [0.0] * load.requests
    if load.burstiness == 1.0:
        gaps = exponentials(rng, load.requests)
    else:
        gaps = gamma_quantiles(rng.random(load.requests), load.burstiness)
    sums = np.cumsum(gaps)
    found: list[float] = (sums / sums[-1] * (load.requests / load.rps)).tolist()
    return found


class _Client:
    """A benchmark's client and the one engine that it asks."""

    def __init__(
        self,
        pool: Pool,
        at_s: list[float],
        lengths: list[tuple[int, int]],
        run: BenchmarkRun,
        slow: float,
    ) -> None:
        self.env = simpy.Environment()
        self.replica = Replica(self.env, 0, build_batcher(pool, slow=slow), self._done)
        self.at_s, self.lengths, self.run = at_s, lengths, run
        self.slots = run.load.max_concurrency
        self.held: deque[int] = deque()  # wanted but not sent
        self.done: list[Sequence] = []

    def report(self) -> Serving:
        """Run to the last answer, and sum up."""
        self.env.process(self._timetable())
        self.env.run()
        ends = [s.finished_at_s or 0.0 for s in self.done]
        firsts = [s.first_token_at_s or 0.0 for s in self.done]
        ttft_s = [first - s.arrived_at_s for s, first in zip(self.done, firsts, strict=True)]
        tpot_s = [
            (end - first) / (s.output_tokens - 1)
            for s, first, end in zip(self.done, firsts, ends, strict=True)
            if s.output_tokens > 1
        ]
        middle = np.median if self.run.statistic == "p50" else np.mean
        return Serving(
            output_tokens_per_s=sum(s.output_tokens for s in self.done) / max(ends),
            tpot_s=float(middle(tpot_s)) if tpot_s else None,
            ttft_s=float(middle(ttft_s)),
        )

    def _timetable(self) -> Generator[simpy.Event, None, None]:
        for number, at_s in enumerate(self.at_s):
            if at_s > self.env.now:
                yield self.env.timeout(at_s - self.env.now)
            if self.slots == 0:
                self.held.append(number)
                continue
            if self.slots is not None:
                self.slots -= 1
            self._send(number)

    def _send(self, number: int) -> None:
        prompt, answer = self.lengths[number]
        refusal = self.replica.submit(Sequence(0, number, self.env.now, prompt, answer))
        if refusal is not None:
            raise CalibrationError(f"{self.run.label}: request {number + 1}: {refusal}")

    def _done(self, sequence: Sequence) -> None:
        self.done.append(sequence)
        if self.slots is not None:
            wait_s = max(0.0, (sequence.finished_at_s or 0.0) - self.env.now)
            self.env.timeout(wait_s).callbacks.append(self._freed)

    def _freed(self, _: simpy.Event) -> None:
        assert self.slots is not None
        if self.held:
            self._send(self.held.popleft())
        else:
            self.slots += 1
