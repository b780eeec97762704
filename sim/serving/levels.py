"""Levels: what a batcher's integrals are at any moment, read from closed forms; ends nothing."""

from __future__ import annotations

from sim.serving.engine import Engine


def busy_until_s(engine: Engine, now_s: float) -> float:
    """Seconds with a step running up to *now_s*, the present run in part. Ends nothing."""
    if not engine.busy:
        return engine.busy_s
    return engine.busy_s + min(now_s, engine.run.end_s) - engine.run.begin_s


def used_block_s_until(engine: Engine, now_s: float) -> float:
    """Integral of blocks in use up to *now_s*. Within a run they are taken to grow linearly."""
    if not engine.busy:
        return engine.used_block_s
    part_s = min(now_s, engine.run.end_s) - engine.run.begin_s
    if part_s < 0.0:
        return engine.used_block_s + engine.lead_blocks * part_s
    return engine.used_block_s + blocks_used(engine, now_s) * part_s


def blocks_used(engine: Engine, now_s: float) -> float:
    """Mean blocks in use from the present run's begin to *now_s*."""
    used = engine.cache.blocks - engine.cache.free
    if not engine.busy or engine.chunks is not None or not engine.run.count:
        return used
    steps = max(1, min(engine.run.count, engine.run.boundary_after(now_s)))
    return used + (engine.decodes.due_now() + engine.decodes.blocks_due(steps)) / 2
