"""Sequence: one attempt at a request, inside one engine. Knows no clock; others write its times."""

from __future__ import annotations

from collections.abc import Hashable
from enum import IntEnum
from typing import TYPE_CHECKING

from sim.serving.turn import Turn

if TYPE_CHECKING:
    from sim.serving.holding import Holding

Prefix = tuple[tuple[Hashable, int], ...]
"""Shared content at the head of a prompt: (key, tokens); a key names all content up to there."""


class State(IntEnum):
    """Where a sequence stands. `GONE` is final."""

    NEW = 0
    WAITING = 1
    PREFILL = 2
    DECODE = 3
    GONE = 4


class Outcome(IntEnum):
    """How an attempt ended, in the order of the ledger's codes."""

    COMPLETED = 0
    REJECTED = 1
    TIMED_OUT = 2
    FAILED = 3
    CANCELLED = 4
    IN_FLIGHT = 5


NEW, IN_FLIGHT = State.NEW, Outcome.IN_FLIGHT


class Sequence:
    """One attempt: what was asked for, how far it got, and the seconds that it was charged.

    `input_tokens` includes every shared token of `prefix` and the history of its conversation.
    `computed` and `generated` are exact while the sequence waits or prefills; while it decodes they
    follow from the batcher's step count (see `DecodeSet`), so that a step need not visit it.
    """

    target: int
    finish_step: int
    stay_step: int
    stay_clock_s: float

    __slots__ = (
        "admission",
        "arrived_at_s",
        "attempt",
        "cached_input",
        "cached_s",
        "computed",
        "decode_s",
        "finish_step",
        "finished_at_s",
        "first_token_at_s",
        "generated",
        "high_water",
        "input_tokens",
        "left",
        "leg",
        "number",
        "outcome",
        "output_tokens",
        "prefill_s",
        "prefix",
        "priority",
        "queued_at_s",
        "recomputed_input",
        "recomputed_output",
        "rent_s",
        "replica",
        "route",
        "shared",
        "state",
        "stay_clock_s",
        "stay_step",
        "superseded",
        "target",
        "turn",
        "waste_s",
    )

    def __init__(
        self,
        route: int,
        number: int,
        arrived_at_s: float,
        input_tokens: int,
        output_tokens: int,
        prefix: Prefix | None = None,
        priority: int = 0,
        attempt: int = 0,
        turn: Turn | None = None,
        leg: int = 0,
    ) -> None:
        self.route = route
        self.number = number
        self.attempt = attempt
        self.priority = priority
        self.arrived_at_s = arrived_at_s
        self.queued_at_s = arrived_at_s
        self.input_tokens = input_tokens
        self.output_tokens = output_tokens
        self.prefix = prefix
        self.turn = turn
        self.leg = leg  # which of its route's pools it was sent to
        self.state = NEW
        self.replica = -1
        self.outcome = IN_FLIGHT
        self.first_token_at_s: float | None = None
        self.finished_at_s: float | None = None
        self.left = False  # its client has gone, though it may still be served
        self.superseded = False  # another attempt at the same request follows

        # Written by the engine when they begin to mean something: `target`, at which prefill ends;
        # `finish_step`, the engine's step count at the last token; `stay_step` and `stay_clock_s`,
        # the engine's counters when it last began to decode.
        self.computed = 0  # tokens whose KV is held
        self.generated = 0  # tokens that were emitted
        self.high_water = 0  # most tokens ever computed: below it, computing is waste
        self.cached_input = 0  # prompt tokens found in the cache at first admission
        self.recomputed_input = 0
        self.recomputed_output = 0
        self.shared: Holding | None = None  # blocks of shared content, owned by the KV cache
        self.admission = 0  # its place in the order of admission

        self.prefill_s = 0.0
        self.cached_s = 0.0
        self.rent_s = 0.0
        self.decode_s = 0.0
        self.waste_s = 0.0

    def __repr__(self) -> str:
        return (
            f"Sequence(route={self.route}, number={self.number}, {self.state.name}, "
            f"input={self.input_tokens}, output={self.output_tokens})"
        )

    @property
    def content(self) -> Hashable:
        """What names its own tokens, those behind the shared ones: its conversation, or itself."""
        return (self.route, self.number) if self.turn is None else self.turn.content

    @property
    def charged_s(self) -> float:
        """Replica-seconds charged to this attempt so far, recomputation included."""
        return self.prefill_s + self.cached_s + self.rent_s + self.decode_s + self.waste_s
