from dataclasses import dataclass

from hypothesis import given, settings
from hypothesis import strategies as st

from sim.serving.decodes import DecodeSet
from sim.serving.sequence import Sequence, State
from tests.unit.engines import ask


def decoding(number: int, computed: int, output: int, prompt: int = 0) -> Sequence:
    """A sequence that has just emitted its first token; *computed* tokens are held."""
    sequence = ask(number, 0.0, prompt or computed, output)
    sequence.computed, sequence.generated, sequence.admission = computed, 1, number
    return sequence


def step(decodes: DecodeSet, count: int, seconds: float = 0.0) -> None:
    """As the batcher books *count* steps of *seconds* for each sequence."""
    decodes.steps += count
    decodes.context += decodes.size * count
    decodes.clock_s += count * seconds


def test_who_leaves_is_brought_up_to_date() -> None:
    decodes = DecodeSet(4, 0.0)
    sequence = decoding(0, computed=6, output=9)
    decodes.enter(sequence)
    assert (sequence.state, decodes.size, decodes.context) == (State.DECODE, 1, 6)
    step(decodes, 3)
    decodes.leave(sequence)
    assert (sequence.computed, sequence.generated) == (9, 4)
    assert (decodes.size, decodes.context) == (0, 0)
    assert sequence.state is not State.DECODE


def test_a_stay_is_charged_by_hand() -> None:
    """Prompt 5, 6 tokens held, three steps of 0.5 s; a context token costs 2 s a step.

    Rent: 3 x 5 x 2. Own context: (1 + 2 + 3) x 2.
    """
    decodes = DecodeSet(4, 2.0)
    other = decoding(1, computed=3, output=50)
    decodes.enter(other)
    step(decodes, 2, seconds=7.0)  # before its time
    sequence = decoding(0, computed=6, output=9, prompt=5)
    decodes.enter(sequence)
    step(decodes, 3, seconds=0.5)
    decodes.leave(sequence)
    assert sequence.rent_s == 30.0
    assert sequence.decode_s == 3 * 0.5 + 12.0
    step(decodes, 1, seconds=0.5)
    decodes.leave(other)
    assert other.decode_s == 2 * 7.0 + 4 * 0.5 + 2.0 * sum(range(6))
    assert other.rent_s == 2.0 * 3 * 6


def test_a_second_stay_adds_to_the_first() -> None:
    decodes = DecodeSet(4, 0.0)
    sequence = decoding(0, computed=6, output=90)
    for steps in (2, 5):
        decodes.enter(sequence)
        step(decodes, steps, seconds=1.0)
        decodes.leave(sequence)
    assert sequence.decode_s == 7.0
    assert sequence.generated == 8


def test_the_first_last_token_is_known() -> None:
    decodes = DecodeSet(4, 0.0)
    slow, fast = decoding(0, 4, 9), decoding(1, 4, 4)
    for sequence in (slow, fast):
        decodes.enter(sequence)
    assert decodes.steps_to_finish() == 3
    step(decodes, 2)
    assert decodes.steps_to_finish() == 1
    step(decodes, 1)
    decodes.leave(fast)
    assert fast.generated == fast.output_tokens
    assert decodes.steps_to_finish() == 5


def test_who_left_early_is_not_waited_for() -> None:
    decodes = DecodeSet(4, 0.0)
    gone, back, stays = (decoding(n, 4, output) for n, output in enumerate((2, 3, 9)))
    for sequence in (gone, back, stays):
        decodes.enter(sequence)
    decodes.leave(gone)
    assert decodes.steps_to_finish() == 2  # of `back`
    decodes.leave(back)
    step(decodes, 1)
    decodes.enter(back)  # two steps from now: its old last step means nothing
    assert decodes.steps_to_finish() == 2
    decodes.leave(back)
    assert decodes.steps_to_finish() == 7


@dataclass
class Plain:
    """A sequence that holds *computed* tokens in blocks."""

    computed: int

    def step(self, size: int) -> int:
        """Compute one token; return the blocks that it takes."""
        self.computed += 1
        return int((self.computed - 1) % size == 0)


@settings(deadline=None)
@given(
    size=st.integers(1, 17),
    held=st.lists(st.tuples(st.integers(1, 100), st.integers(0, 40)), min_size=1, max_size=12),
    count=st.integers(1, 70),
    enough=st.floats(0.0, 1.1),
)
def test_blocks_of_coming_steps_against_a_loop(
    size: int, held: list[tuple[int, int]], count: int, enough: float
) -> None:
    """*held*: tokens at entry, and steps between this entry and the next.

    *enough*: the share of the blocks that *count* steps take that is free.
    """
    decodes, plain = DecodeSet(size, 0.0), list[Plain]()
    for number, (computed, gap) in enumerate(held):
        decodes.enter(decoding(number, computed, 10_000))
        plain.append(Plain(computed))
        step(decodes, gap)
        for one in plain * gap:
            one.step(size)
    assert decodes.context == sum(one.computed for one in plain)
    taken = [sum(one.step(size) for one in plain) for _ in range(count)]
    assert decodes.due_now() == taken[0]
    begins_s = [2.0 * j + 0.125 * (j * (j - 1) / 2) for j in range(count)]
    late_s = sum(blocks * begin_s for blocks, begin_s in zip(taken, begins_s, strict=True))
    assert decodes.block_delay_s(count, 2.0, 0.125) == late_s
    assert decodes.blocks_due(count) == sum(taken)
    free = int(enough * sum(taken))
    steps = [k for k in range(count + 1) if sum(taken[:k]) <= free]
    assert decodes.steps_within(free, count) == steps[-1]


def test_a_block_is_no_longer_due_to_who_left() -> None:
    """One takes its blocks at steps 0, 4 …, the other, since step 1, at 4, 8 … too."""
    decodes = DecodeSet(4, 0.0)
    stays, goes = decoding(0, 4, 99), decoding(1, 5, 99)
    decodes.enter(stays)
    step(decodes, 1)
    decodes.enter(goes)
    assert [decodes.blocks_due(k) for k in (3, 4, 7, 8)] == [0, 2, 2, 4]
    step(decodes, 2)
    decodes.leave(goes)
    assert [decodes.blocks_due(k) for k in (1, 2, 5, 6)] == [0, 1, 1, 2]
