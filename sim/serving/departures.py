"""Departures: leaving before the last token, by abort or crash. Rules over an `Engine`."""

from __future__ import annotations

from sim.serving.booking import end_run
from sim.serving.engine import Engine
from sim.serving.kvcache import KVCache
from sim.serving.run import TICK_S
from sim.serving.sequence import Outcome, Sequence, State

WAITING, DECODE, GONE = State.WAITING, State.DECODE, State.GONE


def drop_aborted(engine: Engine, end_s: float | None, gone: list[Sequence]) -> None:
    """Let the aborted leave; the tokens of the step that just ended reach nobody."""
    chunks = dict(engine.chunks or ())
    for sequence in engine.aborting:
        if sequence.state is GONE:
            continue
        if sequence.state is WAITING:
            drop_waiting(engine, sequence)
        else:
            drop_running(engine, sequence, chunks.get(sequence, 0))
        sequence.state = GONE
        if end_s is not None:
            sequence.finished_at_s = end_s
        gone.append(sequence)
    engine.aborting.clear()


def drop_running(engine: Engine, sequence: Sequence, computed_now: int) -> None:
    """Let a running sequence leave, *computed_now* tokens of its chunk being done; O(1)."""
    sequence.computed += computed_now
    if sequence.state is DECODE:
        engine.decodes.leave(sequence)
        sequence.generated -= 1
        if not sequence.generated:
            sequence.first_token_at_s = None  # it would have come with the step that just ended
    if sequence is engine.prefilling:
        engine.prefilling = None
    del engine.running[sequence]
    engine.cache.release(sequence, sequence.computed, sequence.computed, again=True)


def drop_waiting(engine: Engine, sequence: Sequence) -> None:
    """Take a waiting sequence out of the line. O(arrivals that the scheduler has not seen)."""
    engine.queue.length -= 1
    if sequence in engine.coming:
        engine.coming.remove(sequence)
    else:
        engine.waiting.leave(sequence)


def lose_all(engine: Engine, now_s: float) -> list[Sequence]:
    """Let everybody go as failed, and the cache with them; the running step is booked already."""
    engine.queue.length -= engine.waiting.count + len(engine.coming)
    lost = [*engine.running, *engine.waiting.clear(), *engine.coming]
    for sequence in lost:
        if sequence.state is DECODE:
            engine.decodes.leave(sequence)
        sequence.state = GONE
        sequence.shared = None
        if sequence.outcome is Outcome.IN_FLIGHT:  # else its client had gone before
            sequence.outcome = Outcome.FAILED
        sequence.finished_at_s = now_s
    run = engine.run
    if engine.busy and now_s < run.begin_s and run.lead_begin_s < run.begin_s:
        take_back_lead(engine, lost)
    for held in (engine.running, engine.coming, engine.aborting, engine.stalled, engine.decodes):
        held.clear()
    engine.prefilling = None
    engine.busy = False
    engine.run.count = 0
    engine.chunks = None
    cache = engine.cache
    engine.cache = KVCache(cache.blocks, cache.block_tokens, caching=cache.caching)
    return lost


def take_back_lead(engine: Engine, lost: list[Sequence]) -> None:
    """Undo, for those that are lost, the step that was booked before it had ended."""
    chunks = dict(engine.lead_chunks)
    for sequence in lost:
        if sequence not in engine.running:
            continue
        emitted = sequence not in chunks or sequence.computed == sequence.target
        sequence.computed -= chunks.get(sequence, 1)
        sequence.generated -= emitted
        if not sequence.generated:
            sequence.first_token_at_s = None


def end_broken(engine: Engine, now_s: float) -> None:
    """Book the whole steps up to *now_s*; of the broken one the seconds are lost."""
    run = engine.run
    now_s = max(now_s, run.lead_begin_s)  # what was to begin after a stall has not
    whole = 0
    if engine.chunks is None and now_s >= run.begin_s:
        whole = run.boundary_after(now_s + TICK_S)
        whole -= run.boundary_s(whole) > now_s
        run.cut(whole)
        if run.count:
            end_run(engine)
        run.begin_s = run.boundary_s(run.count)
    part_s = now_s - run.begin_s  # negative if the step before the run was booked ahead
    if engine.chunks is not None:
        # The prefill of the broken step was charged already, all of it: the rest was not paid.
        engine.lost_s -= engine.step_prefill_s
    engine.busy_s += part_s
    used = engine.lead_blocks if part_s < 0.0 else engine.cache.blocks - engine.cache.free
    engine.used_block_s += used * part_s
    engine.lost_s += part_s
