"""Cached: how much of the prompts a prefix cache would have found, by their hashes; no clock."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sim.traffic.chunk import IntArray
from sim.workload.requests import Hashes, Requests

BLOCK_TOKENS = 512
"""Tokens that one of Mooncake's `hash_ids` names (its README, FAST'25 release)."""

CACHE_BLOCKS = (1_000, 10_000, 30_000, 50_000)


@dataclass(frozen=True)
class CachedShare:
    """Share of input tokens that a prefix cache would have found, by `hash_ids` of 512 tokens.

    Blocks enter the cache when their request arrives: an upper bound.
    """

    unlimited: float
    second_half: float
    """The same over the second half of the requests, the cache then being warm."""
    by_blocks: Mapping[int, float]
    """Least-recently-used caches of so many 512-token blocks."""


def cached_share(requests: Requests) -> CachedShare | None:
    """Return the shares of *requests*; None if they have no hashes."""
    if requests.prefixes is None:
        return None
    tokens, prefixes = requests.input_tokens, requests.prefixes
    total = int(tokens.sum())
    found = found_tokens(tokens, prefixes, None)
    half = len(found) // 2
    return CachedShare(
        unlimited=sum(found) / total,
        second_half=sum(found[half:]) / int(tokens[half:].sum()),
        by_blocks={
            blocks: sum(found_tokens(tokens, prefixes, blocks)) / total for blocks in CACHE_BLOCKS
        },
    )


def found_tokens(
    tokens: IntArray, prefixes: Sequence[Hashes | None], blocks: int | None
) -> list[int]:
    """Return how many input tokens of each request a cache of *blocks* (None: any) would hold.

    A hit is a run of blocks from the prompt's head on; then all of its blocks become the latest,
    and what is too much is forgotten, the least recently used first.
    """
    cache: OrderedDict[int | str, None] = OrderedDict()
    found = []
    for length, ids in zip(tokens.tolist(), prefixes, strict=True):
        run = 0
        for one in ids or ():
            if one not in cache:
                break
            run += 1
        found.append(min(run * BLOCK_TOKENS, length))
        for one in ids or ():
            cache[one] = None
            cache.move_to_end(one)
        while blocks is not None and len(cache) > blocks:
            cache.popitem(last=False)
    return found
