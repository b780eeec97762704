"""Sessions: conversations of several turns, each sending again what was said; knows no clock.

Every arrival of the route's process starts a conversation, `mean_turns` times rarer than the
requests. When its turns come is settled at its start, apart from how fast it is served, so the
same traffic meets every fleet.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from sim.laws.law import Law
from sim.serving.turn import Turn
from sim.streams import Streams
from sim.traffic.arrivals import Arrivals
from sim.traffic.chunk import Chunk, FloatArray, IntArray, ObjectArray, Prefix
from sim.traffic.lengths import PairSampler
from sim.traffic.tokens import TokenSampler

MAX_TURNS = 1_000
LEAD_LIMIT_S = 7 * 86_400.0


@dataclass(frozen=True, slots=True)
class _Turns:
    """Turns as columns of equal length; `session` counts conversations from 0."""

    at_s: FloatArray
    input_tokens: IntArray
    output_tokens: IntArray
    session: IntArray
    topic: IntArray
    follows: ObjectArray

    def take(self, which: object) -> _Turns:
        """Return those that *which*, a slice, mask or index array, selects."""
        return _Turns(*(getattr(self, name)[which] for name in self.__slots__))


@dataclass(frozen=True)
class Conversations:
    """What the conversations of one route are made of.

    *first* draws a first turn's own tokens and its answer, *follow_up* those of each later turn;
    *gap* is the law of the seconds from a turn to the next. *spoken* is the part of an answer
    that is sent again (1 minus the share of hidden reasoning). A prompt beyond *max_context*
    tokens, template included, starts afresh.
    """

    route: str
    turns: TokenSampler
    gap: Law
    first: PairSampler
    follow_up: PairSampler
    mean_turns: float
    mean_gap_s: float
    spoken: float = 1.0
    template: Prefix | None = None
    max_context: int | None = None

    def chunks(
        self, process: Arrivals, streams: Streams, start_s: float, limit: int
    ) -> Iterator[Chunk]:
        """Yield the turns from *start_s* on in time order, endless.

        *process* has to yield the conversations' starts. It begins early enough that those that
        were under way at *start_s* are there: after ten mean lengths hardly any is left.
        """
        lead_s = min(10.0 * self.mean_turns * self.mean_gap_s, LEAD_LIMIT_S)
        draws = _Draws(self, streams)
        arrivals = process.chunks(streams.of("arrivals", self.route), start_s - lead_s, limit)
        waiting: _Turns | None = None
        for starts_s in arrivals:
            turns = draws.conversations(starts_s)
            if waiting is not None:
                turns = _joined(waiting, turns)
            turns = turns.take(np.argsort(turns.at_s, kind="stable"))
            # Whatever starts later comes after the last start of this array.
            ripe = int(np.searchsorted(turns.at_s, starts_s[-1], "right"))
            waiting = turns.take(slice(ripe, None))
            early = int(np.searchsorted(turns.at_s, start_s, "left"))
            for begin in range(early, ripe, limit):
                yield self._chunk(turns.take(slice(begin, min(begin + limit, ripe))))

    def _chunk(self, turns: _Turns) -> Chunk:
        route, resends = self.route, self.spoken == 1.0
        places = [
            Turn((route, session), (route, session, topic), follows, resends)
            for session, topic, follows in zip(
                turns.session.tolist(), turns.topic.tolist(), turns.follows.tolist(), strict=True
            )
        ]
        column = np.empty(len(places), dtype=np.object_)
        column[:] = places
        return Chunk(turns.at_s, turns.input_tokens, turns.output_tokens, self.template, column)


class _Draws:
    """The random side of one route's conversations; a stream for each kind of number."""

    def __init__(self, plan: Conversations, streams: Streams) -> None:
        self._plan = plan
        name = plan.route
        self._turns = streams.of("turns", name)
        self._gaps = streams.of("think time", name)
        self._first = streams.of("input", name), streams.of("output", name)
        self._later = streams.of("follow-up input", name), streams.of("follow-up output", name)
        self._sessions = 0

    def conversations(self, starts_s: FloatArray) -> _Turns:
        """Return all turns of the conversations that begin at *starts_s*, one after another."""
        plan, n = self._plan, len(starts_s)
        counts = np.minimum(plan.turns.sample(self._turns, n), MAX_TURNS)
        ends = np.cumsum(counts)
        firsts = ends - counts
        total = int(ends[-1])
        is_first = np.zeros(total, dtype=bool)
        is_first[firsts] = True
        said = np.empty(total, dtype=np.int64)
        answers = np.empty(total, dtype=np.int64)
        said[is_first], answers[is_first] = plan.first.sample(*self._first, n)
        said[~is_first], answers[~is_first] = plan.follow_up.sample(*self._later, total - n)
        gaps_s = np.zeros(total)
        gaps_s[~is_first] = plan.gap.quantile(self._gaps.random(total - n))
        session = np.repeat(np.arange(self._sessions, self._sessions + n), counts)
        self._sessions += n
        at_s = _times(starts_s, gaps_s, firsts, counts)
        prompts, topics = self._prompts(said, answers, firsts, counts)
        follows = np.ones(total, dtype=bool)
        follows[ends - 1] = False
        follows[:-1] &= topics[1:] == topics[:-1]
        return _Turns(
            at_s=at_s,
            input_tokens=prompts,
            output_tokens=answers,
            session=session,
            topic=topics,
            follows=follows.astype(np.object_),
        )

    def _prompts(
        self, said: IntArray, answers: IntArray, firsts: IntArray, counts: IntArray
    ) -> tuple[IntArray, IntArray]:
        """Return each turn's prompt tokens and how often its conversation had started afresh."""
        plan = self._plan
        head = sum(tokens for _, tokens in plan.template or ())
        spoken = np.rint(answers * plan.spoken).astype(np.int64)
        prompts, topics = np.empty_like(said), np.zeros_like(said)
        history = np.zeros(len(firsts), dtype=np.int64)
        topic = np.zeros(len(firsts), dtype=np.int64)
        for place in range(int(counts.max(initial=0))):
            alive = np.flatnonzero(counts > place)
            rows = firsts[alive] + place
            long = history[alive] + said[rows] + head > (plan.max_context or np.inf)
            afresh = long & (history[alive] > 0)
            history[alive[afresh]] = 0
            topic[alive[afresh]] += 1
            prompts[rows] = history[alive] + said[rows] + head
            topics[rows] = topic[alive]
            history[alive] += said[rows] + spoken[rows]
        return prompts, topics


def _times(
    starts_s: FloatArray, gaps_s: FloatArray, firsts: IntArray, counts: IntArray
) -> FloatArray:
    """Return when each turn comes; sums run within a conversation, whatever stands beside it."""
    at_s = np.empty_like(gaps_s)
    at_s[firsts] = starts_s
    for place in range(1, int(counts.max(initial=0))):
        rows = firsts[counts > place] + place
        at_s[rows] = at_s[rows - 1] + gaps_s[rows]
    return at_s


def _joined(one: _Turns, two: _Turns) -> _Turns:
    return _Turns(*(np.concatenate((getattr(one, n), getattr(two, n))) for n in _Turns.__slots__))
