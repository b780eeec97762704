"""Made-up engines to calculate by hand, and a way to drive one without a clock."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from sim.serving.batcher import Batcher
from sim.serving.kvcache import KVCache
from sim.serving.run import TICK_S
from sim.serving.sequence import Outcome, Prefix, Sequence
from sim.serving.timing import StepTiming


def timing(max_tokens: int = 64, base_s: float = 1.0, per_token_s: float = 0.0, **changes: float):
    """Every step lasts *base_s* and *per_token_s* per new token; no other term unless changed."""
    terms = dict.fromkeys(
        (
            "per_decode_s", "per_chunk_s", "per_context_token_s", "per_attention_pair_s",
            "per_prefill_context_token_s", "per_prefill_step_s", "first_token_s",
        ),
        0.0,
    )  # fmt: skip
    batch_s = [0.0] + [base_s + per_token_s * x for x in range(1, max_tokens + 1)]
    return StepTiming(batch_s=batch_s, **{**terms, **changes})


def busy_timing(max_tokens: int = 64) -> StepTiming:
    """Every term at work, in binary fractions of a second, so that sums are exact."""
    return timing(
        max_tokens,
        base_s=1.0,
        per_token_s=0.125,
        per_decode_s=0.03125,
        per_chunk_s=0.0625,
        per_context_token_s=2**-8,
        per_attention_pair_s=2**-9,
        per_prefill_context_token_s=2**-7,
        per_prefill_step_s=0.25,
        first_token_s=0.5,
    )


def batcher(
    blocks: int = 1000,
    *,
    of: StepTiming | None = None,
    block_tokens: int = 4,
    slots: int = 8,
    budget: int = 64,
    caching: bool = True,
    asynchronous: bool = False,
    **changes: Any,
) -> Batcher:
    """An idle engine; steps of 1 s and, unless changed, blocks of 4 tokens in abundance."""
    return Batcher(
        of if of is not None else timing(budget),
        KVCache(blocks, block_tokens, caching=caching),
        max_num_seqs=slots,
        max_num_batched_tokens=budget,
        async_scheduling=asynchronous,
        **changes,
    )


def ask(
    number: int,
    at_s: float,
    prompt: int,
    output: int,
    prefix: Prefix | None = None,
    priority: int = 0,
    route: int = 0,
) -> Sequence:
    """One attempt of route 0 unless changed."""
    return Sequence(route, number, at_s, prompt, output, prefix, priority)


Action = tuple[float, Callable[[float], object]]
"""(when, what): what is called with its time."""


def play(
    engine: Batcher, sequences: Iterable[Sequence] = (), actions: Iterable[Action] = ()
) -> list[tuple[int, float | None, float | None]]:
    """Drive *engine* until it is idle: every sequence at its arrival, every action at its time.

    Returns (number, first token, finish) of those that left, in order. What an action returns as
    a list has left, too (a crash).
    """
    todo: list[Action] = [(s.arrived_at_s, lambda _, s=s: engine.submit(s)) for s in sequences]
    todo = sorted([*todo, *actions], key=lambda action: action[0])
    left: list[Sequence] = []
    while todo or engine.busy:
        end_s = engine.run.end_s if engine.busy else None
        if todo and (end_s is None or todo[0][0] <= end_s + TICK_S):
            at_s, act = todo.pop(0)
            found = act(at_s)
            left += found if isinstance(found, list) else []
            if not engine.busy and not (todo and todo[0][0] <= at_s + TICK_S):
                left += engine.finish()
                engine.start(at_s)
        else:
            assert end_s is not None
            left += engine.finish()
            engine.start(end_s)
    assert_empty(engine)
    return [(s.number, s.first_token_at_s, s.finished_at_s) for s in left]


def assert_empty(engine: Batcher) -> None:
    """Nobody waits or runs, and every block is free."""
    engine.cache.check()
    assert engine.cache.free == engine.cache.blocks
    assert (len(engine.running), engine.waiting.count, engine.queue.length) == (0, 0, 0)


def leave(engine: Batcher, sequence: Sequence, at_s: float) -> Action:
    """The client of *sequence* leaves at *at_s*, unless it has its answer."""

    def act(now_s: float) -> None:
        if sequence.finished_at_s is None:
            engine.abort(sequence, now_s, Outcome.CANCELLED)

    return at_s, act


def crash(engine: Batcher, at_s: float) -> Action:
    """*engine* crashes at *at_s*."""
    return at_s, engine.crash
