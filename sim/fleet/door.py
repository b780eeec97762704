"""Door: how the clients of one route behave: patience, retries, overflow. In simulated time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import simpy
from simpy.events import Timeout

from sim.fleet.backoff import Backoff, RetryBudget, sdk_backoff
from sim.fleet.deadlines import Deadlines
from sim.fleet.deferral import Deferral
from sim.fleet.hosted import Hosted
from sim.fleet.no_pool import NoPool
from sim.fleet.pool import Pool
from sim.fleet.provider import draw
from sim.laws.fixed import Fixed
from sim.laws.law import Law
from sim.ledger.records import HOSTED_REPLICA
from sim.serving.sequence import Outcome, Sequence
from sim.streams import Keyed

UNLIMITED = 1_000_000_000
"""As many retries as a client likes."""


@dataclass(frozen=True)
class Manners:
    """How the clients of a route behave.

    `patience` is a law of the seconds that a client gives an attempt, `ttft_patience` of those
    until its first token; None: for ever. At most `retries` more attempts follow one that ended in
    `retried_on`, after `backoff`, or after `retry_after_s` if a rejection said so; `budget_ratio`
    bounds them all together. `cancels`: a client that goes takes its attempt out of the engine. A
    share `errors` of the attempts fails when its prompt has been computed.
    """

    patience: Law | None = None
    ttft_patience: Law | None = None
    retries: int = 0
    retried_on: frozenset[Outcome] = frozenset()
    backoff: Backoff = sdk_backoff
    retry_after_s: float | None = None
    budget_ratio: float | None = None
    cancels: bool = True
    errors: float = 0.0


def stays(sequence: Sequence) -> bool:
    """No answer is followed by another."""
    return False


class Door:
    """One route's way in and out of a pool: every attempt passes.

    Every request is settled once, unless *goes_on* says of its answer that it is not the last, and
    sees to what follows.
    """

    def __init__(
        self,
        env: simpy.Environment,
        pool: Pool | NoPool,
        manners: Manners,
        draws: Keyed,
        *,
        submit: Callable[[Sequence], None],
        record: Callable[[Sequence], None],
        settle: Callable[[Sequence], None],
        hosted: Hosted | None = None,
        deferral: Deferral | None = None,
        goes_on: Callable[[Sequence], bool] = stays,
    ) -> None:
        self.env = env
        self.pool = pool
        self.manners = manners
        self.draws = draws
        self.submit = submit
        self.record = record
        self.settle = settle
        self.hosted = hosted
        self.deferral = deferral
        self.goes_on = goes_on
        ratio = manners.budget_ratio
        self.budget = None if ratio is None else RetryBudget(ratio)
        self.whole = Deadlines(env, self._give_up)
        self.first = Deadlines(env, self._give_up, self._has_begun)
        self._between: dict[Sequence, None] = {}  # attempts that are still to be made
        self._doomed: dict[Sequence, int] = {}  # attempts that will fail: the answer they asked for

    def arrive(self, sequence: Sequence) -> None:
        """A request has come."""
        if self.budget is not None:
            self.budget.earn()
        if self.deferral is not None and self.deferral.defers(sequence, self._send):
            return
        self._send(sequence)

    def _send(self, sequence: Sequence) -> None:
        manners = self.manners
        number, attempt = sequence.number, sequence.attempt
        sequence.queued_at_s = self.env.now
        if self.hosted is not None and self.hosted.on_no_replica and not self.pool.routed:
            self.pool.on_missed()
            self._overflow(sequence)
            return
        self._be_patient(sequence)
        if manners.errors and self.draws.uniform(number, attempt, 2) < manners.errors:
            self._doomed[sequence], sequence.output_tokens = sequence.output_tokens, 1
        self.submit(sequence)

    def _be_patient(self, sequence: Sequence) -> None:
        """The client of *sequence* waits from now on, as long as it likes."""
        manners, now_s = self.manners, self.env.now
        if manners.patience is not None:
            self.whole.add(now_s + self._drawn(manners.patience, sequence, 0), sequence)
        if manners.ttft_patience is not None:
            self.first.add(now_s + self._drawn(manners.ttft_patience, sequence, 1), sequence)

    def _drawn(self, law: Law, sequence: Sequence, purpose: int) -> float:
        """Return the seconds of *law* for this attempt; nearly always they are fixed."""
        if isinstance(law, Fixed):
            return law.value
        return draw(law, self.draws.uniform(sequence.number, sequence.attempt, purpose))

    def ended(self, sequence: Sequence) -> None:
        """An attempt has ended: completed, rejected or lost."""
        if sequence in self._doomed:
            sequence.output_tokens = self._doomed.pop(sequence)
            if sequence.outcome is Outcome.COMPLETED:
                sequence.outcome = Outcome.FAILED
                sequence.first_token_at_s = None
        if sequence.left:  # what follows was settled when the client went
            if sequence.outcome is Outcome.COMPLETED:
                sequence.outcome = Outcome.TIMED_OUT
            self.record(sequence)
            return
        if sequence.outcome is Outcome.COMPLETED and (sequence.finished_at_s or 0.0) > self.env.now:
            self._miss(sequence)
        if sequence.outcome is Outcome.COMPLETED:
            settled = not self.goes_on(sequence)
        else:
            settled = not self._tries_again(sequence)
        self.record(sequence)
        if settled:
            self.settle(sequence)

    def _miss(self, sequence: Sequence) -> None:
        """Let *sequence*, whose tokens are still on their way, time out if they come too late.

        The engine has done with it, so that no deadline will look at it any more.
        """
        manners, from_s = self.manners, sequence.queued_at_s
        for law, purpose, come_at_s in (
            (manners.ttft_patience, 1, sequence.first_token_at_s),
            (manners.patience, 0, sequence.finished_at_s),
        ):
            assert come_at_s is not None
            if law is None:
                continue
            until_s = from_s + self._drawn(law, sequence, purpose)
            if until_s <= come_at_s:
                sequence.outcome = Outcome.TIMED_OUT
                sequence.finished_at_s = max(until_s, self.env.now)
                sequence.left = True
                return

    def _has_begun(self, sequence: Sequence) -> bool:
        """Whether the first token has come; a step's is known when the step begins."""
        first_s = sequence.first_token_at_s
        return first_s is not None and first_s < self.env.now

    def _give_up(self, sequence: Sequence) -> None:
        """The client of *sequence* has waited long enough."""
        sequence.left = True
        settled = not self._tries_again(sequence, Outcome.TIMED_OUT)
        if sequence in self._between:
            self._hang_up(sequence)
        elif self.manners.cancels:
            self.pool.abort(sequence, Outcome.TIMED_OUT)
        if settled:
            self.settle(sequence)

    def _hang_up(self, sequence: Sequence) -> None:
        """Nobody waits any more for what the API answers; it is not billed."""
        del self._between[sequence]
        sequence.outcome = Outcome.TIMED_OUT
        sequence.finished_at_s = self.env.now
        sequence.first_token_at_s = None
        self.record(sequence)

    def _tries_again(self, lost: Sequence, outcome: Outcome | None = None) -> bool:
        """Arrange what follows *lost*, another attempt or a hosted answer; say whether any."""
        outcome = lost.outcome if outcome is None else outcome
        manners = self.manners
        if (
            lost.attempt < manners.retries
            and outcome in manners.retried_on
            and (self.budget is None or self.budget.spend())
        ):
            wait_s = manners.backoff(lost.attempt, self.draws.uniform(lost.number, lost.attempt, 3))
            if outcome is Outcome.REJECTED and manners.retry_after_s is not None:
                wait_s = manners.retry_after_s
            again = self._another(lost)
            known_at_s = lost.finished_at_s or 0.0  # its client may learn later that it is lost
            wait_s += max(0.0, known_at_s - self.env.now)
            Timeout(self.env, wait_s).callbacks.append(lambda _: self._retry(again))
            return True
        if self.hosted is not None and outcome in self.hosted.on:
            self._overflow(self._another(lost))
            return True
        return False

    def _another(self, lost: Sequence) -> Sequence:
        lost.superseded = True
        again = Sequence(
            lost.route,
            lost.number,
            lost.arrived_at_s,
            lost.input_tokens,
            self._doomed.get(lost, lost.output_tokens),
            lost.prefix,
            lost.priority,
            lost.attempt + 1,
            lost.turn,
            lost.leg,
        )
        self._between[again] = None
        return again

    def _retry(self, again: Sequence) -> None:
        del self._between[again]
        self._send(again)

    def _overflow(self, sequence: Sequence) -> None:
        assert self.hosted is not None
        self._between[sequence] = None
        sequence.queued_at_s = self.env.now
        sequence.replica = HOSTED_REPLICA
        sequence.first_token_at_s = self.hosted.first_token_at_s(sequence)
        self._be_patient(sequence)
        wait_s = self.hosted.answer_s(sequence)
        Timeout(self.env, wait_s).callbacks.append(lambda _: self._answered(sequence))

    def _answered(self, sequence: Sequence) -> None:
        assert self.hosted is not None
        if sequence.left:
            return
        del self._between[sequence]
        self.hosted.answer(sequence)
        self.record(sequence)
        self.settle(sequence)

    def close(self) -> list[Sequence]:
        """The run is over: return the attempts that were still to be made or answered elsewhere.

        Those that were to fail ask for all their tokens again; whoever has them may record them.
        """
        for sequence, output_tokens in self._doomed.items():
            sequence.output_tokens = output_tokens
        for sequence in self._between:
            sequence.first_token_at_s = None  # it is not known what of an answer has come
        waiting = self.deferral.close() if self.deferral is not None else []
        return [*self._between, *waiting]
