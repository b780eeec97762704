"""KV cache: the blocks of one replica, who holds them, and what free blocks still remember.

Free blocks wait in one queue. Whoever leaves appends its own blocks, tail first; allocation takes
from the front and forgets what was there. At the very front, blocks that remember nothing are only
counted. Content is of two kinds, so that cost follows sharing:

* *private* content (one request's own tokens, or those of one conversation, whose turns come one
  after another) has one holder at a time and is kept as one `Segment`, whatever its length: O(1)
  to free, to find and to take;
* *shared* content (a template, a trace's prefix blocks) may have many holders at once and is kept
  block by block with a reference count, where those who hold a whole piece count as one.

Knows no clock. `check()` asserts the invariants.
"""

from __future__ import annotations

from collections import deque

from sim.serving.holding import Block, Bundle, Holding, Key, Piece
from sim.serving.sequence import Prefix, Sequence


class Segment:
    """Free blocks of one leaver, in the free queue, to be forgotten from the tail.

    `blocks` are still free here; the first `whole` of its content are whole and remembered. All of
    those can be found by request *number* itself, the first `lasting` by later turns as well.
    """

    __slots__ = ("blocks", "key", "lasting", "number", "whole")

    def __init__(
        self,
        blocks: int,
        key: Key | None = None,
        whole: int = 0,
        number: int = -1,
        lasting: int = 0,
    ) -> None:
        self.blocks = blocks
        self.key = key
        self.whole = whole
        self.number = number
        self.lasting = lasting


NOTHING: tuple[Holding, Segment | None, int] = (Holding(), None, 0)


