"""Admission: who may enter the batch, and the line before it. Rules over an `Engine`; no clock."""

from __future__ import annotations

from sim.serving.charges import Chunks
from sim.serving.engine import Engine
from sim.serving.run import TICK_S
from sim.serving.sequence import Sequence, State

PREFILL = State.PREFILL


def admit(engine: Engine, head: Sequence | None, budget: int, chunks: Chunks) -> None:
    """Admit from the *head* of the line on, while tokens, slots and blocks last."""
    cache, waiting, running = engine.cache, engine.waiting, engine.running
    size = cache.block_tokens
    while head is not None and budget > 0 and len(running) < engine.max_num_seqs:
        shared, segment, private = cache.find(head)
        found = shared.count + private
        cached = found * size
        head.target = target = head.input_tokens + head.generated
        chunk = target - cached
        if chunk > budget:
            chunk = budget
        asked = target if engine.reserve_full_input else cached + chunk
        need = -(-asked // size)
        if found:
            need += private + shared.idle() - found
        if need > cache.free:
            return
        waiting.pop(head)
        engine.queue.length -= 1
        if found or head.prefix is not None:
            cache.hold(head, shared, segment, private)
        cache.take(-(-(cached + chunk) // size) - found)
        if found and not head.admission:
            head.cached_input = min(cached, head.input_tokens)
        engine.admissions += 1
        head.admission = engine.admissions
        head.computed = cached
        head.state = PREFILL
        running[head] = None
        if head.shared is not None:
            cache.learn(head, cached + chunk)
        chunks.append((head, chunk))
        budget -= chunk
        head = waiting.head() if waiting.count else None


def fits(engine: Engine, sequence: Sequence, reserved: int) -> bool:
    """May *sequence* be admitted before anybody leaves, *reserved* blocks being promised?

    Never a false no: free blocks only fall until somebody leaves, and remembered ones in the
    free queue may be forgotten, so those count for nothing here.
    """
    cache = engine.cache
    tokens = sequence.input_tokens + sequence.generated
    if not engine.reserve_full_input:
        tokens = min(tokens, engine.max_num_batched_tokens - engine.decodes.size)
    need = -(-tokens // cache.block_tokens) - (cache.free - reserved)
    if need <= 0:
        return True
    shared, _, _ = cache.find(sequence)
    return need <= shared.count - shared.idle()


def outranks(engine: Engine, sequence: Sequence) -> bool:
    """Will *sequence*, the last that came, be the head of the line once it is seen?"""
    if not engine.mixed_priorities:
        return False
    head = engine.waiting.head()
    if head is not None and head.priority <= sequence.priority:
        return False
    return all(c.priority > sequence.priority for c in engine.coming if c is not sequence)


def cut_for(engine: Engine, sequence: Sequence) -> bool:
    """End the run at the boundary at which the scheduler sees *sequence*; say if that is sooner."""
    run = engine.run
    return run.cut(run.boundary_after(sequence.queued_at_s) + engine.async_scheduling)


def cut_for_coming(engine: Engine) -> None:
    """Cut a run that was just planned for those that came during the step before it."""
    if len(engine.running) == engine.max_num_seqs:
        return
    head = engine.waiting.head() if engine.waiting.count else None
    for sequence in engine.coming:
        if head is not None and head.priority <= sequence.priority:
            continue
        if fits(engine, sequence, 0):
            cut_for(engine, sequence)
            return
        head = sequence


def see(engine: Engine, by_s: float) -> None:
    """Queue the arrivals up to *by_s*, a tick granted."""
    coming, waiting = engine.coming, engine.waiting
    by_s += TICK_S
    while coming and coming[0].queued_at_s <= by_s:
        waiting.append(coming.popleft())
