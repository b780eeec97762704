"""Decode set: the sequences that decode, advanced all at once and never visited. Knows no clock.

Every step moves all of them by one token, so one sequence's progress is the difference of two
counters between its entry and now: `steps` (K), and `clock_s` (A), the shared decode seconds that
one sequence is charged. A sequence whose next token opens a block at step K does so again at
K + block_tokens, so `due[K mod block_tokens]` says how many blocks step K takes.
"""

from __future__ import annotations

from heapq import heappop, heappush

from sim.serving.sequence import Sequence, State

DECODE, PREFILL = State.DECODE, State.PREFILL


class DecodeSet:
    """`size` decoding sequences that hold `context` tokens in all.

    `finishing` is a heap of (last step, admission, sequence); those that left early stay in it.
    """

    __slots__ = (
        "block_tokens",
        "clock_s",
        "context",
        "due",
        "finishing",
        "size",
        "steps",
        "token_s",
    )

    def __init__(self, block_tokens: int, per_context_token_s: float) -> None:
        self.block_tokens = block_tokens
        self.token_s = per_context_token_s
        self.steps = 0
        self.clock_s = 0.0
        self.size = 0
        self.context = 0
        self.due = [0] * block_tokens
        self.finishing: list[tuple[int, int, Sequence]] = []  # heap by last step, then admission

    def enter(self, sequence: Sequence) -> None:
        """Begin a stay at the present boundary. O(log size)."""
        steps, computed = self.steps, sequence.computed
        sequence.state = DECODE
        sequence.stay_step = steps
        sequence.stay_clock_s = self.clock_s
        sequence.finish_step = last = steps + sequence.output_tokens - sequence.generated
        self.size += 1
        self.context += computed
        self.due[(steps - computed) % self.block_tokens] += 1
        heappush(self.finishing, (last, sequence.admission, sequence))

    def leave(self, sequence: Sequence) -> None:
        """Close a stay: bring the sequence up to date and charge it. O(1).

        It then counts as in prefill; the caller says what becomes of it.
        """
        stay_step, computed = sequence.stay_step, sequence.computed
        done = self.steps - stay_step
        held = computed + done
        self.due[(stay_step - computed) % self.block_tokens] -= 1
        self.context -= held
        self.size -= 1
        token_s = self.token_s
        prompt = sequence.input_tokens
        sequence.rent_s += token_s * done * prompt
        sequence.decode_s += (self.clock_s - sequence.stay_clock_s) + token_s * (
            done * (computed - prompt) + 0.5 * done * (done - 1)
        )
        sequence.computed = held
        sequence.generated += done
        sequence.state = PREFILL
        if not self.size:
            self.clock_s = 0.0  # nobody's stay is open: start afresh, so that sums stay small

    def steps_to_finish(self) -> int:
        """Steps until the first last token; the set is not empty."""
        finishing = self.finishing
        while True:
            last, _, sequence = finishing[0]
            if sequence.state is DECODE and sequence.finish_step == last:
                return last - self.steps
            heappop(finishing)  # left before its time

    def due_now(self) -> int:
        """Blocks that the next step takes."""
        return self.due[self.steps % self.block_tokens]

    def blocks_due(self, count: int) -> int:
        """Blocks that the next *count* steps take."""
        period, due = self.block_tokens, self.due
        start = self.steps % period
        end = start + count % period
        blocks = count // period * self.size + sum(due[start:end])
        return blocks if end <= period else blocks + sum(due[: end - period])

    def block_delay_s(self, count: int, first_s: float, growth_s: float) -> float:
        """Sum over the blocks of the next *count* steps of the time until each is taken.

        Step j begins at j·first_s + growth_s·j(j−1)/2. O(min(count, block_tokens)): steps a period
        apart take as many blocks, and their times are summed in closed form.
        """
        period, due = self.block_tokens, self.due
        start = self.steps % period
        half_s = 0.5 * growth_s
        base_s = first_s - half_s
        total_s = 0.0
        if count <= period:  # most runs are short
            taken = due[start : start + count] + due[: max(0, start + count - period)]
            for step, blocks in enumerate(taken):
                if blocks:
                    total_s += blocks * step * (base_s + half_s * step)
            return total_s
        for step, blocks in enumerate(due[start:] + due[:start]):
            if blocks:
                n = (count - 1 - step) // period + 1
                sum_j = n * step + period * (n * (n - 1) // 2)
                sum_jj = n * step * step + period * step * n * (n - 1)
                sum_jj += period * period * ((n - 1) * n * (2 * n - 1) // 6)
                total_s += blocks * (base_s * sum_j + half_s * sum_jj)
        return total_s

    def steps_within(self, free: int, count: int) -> int:
        """How many of the next *count* steps *free* blocks suffice for."""
        period = self.block_tokens
        rounds = min(count // period, free // self.size)
        steps = rounds * period
        left = free - rounds * self.size
        while steps < count:
            left -= self.due[(self.steps + steps) % period]
            if left < 0:
                break
            steps += 1
        return steps

    def clear(self) -> None:
        """Forget everybody (a crash); stays must have been closed."""
        self.finishing.clear()
