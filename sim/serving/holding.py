"""Holding: the shared blocks that one sequence holds, whole pieces of them at once. No clock.

Who shares a piece of content nearly always holds it whole, so those who found it whole hold one
`Bundle` together, and only the first and the last of them visit its blocks.
"""

from __future__ import annotations

from collections.abc import Hashable

Key = Hashable


class Block:
    """One whole block of shared content. `ticket` tells its live place in the free queue.

    `refs` counts its holders, all holders of one bundle as one.
    """

    __slots__ = ("index", "piece", "refs", "ticket")

    def __init__(self, piece: Piece, index: int) -> None:
        self.piece = piece
        self.index = index
        self.refs = 1
        self.ticket = 0


class Piece:
    """The remembered copies of one piece of shared content, by block index, oldest copy first.

    `bundle`: those who hold it whole, if anybody does.
    """

    __slots__ = ("bundle", "copies", "key")

    def __init__(self, key: Key) -> None:
        self.key = key
        self.copies: dict[int, list[Block]] = {}
        self.bundle: Bundle | None = None


class Bundle:
    """The first blocks of a piece, oldest copies, held together by `holders` sequences."""

    __slots__ = ("blocks", "holders", "piece")

    def __init__(self, piece: Piece, blocks: list[Block]) -> None:
        self.piece = piece
        self.blocks = blocks
        self.holders = 0


class Holding:
    """`count` blocks from the head of a prompt: bundles first, then `blocks` one by one."""

    __slots__ = ("blocks", "bundles", "count")

    def __init__(self) -> None:
        self.bundles: list[Bundle] = []
        self.blocks: list[Block] = []
        self.count = 0

    def __len__(self) -> int:
        return self.count

    def extend(self, piece: Piece, count: int) -> bool:
        """Go on with the first *count* blocks of *piece*, as far as they are remembered.

        Says whether all were. O(1) while others hold just these.
        """
        bundle = piece.bundle
        if bundle is not None and len(bundle.blocks) == count:
            self.bundles.append(bundle)
            self.count += count
            return True
        blocks: list[Block] = []
        for index in range(count):
            copies = piece.copies.get(index)
            if copies is None:
                self.blocks = blocks
                self.count += index
                return False
            blocks.append(copies[0])
        self.bundles.append(Bundle(piece, blocks))
        self.count += count
        return True

    def add(self, block: Block) -> None:
        """Go on with a block that was just computed."""
        self.blocks.append(block)
        self.count += 1

    def pop(self) -> Block:
        """Give up the last block, which was added."""
        self.count -= 1
        return self.blocks.pop()

    def idle(self) -> int:
        """How many of them nobody holds yet. O(1) per bundle that others hold."""
        idle = sum([not block.refs for block in self.blocks])
        for bundle in self.bundles:
            if not bundle.holders:
                idle += sum([not block.refs for block in bundle.blocks])
        return idle
