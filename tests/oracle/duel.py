"""Runs one workload through the fast engine and through the plain loop, and compares everything."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import simpy

from sim.serving.batcher import Batcher
from sim.serving.kvcache import KVCache
from sim.serving.replica import Replica
from sim.serving.sequence import Outcome, Sequence
from sim.serving.timing import StepTiming
from sim.serving.turn import Turn
from tests.oracle.stepper import Job, Stepper


@dataclass(frozen=True)
class Setup:
    """One engine."""

    timing: StepTiming
    blocks: int
    block_tokens: int
    max_num_seqs: int
    max_num_batched_tokens: int
    caching: bool = True
    asynchronous: bool = False
    reserve: bool = True


@dataclass(frozen=True)
class Ask:
    """One attempt: its arrival, its lengths, when its client leaves, and its conversation.

    `talk` is (conversation, whether its answers stand in later prompts), `turn` the place in it.
    """

    arrival: float
    prompt: int
    output: int
    priority: int = 0
    prefix: tuple = ()
    abort_after: float | None = None
    talk: tuple | None = None
    turn: int = 0
    last: bool = True


def timing(max_tokens: int, base=0.01, per_token=1e-4, **kw) -> StepTiming:
    """A made-up engine with every coefficient at work."""
    fields = {
        "batch_s": [0.0] + [base + per_token * max(x, 4) for x in range(1, max_tokens + 1)],
        "per_decode_s": 2e-5,
        "per_chunk_s": 1e-5,
        "per_context_token_s": 3e-6,
        "per_attention_pair_s": 2e-7,
        "per_prefill_context_token_s": 1e-6,
        "per_prefill_step_s": 1e-3,
        "first_token_s": 0.004,
    }
    return StepTiming(**{**fields, **kw})


def oracle(setup: Setup, asks: list[Ask], stepper=Stepper) -> tuple[list[Job], Stepper]:
    engine = stepper(
        setup.timing, setup.blocks, setup.block_tokens, setup.max_num_seqs,
        setup.max_num_batched_tokens, caching=setup.caching, asynchronous=setup.asynchronous,
        reserve=setup.reserve,
    )  # fmt: skip
    jobs = [
        Job(i, a.arrival, a.prompt, a.output, a.priority, a.prefix,
            None if a.abort_after is None else a.arrival + a.abort_after, a.talk)
        for i, a in enumerate(asks)
    ]  # fmt: skip
    engine.run(jobs)
    return jobs, engine


def engine(setup: Setup, asks: list[Ask], batcher=Batcher) -> tuple[list[Sequence], Batcher, list]:
    env = simpy.Environment()
    left: list[Sequence] = []
    core = batcher(
        setup.timing, KVCache(setup.blocks, setup.block_tokens, caching=setup.caching),
        max_num_seqs=setup.max_num_seqs, max_num_batched_tokens=setup.max_num_batched_tokens,
        async_scheduling=setup.asynchronous, reserve_full_input=setup.reserve,
    )  # fmt: skip
    replica = Replica(env, 0, core, left.append)
    sequences = [
        Sequence(0, i, a.arrival, a.prompt, a.output, a.prefix or None, a.priority, turn=turn_of(a))
        for i, a in enumerate(asks)
    ]
    refused: list[Sequence] = []

    def client(sequence: Sequence, ask: Ask):
        yield env.timeout(ask.arrival)
        if replica.submit(sequence) is not None:
            refused.append(sequence)
        elif ask.abort_after is not None:
            yield env.timeout(ask.arrival + ask.abort_after - env.now)
            if sequence.outcome is Outcome.IN_FLIGHT:
                replica.abort(sequence)

    for sequence, ask in zip(sequences, asks, strict=True):
        env.process(client(sequence, ask))
    env.run()
    core.cache.check()
    return sequences, core, refused


def turn_of(ask: Ask) -> Turn | None:
    if ask.talk is None:
        return None
    return Turn(ask.talk[0], ask.talk[0], not ask.last, ask.talk[1])


def one_at_a_time(setup: Setup, asks: list[Ask]) -> list[Ask]:
    """*asks*, each turn of a talk moved to the end of the one before it if it came sooner."""
    rounds = 10 * sum(ask.talk is not None for ask in asks)
    for _ in range(rounds):  # a round settles one turn more, but may unsettle a later one
        jobs, _ = oracle(setup, asks)
        ends = {
            (ask.talk[0], ask.turn): ask.arrival if job.finish is None else job.finish
            for job, ask in zip(jobs, asks, strict=True)
            if ask.talk
        }
        moved = [
            replace(ask, arrival=max(ask.arrival, ends.get((ask.talk[0], ask.turn - 1), 0.0)))
            if ask.talk
            else ask
            for ask in asks
        ]
        if moved == asks:
            break
        asks = sorted(moved, key=lambda ask: ask.arrival)
    return asks


def close(a: float | None, b: float | None, at: float = 0.0) -> bool:
    if a is None or b is None:
        return a is b
    return math.isclose(a, b, rel_tol=1e-9, abs_tol=1e-9 * max(1.0, at))


def differences(setup: Setup, asks: list[Ask], batcher=Batcher, stepper=Stepper) -> list[str]:
    """Every way in which the fast engine's account differs from the plain loop's."""
    if any(ask.talk for ask in asks):
        asks = one_at_a_time(setup, asks)
    jobs, plain = oracle(setup, asks, stepper)
    sequences, fast, refused = engine(setup, asks, batcher)
    out: list[str] = []

    def same(what: str, a, b, exact=False):
        if not (a == b if exact else close(a, b)):
            out.append(f"{what}: plain {a!r}, fast {b!r}")

    for job, seq in zip(jobs, sequences, strict=True):
        name = f"#{job.number}"
        outcome = {Outcome.COMPLETED: "completed", Outcome.CANCELLED: "aborted",
                   Outcome.IN_FLIGHT: "in_flight"}[seq.outcome]  # fmt: skip
        same(f"{name} outcome", job.outcome, "refused" if seq in refused else outcome, exact=True)
        same(f"{name} first", job.first, seq.first_token_at_s)
        same(f"{name} finish", job.finish, seq.finished_at_s)
        same(f"{name} generated", job.generated, seq.generated, exact=True)
        same(f"{name} cached", job.cached or 0, seq.cached_input, exact=True)
        again = (seq.recomputed_input, seq.recomputed_output)
        same(f"{name} again", tuple(job.again), again, exact=True)
        for part in ("prefill", "cached", "rent", "decode", "waste"):
            same(f"{name} {part}", job.charge[part], getattr(seq, f"{part}_s"))
    same("busy", plain.busy, fast.busy_s)
    same("blocks in use", plain.block_seconds, fast.used_block_s)
    same("preemptions", plain.preemptions, fast.preemptions, exact=True)
    same("all charged", math.fsum(s.charged_s for s in sequences), fast.busy_s)
    return out


__all__ = ["Ask", "Setup", "differences", "engine", "oracle", "replace", "timing"]
