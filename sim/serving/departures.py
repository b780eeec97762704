"""Departures: leaving before the last token, by abort or crash. Rules over a `Batcher`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sim.serving.booking import end_run
from sim.serving.kvcache import KVCache
from sim.serving.run import TICK_S
from sim.serving.sequence import Outcome, Sequence, State

if TYPE_CHECKING:
    from sim.serving.batcher import Batcher

WAITING, DECODE, GONE = State.WAITING, State.DECODE, State.GONE


def drop_aborted(engine: Batcher, end_s: float | None, gone: list[Sequence]) -> None:
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


def drop_running(engine: Batcher, sequence: Sequence, computed_now: int) -> None:
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


def drop_waiting(engine: Batcher, sequence: Sequence) -> None:
    """Take a waiting sequence out of the line. O(arrivals that the scheduler has not seen)."""
    engine.queue.length -= 1
    if sequence in engine.coming:
        engine.coming.remove(sequence)
    else:
        engine.waiting.leave(sequence)


def crash(engine: Batcher, now_s: float) -> list[Sequence]:
    """Lose everything at *now_s*: whole steps count, of the running one only the seconds remain.

    Returns all that left, with those that had just finished.
    """
    gone: list[Sequence] = []
    if engine.busy and engine.run.end_s <= now_s:
        gone = engine.finish()
    elif engine.busy:
        end_broken(engine, now_s)
    engine.queue.length -= engine.waiting.count + len(engine.coming)
    lost = [*engine.running, *engine.waiting.clear(), *engine.coming]
    for sequence in lost:
        if sequence.state is DECODE:
            engine.decodes.leave(sequence)
        sequence.state = GONE
        sequence.shared = None
        sequence.outcome = Outcome.FAILED
        sequence.finished_at_s = now_s
    for held in (engine.running, engine.coming, engine.aborting, engine.stalled, engine.decodes):
        held.clear()
    engine.prefilling = None
    engine.busy = False
    engine.run.count = 0
    engine.chunks = None
    cache = engine.cache
    engine.cache = KVCache(cache.blocks, cache.block_tokens, caching=cache.caching)
    return gone + lost


def end_broken(engine: Batcher, now_s: float) -> None:
    """Book the whole steps up to *now_s*; of the broken one the seconds are lost."""
    run = engine.run
    whole = 0
    if engine.chunks is None and now_s >= run.begin_s:
        whole = run.boundary_after(now_s + TICK_S)
        whole -= run.boundary_s(whole) > now_s
        run.cut(whole)
        if run.count:
            end_run(engine, run.boundary_s(run.count) - run.begin_s)
        run.begin_s = run.boundary_s(run.count)
    part_s = now_s - run.begin_s  # negative if the step before the run was booked ahead
    if engine.chunks is not None:
        # The prefill of the broken step was charged already, all of it: the rest was not paid.
        engine.lost_s -= engine.step_prefill_s
    engine.busy_s += part_s
    used = engine.lead_blocks if part_s < 0.0 else engine.cache.blocks - engine.cache.free
    engine.used_block_s += used * part_s
    engine.lost_s += part_s
