"""Preemption: composing a step for which blocks are short. Rules over an `Engine`; no clock."""

from __future__ import annotations

from sim.serving.charges import Chunks
from sim.serving.engine import Engine
from sim.serving.sequence import Sequence, State

WAITING, PREFILL, DECODE = State.WAITING, State.PREFILL, State.DECODE


def compose_short(engine: Engine) -> Chunks | None:
    """Rule 1 by the letter, in order of admission, where blocks are short. O(running).

    Returns the chunks of the step, its blocks taken; None if nothing was scheduled at all.
    """
    cache = engine.cache
    budget = engine.max_num_batched_tokens
    scheduled: dict[Sequence, int] = {}  # tokens
    order = list(engine.running)
    for place, sequence in enumerate(order):
        if sequence.state is WAITING:
            continue  # a victim of this round
        held = sequence.computed
        if sequence.state is DECODE:
            held += engine.decodes.steps - sequence.stay_step
            chunk = 1
        else:
            chunk = min(sequence.target - held, budget)
        lack = cache.blocks_of(held + chunk) - cache.blocks_of(held)
        while lack > cache.free and sequence.state is not WAITING:
            victim = last_in_order(engine)
            returned = scheduled.pop(victim, 0)
            budget += returned
            preempt(engine, victim, returned)
        if sequence.state is WAITING:
            stall(engine, order[place + 1 :])
            break
        cache.take(lack)
        if sequence.state is PREFILL:
            cache.learn(sequence, held + chunk)
        scheduled[sequence] = chunk
        budget -= chunk
    if not scheduled:
        resume(engine)
        return None
    return [(s, n) for s, n in scheduled.items() if s.state is PREFILL]


def last_in_order(engine: Engine) -> Sequence:
    """The running sequence that came last, of the least urgent. O(1) while all are equal."""
    if not engine.mixed_priorities:
        return next(reversed(engine.running))
    return max(engine.running, key=lambda s: (s.priority, s.queued_at_s, s.admission))


def preempt(engine: Engine, victim: Sequence, scheduled_tokens: int) -> None:
    """Send *victim* back to the line, its blocks freed and its tokens to be computed again."""
    if victim.state is DECODE:
        engine.decodes.leave(victim)
    if victim is engine.prefilling:
        engine.prefilling = None
    computed = victim.computed
    engine.cache.unlearn(victim, computed)
    del engine.running[victim]
    engine.cache.release(victim, computed + scheduled_tokens, computed, again=True)
    victim.high_water = max(victim.high_water, computed)
    victim.computed = 0
    engine.waiting.put_back(victim)
    engine.queue.length += 1
    engine.preemptions += 1


def stall(engine: Engine, rest: list[Sequence]) -> None:
    """Keep the running ones of *rest* out of the step that is being composed."""
    for sequence in rest:
        if sequence.state is DECODE:
            engine.decodes.leave(sequence)
            engine.stalled.append(sequence)


def resume(engine: Engine) -> None:
    """Let those that sat out the step decode again."""
    for sequence in engine.stalled:
        if sequence.state is PREFILL:
            engine.decodes.enter(sequence)
    engine.stalled.clear()
