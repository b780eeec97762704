"""Waiting line: sequences that wait for a slot, in order of (priority, arrival). Knows no clock."""

from __future__ import annotations

from collections import deque

from sim.serving.sequence import Sequence, State

WAITING, GONE = State.WAITING, State.GONE


class Queue:
    """How many sequences wait, over all replicas that share this count."""

    __slots__ = ("length",)

    def __init__(self) -> None:
        self.length = 0


class WaitingLine:
    """One first-in-first-out line per priority; the lowest number is served first.

    A sequence that leaves by itself is only marked; it is skipped when it comes to the head.
    """

    __slots__ = ("_lines", "_ranked", "count")

    def __init__(self) -> None:
        self.count = 0
        self._lines: dict[int, deque[Sequence]] = {}
        self._ranked: list[deque[Sequence]] = []  # the same lines, most urgent first

    def _line(self, priority: int) -> deque[Sequence]:
        line = self._lines.get(priority)
        if line is None:
            line = self._lines[priority] = deque()
            self._ranked = [self._lines[p] for p in sorted(self._lines)]
        return line

    def append(self, sequence: Sequence) -> None:
        """Queue an arrival behind its equals. O(1)."""
        line = self._lines.get(sequence.priority)
        (self._line(sequence.priority) if line is None else line).append(sequence)
        sequence.state = WAITING
        self.count += 1

    def put_back(self, sequence: Sequence) -> None:
        """Queue a preempted sequence before its equals: it came before all that wait. O(1)."""
        self._line(sequence.priority).appendleft(sequence)
        sequence.state = WAITING
        self.count += 1

    def head(self) -> Sequence | None:
        """The next to be admitted, or None. Amortised O(priorities)."""
        for line in self._ranked:
            while line:
                head = line[0]
                if head.state is WAITING:
                    return head
                line.popleft()
        return None

    def pop(self, head: Sequence) -> None:
        """Take *head* (that `head` has just returned) out of its line."""
        self._lines[head.priority].popleft()
        self.count -= 1

    def leave(self, sequence: Sequence) -> None:
        """Forget a waiting *sequence*. O(1): it is dropped when it comes to the head."""
        sequence.state = GONE
        self.count -= 1

    def clear(self) -> list[Sequence]:
        """Empty the line; return who waited, in order."""
        waiting = [s for line in self._ranked for s in line if s.state is WAITING]
        self._lines.clear()
        self._ranked = []
        self.count = 0
        return waiting
