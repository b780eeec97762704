"""The KV cache under random actions, against a plain model that keeps every block as an object."""

from __future__ import annotations

from dataclasses import dataclass, field

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from sim.serving.kvcache import KVCache
from sim.serving.sequence import Prefix, Sequence


@dataclass(eq=False)
class Cell:
    """One block: how many hold it, and what it remembers."""

    holders: int = 0
    content: object = None


@dataclass(eq=False)
class PlainCache:
    """Block by block, in the words of the design."""

    size: int
    caching: bool
    free: list[Cell]
    held: dict[int, list[Cell]] = field(default_factory=dict)
    known: dict[object, list[Cell]] = field(default_factory=dict)

    def content(self, sequence: Sequence, index: int) -> object:
        """A block belongs to the piece of shared content that it ends in, else to its request."""
        end = (index + 1) * self.size
        tokens = 0
        for key, length in sequence.prefix or ():
            first, tokens = tokens // self.size, tokens + length
            if end <= tokens:
                return key, index - first
        return "own", sequence.number, index

    def find(self, sequence: Sequence) -> list[Cell]:
        found: list[Cell] = []
        tokens = sequence.input_tokens + sequence.generated
        for index in range((tokens - 1) // self.size):
            cells = self.known.get(self.content(sequence, index))
            if not cells:
                break
            found.append(cells[0])
        return found

    def hold(self, sequence: Sequence) -> None:
        found = self.find(sequence)
        for cell in found:
            if not cell.holders:
                self.free.remove(cell)
            cell.holders += 1
        self.held[sequence.number] = found

    def take(self, sequence: Sequence, count: int) -> None:
        for _ in range(count):
            cell = self.free.pop(0)
            self.forget(cell)
            cell.holders = 1
            self.held[sequence.number].append(cell)

    def learn(self, sequence: Sequence, tokens: int) -> None:
        for index in range(tokens // self.size if self.caching else 0):
            cell = self.held[sequence.number][index]
            content = self.content(sequence, index)
            if cell.content is None and content[0] != "own":
                self.remember(cell, content)

    def remember(self, cell: Cell, content: object) -> None:
        cell.content = content
        self.known.setdefault(content, []).append(cell)

    def forget(self, cell: Cell) -> None:
        if cell.content is not None:
            self.known[cell.content].remove(cell)
            cell.content = None

    def release(self, sequence: Sequence, computed: int, again: bool) -> None:
        cells = self.held.pop(sequence.number)
        if again and self.caching:
            for index in range(computed // self.size):
                if cells[index].content is None:
                    self.remember(cells[index], self.content(sequence, index))
        for cell in reversed(cells):
            cell.holders -= 1
            if not cell.holders:
                self.free.append(cell)


PATHS: list[Prefix | None] = [
    None,
    (("a", 3),),
    (("a", 9),),
    (("a", 9), ("a/b", 7)),
    (("a", 9), ("a/c", 7)),
    (("a", 9), ("a/b", 7), ("a/b/d", 16)),
    (("e", 32),),
]


class Caches(RuleBasedStateMachine):
    """What a batcher may do, done to both; a request may come back as often as it likes."""

    @initialize(
        size=st.integers(1, 5),
        blocks=st.integers(1, 24),
        caching=st.sampled_from([True, True, False]),
    )
    def build(self, size: int, blocks: int, caching: bool) -> None:
        self.size = size
        self.real = KVCache(blocks, size, caching=caching)
        self.plain = PlainCache(size, caching, [Cell() for _ in range(blocks)])
        self.inside: list[Sequence] = []
        self.outside: list[Sequence] = []  # have been here, and may come back
        self.number = 0

    @rule(path=st.sampled_from(PATHS), beyond=st.integers(0, 20), chunk=st.integers(1, 30))
    def admit_new(self, path: Prefix | None, beyond: int, chunk: int) -> None:
        tokens = max(1, sum(length for _, length in path or ()) + beyond)
        self.number += 1
        self.admit(Sequence(0, self.number, 0.0, tokens, 99, path), chunk)

    @precondition(lambda self: self.outside)
    @rule(which=st.integers(0, 99), chunk=st.integers(1, 30))
    def admit_again(self, which: int, chunk: int) -> None:
        self.admit(self.outside.pop(which % len(self.outside)), chunk)

    def admit(self, sequence: Sequence, chunk: int) -> None:
        """If there is room for its first chunk."""
        shared, segment, private = self.real.find(sequence)
        found = self.plain.find(sequence)
        assert len(shared) + private == len(found)
        assert shared.idle() + private == sum(not cell.holders for cell in found)
        tokens = self.after(sequence, len(found) * self.size, chunk)
        lack = self.real.blocks_of(tokens) - len(found)
        if lack + sum(not cell.holders for cell in found) > self.real.free:
            self.outside.append(sequence)
            return
        self.real.hold(sequence, shared, segment, private)
        self.plain.hold(sequence)
        self.inside.append(sequence)
        sequence.computed = len(found) * self.size
        self.grow(sequence, tokens)
        sequence.computed = tokens

    @staticmethod
    def after(sequence: Sequence, held: int, chunk: int) -> int:
        """Tokens held after the next chunk of its prefill, or after so many decoded ones."""
        target = sequence.input_tokens + sequence.generated
        return held + chunk if held >= target else min(held + chunk, target)

    def grow(self, sequence: Sequence, tokens: int) -> None:
        count = self.real.blocks_of(tokens) - self.real.blocks_of(sequence.computed)
        self.real.take(count)
        self.plain.take(sequence, count)
        self.real.learn(sequence, tokens)
        self.plain.learn(sequence, tokens)

    def grown(self, which: int, chunk: int) -> tuple[Sequence, int] | None:
        """Give one of those inside the blocks for its next tokens, if they are free."""
        sequence = self.inside[which % len(self.inside)]
        held = sequence.computed
        tokens = self.after(sequence, held, chunk)
        if self.real.blocks_of(tokens) - self.real.blocks_of(held) > self.real.free:
            return None
        self.grow(sequence, tokens)
        return sequence, tokens

    @precondition(lambda self: self.inside)
    @rule(which=st.integers(0, 99), chunk=st.integers(1, 12))
    def compute(self, which: int, chunk: int) -> None:
        if (grown := self.grown(which, chunk)) is not None:
            sequence, sequence.computed = grown
            sequence.generated = max(sequence.generated, sequence.computed - sequence.input_tokens)

    @precondition(lambda self: self.inside)
    @rule(which=st.integers(0, 99), chunk=st.integers(1, 12))
    def preempt(self, which: int, chunk: int) -> None:
        """It was given blocks for tokens that will not be computed."""
        if (grown := self.grown(which, chunk)) is not None:
            sequence, tokens = grown
            self.real.unlearn(sequence, sequence.computed)
            for cell in self.plain.held[sequence.number][sequence.computed // self.size :]:
                self.plain.forget(cell)
            self.leave(sequence, tokens, again=True)

    @precondition(lambda self: self.inside)
    @rule(which=st.integers(0, 99), again=st.booleans())
    def depart(self, which: int, again: bool) -> None:
        sequence = self.inside[which % len(self.inside)]
        self.leave(sequence, sequence.computed, again)

    def leave(self, sequence: Sequence, tokens: int, again: bool) -> None:
        self.inside.remove(sequence)
        self.real.release(sequence, tokens, sequence.computed, again=again)
        self.plain.release(sequence, sequence.computed, again)
        sequence.computed = 0
        if again:
            self.outside.append(sequence)

    @invariant()
    def agree(self) -> None:
        if not hasattr(self, "real"):
            return
        self.real.check()
        assert self.real.free == len(self.plain.free)
        for sequence in self.outside:
            shared, _, private = self.real.find(sequence)
            assert len(shared) + private == len(self.plain.find(sequence))


Caches.TestCase.settings = settings(
    max_examples=100,
    stateful_step_count=40,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow],
)
TestCaches = Caches.TestCase
