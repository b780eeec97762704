"""Booking: what a run or step does to those in it when it ends. Rules over an `Engine`."""

from __future__ import annotations

from sim.serving.engine import Engine
from sim.serving.preemption import resume
from sim.serving.sequence import Outcome, Sequence, State

PREFILL, GONE, COMPLETED = State.PREFILL, State.GONE, Outcome.COMPLETED


def end_run(engine: Engine) -> None:
    """Book the run's steps."""
    decodes, cache = engine.decodes, engine.cache
    run = engine.run
    count, size = run.count, decodes.size
    seconds = run.length_s()
    blocks = decodes.blocks_due(count)
    engine.busy_s += seconds
    engine.used_block_s += (cache.blocks - cache.free + blocks) * seconds
    if blocks:
        engine.used_block_s -= decodes.block_delay_s(count, run.first_s, run.growth_s)
        cache.take(blocks)
    decodes.steps += count
    decodes.context += size * count
    decodes.clock_s += count * engine.timing.share_s[size]


def end_step(engine: Engine) -> None:
    """Book the step's seconds and advance the decoding sequences."""
    decodes, cache = engine.decodes, engine.cache
    engine.busy_s += engine.step_s
    engine.used_block_s += (cache.blocks - cache.free) * engine.step_s
    decodes.clock_s += engine.step_clock_s
    decodes.steps += 1
    decodes.context += decodes.size


def end_chunks(engine: Engine, end_s: float, gone: list[Sequence]) -> None:
    """Advance the prefills of a step; who has computed all emits a token and decodes, or leaves."""
    for sequence, n in engine.chunks or ():
        if sequence.state is not PREFILL:
            continue  # aborted
        engine.prefilling = None  # it is always among the chunks, unless it was stalled
        sequence.computed += n
        if sequence.computed < sequence.target:
            engine.prefilling = sequence
            continue
        sequence.generated += 1
        if sequence.first_token_at_s is None:
            sequence.first_token_at_s = end_s + engine.timing.first_token_s
        if sequence.generated == sequence.output_tokens:
            depart(engine, sequence, end_s)
            gone.append(sequence)
        else:
            engine.decodes.enter(sequence)
    if engine.stalled:
        resume(engine)


def depart(engine: Engine, sequence: Sequence, end_s: float) -> None:
    """Let a sequence leave with its last token."""
    sequence.state = GONE
    sequence.outcome = COMPLETED
    sequence.finished_at_s = end_s + engine.timing.first_token_s
    del engine.running[sequence]
    computed, cache, turn = sequence.computed, engine.cache, sequence.turn
    again = turn is not None and turn.follows
    if again or sequence.shared is not None:
        cache.release(sequence, computed, computed, again=again)
    else:
        cache.give(-(-computed // cache.block_tokens))
