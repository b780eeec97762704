"""A crash at any moment, against the plain loop stopped at that moment."""

from __future__ import annotations

import random
from dataclasses import dataclass, replace

import pytest
import simpy

from sim.serving.batcher import Batcher
from sim.serving.kvcache import KVCache
from sim.serving.replica import Replica
from sim.serving.sequence import Outcome, Sequence
from tests.oracle.duel import Ask, Setup, close
from tests.oracle.stepper import Job, Stepper
from tests.oracle.workloads import workload


@dataclass
class Step:
    """One step of the plain loop, and what had come of each job before it."""

    begin_s: float
    end_s: float
    busy_s: float  # before it
    reached: list[tuple[int, float | None, str]]  # tokens out, first token, outcome; by job


class Historian(Stepper):
    """Writes down every step."""

    jobs: list[Job]
    history: list[Step]
    step_s: float

    def seconds(self, plan):
        self.step_s = super().seconds(plan)
        return self.step_s

    def end(self, plan, now):
        reached = [(job.generated, job.first, job.outcome) for job in self.jobs]
        self.history.append(Step(now - self.step_s, now, self.busy - self.step_s, reached))
        super().end(plan, now)


def history(setup: Setup, asks: list[Ask]) -> list[Step]:
    plain = Historian(
        setup.timing, setup.blocks, setup.block_tokens, setup.max_num_seqs,
        setup.max_num_batched_tokens, caching=setup.caching, asynchronous=setup.asynchronous,
        reserve=setup.reserve,
    )  # fmt: skip
    plain.jobs = [
        Job(i, a.arrival, a.prompt, a.output, a.priority, a.prefix) for i, a in enumerate(asks)
    ]
    plain.history = []
    plain.run(plain.jobs)
    return plain.history


def crashed(setup: Setup, asks: list[Ask], at_s: float) -> tuple[list[Sequence], Batcher]:
    env = simpy.Environment()
    core = Batcher(
        setup.timing, KVCache(setup.blocks, setup.block_tokens, caching=setup.caching),
        max_num_seqs=setup.max_num_seqs, max_num_batched_tokens=setup.max_num_batched_tokens,
        async_scheduling=setup.asynchronous, reserve_full_input=setup.reserve,
    )  # fmt: skip
    replica = Replica(env, 0, core, lambda sequence: None)
    sequences = []

    def clients():
        for number, ask in enumerate(asks):
            yield env.timeout(max(0.0, ask.arrival - env.now))
            sequence = Sequence(
                0, number, ask.arrival, ask.prompt, ask.output, ask.prefix or None, ask.priority
            )
            sequences.append(sequence)
            replica.submit(sequence)

    env.process(clients())
    env.run(until=at_s)
    replica.crash()
    return sequences, core


@pytest.mark.parametrize("chunk", range(2))
def test_a_crash_leaves_what_whole_steps_had_reached(chunk: int) -> None:
    """Tokens and times of every attempt; and busy are all seconds up to the very moment."""
    for seed in range(100 * chunk, 100 * (chunk + 1)):
        draw = random.Random(seed)
        setup, asks = workload(draw)
        asks = [replace(ask, abort_after=None) for ask in asks]
        steps = history(setup, asks)
        if not steps:
            continue
        step = draw.choice(steps)
        at_s = step.begin_s + draw.uniform(0.2, 0.8) * (step.end_s - step.begin_s)
        sequences, core = crashed(setup, asks, at_s)
        assert close(core.busy_s, step.busy_s + at_s - step.begin_s), seed
        for sequence in sequences:
            generated, first_s, outcome = step.reached[sequence.number]
            name = f"seed {seed}, {sequence}"
            assert sequence.generated == generated, name
            assert close(sequence.first_token_at_s, first_s), name
            if outcome == "completed":
                assert sequence.outcome is Outcome.COMPLETED, name
            elif outcome == "in_flight":
                assert sequence.outcome is Outcome.FAILED, name
                assert sequence.finished_at_s == at_s, name
