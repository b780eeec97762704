"""Prefix blocks: what of a prompt others may share, as Mooncake's ids of 512-token blocks.

Ids of content that may come again are digests of its key, so nothing has to be remembered, however
long the trace; all other blocks are counted. Both stay below 2^53, which every JSON reader keeps
exact. Knows no clock.
"""

from __future__ import annotations

from collections.abc import Hashable
from functools import lru_cache
from hashlib import blake2b

from sim.serving.turn import Turn
from sim.traffic.chunk import Prefix

BLOCK_TOKENS = 512
"""Tokens that one of Mooncake's `hash_ids` names (its README, FAST'25 release)."""

_SHARED = 2**52
"""Ids from here on are digests, below it they count."""


class PrefixBlocks:
    """Gives the blocks of one prompt after the other their ids."""

    def __init__(self) -> None:
        self._counted = 0

    def ids(self, input_tokens: int, prefix: Prefix | None, turn: Turn | None) -> list[int]:
        """Return the ids of a prompt's blocks from its head on; the last block may be short.

        A block is shared if all of it, and what precedes it, is: within *prefix*, or in a
        conversation, whose next turn begins with this prompt. O(blocks).
        """
        ids: list[int] = []
        whole = input_tokens // BLOCK_TOKENS
        reached = 0
        for key, tokens in prefix or ():
            reached += tokens
            _extend(ids, key, min(reached // BLOCK_TOKENS, whole))
        if turn is not None:
            _extend(ids, turn.content, whole)
        own = -(-input_tokens // BLOCK_TOKENS) - len(ids)
        ids.extend(range(self._counted, self._counted + own))
        self._counted += own
        return ids


def _extend(ids: list[int], key: Hashable, end: int) -> None:
    """Append the ids of the blocks up to *end*, which lie in the content that *key* names."""
    start = _digest(key)
    ids.extend(_SHARED + (start + index) % _SHARED for index in range(len(ids), end))


@lru_cache(maxsize=65_536)
def _digest(key: Hashable) -> int:
    """Return a number for *key* that is the same in every process."""
    return int.from_bytes(blake2b(repr(key).encode(), digest_size=8).digest(), "little")
