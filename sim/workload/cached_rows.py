"""Cached rows: whether replaying a trace's prefixes finds what its hashes say; knows no clock.

What is replayed are the prefix pieces that the generator gives to the engine (`Trace.chunks`),
each with its tokens; what they are held against are the hash ids as the file has them.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable, Iterator, Sequence
from pathlib import Path

from sim.traffic.chunk import Prefix
from sim.traffic.traces import Trace
from sim.workload.cached import CachedShare
from sim.workload.rows import Row, missing

UNLIMITED = "cached share of input, unlimited cache"
LIMITED = "cached share of input, LRU caches"
POINTS = 0.005

Prompt = tuple[int, Prefix]
"""Tokens of a prompt, and the pieces of its head that others may share."""


def cached_rows(path: Path | None, cached: CachedShare | None) -> list[Row]:
    """Return the shares of a replay of *path*, beside those of its own hashes."""
    if cached is None or path is None:
        return [missing(name, "the file has no hash_ids") for name in (UNLIMITED, LIMITED)]
    prompts = list(_prompts(path))
    whole = replayed_share(prompts, None)
    off = {n: replayed_share(prompts, n) - share for n, share in cached.by_blocks.items()}
    exact = abs(whole - cached.unlimited) < 1e-12
    worst = max(map(abs, off.values()))
    shares = ", ".join(f"{n // 1000} k {share:.1%}" for n, share in cached.by_blocks.items())
    warm = f"by its hashes {cached.unlimited:.2%}, second half {cached.second_half:.2%}"
    return [
        Row(UNLIMITED, whole, f"= {cached.unlimited:.4f} exactly", None, None, exact, warm),
        Row(LIMITED, worst, f"<= {POINTS:g} off", None, None, worst <= POINTS, shares),
    ]


def replayed_share(prompts: Sequence[Prompt], blocks: int | None) -> float:
    """Return the share of input tokens that an LRU cache of *blocks* pieces (None: any) finds."""
    cache: OrderedDict[Hashable, None] = OrderedDict()
    found = total = 0
    for tokens, pieces in prompts:
        total += tokens
        hit = True
        for key, size in pieces:
            hit = hit and key in cache
            found += size if hit else 0
        for key, _ in pieces:
            cache[key] = None
            cache.move_to_end(key)
        while blocks is not None and len(cache) > blocks:
            cache.popitem(last=False)
    return found / total


def _prompts(path: Path) -> Iterator[Prompt]:
    for chunk in Trace(path).chunks():
        for tokens, prefix in zip(chunk.input_tokens.tolist(), chunk.prefixes(), strict=True):
            yield tokens, prefix or ()
