"""Levels: what a batcher's integrals are at any moment, read from closed forms; ends nothing."""

from __future__ import annotations

from sim.serving.engine import Engine


def busy_until_s(engine: Engine, now_s: float) -> float:
    """Seconds with a step running up to *now_s*, the present run in part. Ends nothing."""
    if not engine.busy:
        return engine.busy_s
    run = engine.run
    return engine.busy_s + max(min(now_s, run.end_s), run.lead_begin_s) - run.begin_s


def used_block_s_until(engine: Engine, now_s: float) -> float:
    """Integral of blocks in use up to *now_s*, the present run in part. O(block_tokens)."""
    if not engine.busy:
        return engine.used_block_s
    run, decodes = engine.run, engine.decodes
    part_s = max(min(now_s, run.end_s), run.lead_begin_s) - run.begin_s
    if part_s < 0.0:
        return engine.used_block_s + engine.lead_blocks * part_s
    used = engine.cache.blocks - engine.cache.free
    if engine.chunks is not None or not run.count:
        return engine.used_block_s + used * part_s
    begun = max(1, min(run.count, run.boundary_after(now_s)))
    late_s = decodes.block_delay_s(begun, run.first_s, run.growth_s)
    return engine.used_block_s + (used + decodes.blocks_due(begun)) * part_s - late_s
