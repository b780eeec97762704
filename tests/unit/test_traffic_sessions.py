"""Conversations: times, histories, fresh starts, and that nothing depends on how they are cut."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import islice, pairwise
from typing import Any

import numpy as np
import pytest

from sim.laws.exponential import Exponential
from sim.laws.fixed import Fixed
from sim.scenario.lengths import FixedLengths, GeometricLengths
from sim.streams import Streams
from sim.traffic.chunk import FloatArray
from sim.traffic.lengths import pair_sampler, sampler
from sim.traffic.sessions import Conversations

TEMPLATE = ((("template", "chat"), 600),)
PLAN = Conversations(
    route="chat",
    turns=sampler(FixedLengths(fixed=3), "input"),
    gap=Fixed(60.0),
    first=pair_sampler(FixedLengths(fixed=500), FixedLengths(fixed=200)),
    follow_up=pair_sampler(FixedLengths(fixed=40), FixedLengths(fixed=100)),
    mean_turns=3.0,
    mean_gap_s=60.0,
)
VARIED = replace(
    PLAN,
    turns=sampler(GeometricLengths(geometric=2.5), "input"),
    gap=Exponential(45.0),
    first=pair_sampler(GeometricLengths(geometric=300), GeometricLengths(geometric=90)),
    follow_up=pair_sampler(GeometricLengths(geometric=30), GeometricLengths(geometric=80)),
    mean_turns=2.5,
    mean_gap_s=45.0,
    template=TEMPLATE,
    max_context=2_000,
)


@dataclass
class Every:
    """A start every *step_s* from the start of the process on."""

    step_s: float
    first_s: float | None = None

    def chunks(self, rng: np.random.Generator, start_s: float, limit: int) -> Iterator[FloatArray]:
        del rng
        at_s = start_s if self.first_s is None else self.first_s
        while True:
            yield at_s + self.step_s * np.arange(min(limit, 64))
            at_s += self.step_s * min(limit, 64)


Row = tuple[float, int, int, Any]


def rows(
    plan: Conversations, every: Every, n: int, start_s: float = 0.0, limit: int = 64
) -> list[Row]:
    def each() -> Iterator[Row]:
        for chunk in plan.chunks(every, Streams(5), start_s, limit):  # type: ignore[arg-type]
            assert chunk.turns is not None
            assert 1 <= len(chunk) <= limit
            columns = chunk.arrived_at_s, chunk.input_tokens, chunk.output_tokens, chunk.turns
            yield from zip(*(column.tolist() for column in columns), strict=True)

    return list(islice(each(), n))


def by_conversation(found: list[Row]) -> dict[Any, list[Row]]:
    talks: dict[Any, list[Row]] = {}
    for row in found:
        talks.setdefault(row[3].conversation, []).append(row)
    return talks


def test_turns_come_a_gap_apart_and_send_the_history_again() -> None:
    found = rows(PLAN, Every(1000.0, first_s=0.0), 6)
    assert [(at_s, prompt, answer) for at_s, prompt, answer, _ in found[:3]] == [
        (0.0, 500, 200),
        (60.0, 500 + 200 + 40, 100),
        (120.0, 740 + 100 + 40, 100),
    ]
    assert [turn.follows for *_, turn in found] == [True, True, False] * 2
    assert len({turn.content for *_, turn in found[:3]}) == 1
    assert found[2][3].content != found[3][3].content
    assert all(turn.resends for *_, turn in found)


def test_reasoning_is_neither_sent_again_nor_found_again() -> None:
    found = rows(replace(PLAN, spoken=0.25), Every(1000.0, first_s=0.0), 3)
    assert [prompt for _, prompt, *_ in found] == [500, 500 + 50 + 40, 590 + 25 + 40]
    assert not any(turn.resends for *_, turn in found)


def test_a_prompt_beyond_the_context_starts_afresh() -> None:
    plan = replace(PLAN, turns=sampler(FixedLengths(fixed=4), "input"), template=TEMPLATE)
    found = rows(replace(plan, max_context=1_400), Every(1000.0, first_s=0.0), 4)
    assert [prompt for _, prompt, *_ in found] == [1100, 1340, 640, 780]
    assert [turn.follows for *_, turn in found] == [True, False, True, False]
    one, two, three, four = (turn for *_, turn in found)
    assert one.content == two.content != three.content == four.content
    assert one.conversation == four.conversation


def test_a_first_turn_may_be_longer_than_the_context() -> None:
    found = rows(replace(PLAN, max_context=10), Every(1000.0, first_s=0.0), 3)
    assert [prompt for _, prompt, *_ in found] == [500, 40, 40]
    assert not any(turn.follows for *_, turn in found)


def test_turns_of_all_conversations_are_in_time_order() -> None:
    found = rows(VARIED, Every(1.0), 5_000)
    times = [at_s for at_s, *_ in found]
    assert times == sorted(times)
    for talk in by_conversation(found).values():
        for (_, before, answer, one), (_, prompt, _, two) in pairwise(talk):
            if one.content == two.content:
                assert one.follows
                assert prompt > before + answer
            else:
                assert not one.follows


def test_a_turn_of_a_conversation_that_goes_on_always_comes() -> None:
    found = rows(VARIED, Every(1.0), 5_000)
    ended = [turn.content for *_, turn in found if not turn.follows]
    assert len(ended) == len(set(ended))
    early = {turn.content for at_s, *_, turn in found if at_s < 1_000}
    assert len(early - set(ended)) < 0.01 * len(early)


@pytest.mark.parametrize("limit", [1, 7, 64])
def test_cutting_leaves_no_trace(limit: int) -> None:
    whole = rows(VARIED, Every(1.0, first_s=-1_000.0), 700, limit=64)
    assert rows(VARIED, Every(1.0, first_s=-1_000.0), 700, limit=limit) == whole


def test_the_start_finds_conversations_under_way() -> None:
    """As many requests in the first ten minutes as in any other, 2.5 a second."""
    found = np.array([at_s for at_s, *_ in rows(VARIED, Every(1.0), 9_000, start_s=-600.0)])
    assert found[0] >= -600.0
    counts = np.histogram(found, bins=np.arange(-600.0, 2_401.0, 600.0))[0]
    assert counts == pytest.approx(np.full(5, 1_500), rel=0.12)


def test_each_kind_of_number_has_its_stream() -> None:
    """Other gaps move no length; other follow-ups move no first turn."""
    found = rows(VARIED, Every(1.0), 3_000)
    later = rows(replace(VARIED, gap=Exponential(90.0)), Every(1.0), 3_000)
    told, retold = by_conversation(found), by_conversation(later)
    both = [name for name in told if name in retold and len(told[name]) == len(retold[name])]
    assert len(both) > 500
    for name in both:
        assert [row[1:3] for row in told[name]] == [row[1:3] for row in retold[name]]