class KVCache:
    """*blocks* blocks of *block_tokens* tokens each; remembers content if *caching*."""

    __slots__ = (
        "_blank",
        "_pieces",
        "_private",
        "_queue",
        "block_tokens",
        "blocks",
        "caching",
        "free",
    )

    def __init__(self, blocks: int, block_tokens: int, *, caching: bool = True) -> None:
        self.blocks = blocks
        self.block_tokens = block_tokens
        self.caching = caching
        self.free = blocks
        self._blank = blocks  # free blocks before the queue's head
        self._queue: deque[Segment | tuple[Block, int]] = deque()
        self._private: dict[Key, Segment] = {}
        self._pieces: dict[Key, Piece] = {}

    def blocks_of(self, tokens: int) -> int:
        """Blocks that hold *tokens* tokens, the last one perhaps in part."""
        return -(-tokens // self.block_tokens)

    def take(self, count: int) -> None:
        """Take *count* free blocks from the front of the queue and forget what they held.

        The caller has made sure that so many are free. Amortised O(1) per call.
        """
        self.free -= count
        blank = self._blank
        if count <= blank:
            self._blank = blank - count  # the common case
        else:
            self._blank = 0
            self._take_and_forget(count - blank)

    def _take_and_forget(self, count: int) -> None:
        queue = self._queue
        while count:
            head = queue[0]
            if not isinstance(head, Segment):
                queue.popleft()
                block, ticket = head
                if block.ticket == ticket:
                    self._forget(block)
                    count -= 1
            elif head.blocks > count:
                head.blocks -= count
                count = 0
                self._shorten(head)
            else:
                count -= head.blocks
                head.blocks = 0
                queue.popleft()
                self._shorten(head)

    def find(self, sequence: Sequence) -> tuple[Holding, Segment | None, int]:
        """The longest remembered run of *sequence*'s blocks, never with its last token.

        Returns the shared blocks, the private segment that goes on from there (or None) and how
        many of its blocks belong to the run.
        """
        if sequence.prefix is None and not self._private:
            return NOTHING
        if not self.caching:
            return NOTHING
        limit = (sequence.input_tokens + sequence.generated - 1) // self.block_tokens
        shared = Holding()
        if sequence.prefix is not None:
            whole = self._find_shared(sequence.prefix, limit, shared)
            if shared.count < whole:
                return shared, None, 0
        if not self._private:
            return shared, None, 0
        segment = self._private.get(sequence.content)
        if segment is None:
            return shared, None, 0
        whole = segment.whole
        if segment.number != sequence.number:
            whole = min(whole, segment.lasting)
        return shared, segment, min(whole, limit - shared.count)

    def _find_shared(self, prefix: Prefix, limit: int, found: Holding) -> int:
        """Fill *found* with the remembered run; return how many shared blocks there might be."""
        start = tokens = 0
        complete = True
        for key, length in prefix:
            tokens += length
            end = min(tokens // self.block_tokens, limit)
            if complete and end > start:
                piece = self._pieces.get(key)
                complete = piece is not None and found.extend(piece, end - start)
            start = end
        return start

    def hold(
        self, sequence: Sequence, shared: Holding, segment: Segment | None, private: int
    ) -> None:
        """Give *sequence* the run that `find` just returned: out of the free queue, not forgotten.

        O(1) per piece that somebody holds whole already.
        """
        for bundle in shared.bundles:
            if not bundle.holders:
                self._hold_blocks(bundle.blocks)
                if bundle.piece.bundle is None:
                    bundle.piece.bundle = bundle
            bundle.holders += 1
        self._hold_blocks(shared.blocks)
        sequence.shared = shared if sequence.prefix is not None else None
        if segment is not None and private:
            del self._private[segment.key]
            segment.blocks -= private
            segment.key, segment.whole = None, 0  # what follows the run is of no use to others
            self.free -= private

    def _hold_blocks(self, blocks: list[Block]) -> None:
        for block in blocks:
            if block.refs == 0:
                block.ticket += 1  # its place in the queue is void
                self.free -= 1
            block.refs += 1

    def learn(self, sequence: Sequence, tokens: int) -> None:
        """Remember the shared blocks that *sequence* makes whole by computing up to *tokens*."""
        held = sequence.shared
        prefix = sequence.prefix
        if held is None or prefix is None or not self.caching:
            return
        start = total = 0
        end_all = tokens // self.block_tokens
        for key, length in prefix:
            total += length
            end = min(total // self.block_tokens, end_all)
            if end > held.count:
                piece = self._pieces.get(key)
                if piece is None:
                    piece = self._pieces[key] = Piece(key)
                for index in range(held.count - start, end - start):
                    block = Block(piece, index)
                    piece.copies.setdefault(index, []).append(block)
                    held.add(block)
            start = max(start, total // self.block_tokens)

    def unlearn(self, sequence: Sequence, tokens: int) -> None:
        """Take back what `learn` remembered beyond *tokens*: that step will not compute it."""
        held = sequence.shared
        keep = tokens // self.block_tokens
        while held is not None and held.count > keep:
            self._forget(held.pop())

    def release(self, sequence: Sequence, tokens: int, computed: int, *, again: bool) -> None:
        """Free all blocks of *sequence*, which hold *tokens* tokens, *computed* of them computed.

        *again*: its private content may be asked for once more (preempted, an attempt that may be
        retried, a conversation that goes on). O(1) per piece that others go on holding whole, else
        O(blocks).
        """
        shared = sequence.shared
        ours = -(-tokens // self.block_tokens)
        whole = computed // self.block_tokens
        if shared is not None:
            ours -= shared.count
            whole -= shared.count
        if again and whole > 0 and self.caching:
            self.free += ours
            self._remember(_segment(sequence, ours, whole, self.block_tokens))
        elif ours:
            self.give(ours)
        if shared is not None:
            self._release_blocks(shared.blocks)
            for bundle in reversed(shared.bundles):
                self._leave_bundle(bundle)
        sequence.shared = None

    def give(self, count: int) -> None:
        """Free *count* blocks whose content nobody will ask for again. O(1)."""
        self.free += count
        queue = self._queue
        if not queue:
            self._blank += count
            return
        last = queue[-1]
        if isinstance(last, Segment) and last.key is None:
            last.blocks += count
        else:
            queue.append(Segment(count))

    def _remember(self, segment: Segment) -> None:
        older = self._private.get(segment.key)
        if older is not None:
            older.key, older.whole = None, 0
        self._private[segment.key] = segment
        self._queue.append(segment)

    def _leave_bundle(self, bundle: Bundle) -> None:
        bundle.holders -= 1
        if not bundle.holders:
            if bundle.piece.bundle is bundle:
                bundle.piece.bundle = None
            self._release_blocks(bundle.blocks)

    def _release_blocks(self, blocks: list[Block]) -> None:
        for block in reversed(blocks):
            block.refs -= 1
            if block.refs == 0:
                self._queue.append((block, block.ticket))
                self.free += 1

    def _shorten(self, segment: Segment) -> None:
        """Forget what no longer has a block."""
        if segment.whole > segment.blocks:
            segment.whole = segment.blocks
            if not segment.whole:
                del self._private[segment.key]
                segment.key = None

    def _forget(self, block: Block) -> None:
        copies = block.piece.copies[block.index]
        copies.remove(block)
        if not copies:
            del block.piece.copies[block.index]
            if not block.piece.copies:
                del self._pieces[block.piece.key]

    def check(self) -> None:
        """Assert the invariants: free blocks are those in the queue, each remembered once."""
        queued = self._blank
        for entry in self._queue:
            if isinstance(entry, Segment):
                queued += entry.blocks
                assert 0 <= entry.whole <= entry.blocks
                assert entry.key is None or self._private[entry.key] is entry
            else:
                queued += entry[0].ticket == entry[1] and entry[0].refs == 0
        assert queued == self.free, (queued, self.free)
        assert 0 <= self.free <= self.blocks


def _segment(sequence: Sequence, blocks: int, whole: int, block_tokens: int) -> Segment:
    """Return what *sequence* leaves behind: later turns find what stands in their own prompt."""
    lasting, turn = whole, sequence.turn
    if turn is not None and not turn.resends:
        held = sequence.shared.count if sequence.shared is not None else 0
        lasting = min(whole, sequence.input_tokens // block_tokens - held)
    return Segment(blocks, sequence.content, whole, sequence.number, lasting)
