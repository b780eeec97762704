"""Hosted: an API that answers what the fleet does not. Knows no clock."""

from __future__ import annotations

from dataclasses import dataclass

from sim.fleet.provider import draw
from sim.laws.law import Law
from sim.serving.sequence import Outcome, Sequence
from sim.streams import Keyed


@dataclass(frozen=True)
class Hosted:
    """How fast the API answers, in seconds to the first token and per token after it.

    It takes what ended in one of `on`, and with `on_no_replica` what finds no replica at all.
    """

    ttft: Law
    tpot: Law
    on: frozenset[Outcome]
    on_no_replica: bool
    draws: Keyed

    def answer_s(self, sequence: Sequence) -> float:
        """Return the seconds from sending *sequence* to its last token."""
        token_s = draw(self.tpot, self.draws.uniform(sequence.number, 1))
        return self._first_s(sequence) + token_s * (sequence.output_tokens - 1)

    def answer(self, sequence: Sequence) -> None:
        """Write into *sequence*, sent at `queued_at_s`, that it is answered."""
        sequence.outcome = Outcome.COMPLETED
        sequence.first_token_at_s = self.first_token_at_s(sequence)
        sequence.finished_at_s = sequence.queued_at_s + self.answer_s(sequence)
        sequence.generated = sequence.output_tokens
        sequence.computed = sequence.input_tokens + sequence.output_tokens - 1

    def first_token_at_s(self, sequence: Sequence) -> float:
        """Return when the first token of *sequence*, sent at `queued_at_s`, comes."""
        return sequence.queued_at_s + self._first_s(sequence)

    def _first_s(self, sequence: Sequence) -> float:
        return draw(self.ttft, self.draws.uniform(sequence.number, 0))
