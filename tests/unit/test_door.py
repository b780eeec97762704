"""How the clients of one route behave (`sim.fleet.door`).

One replica with one slot and steps of 1 s, so an answer of n tokens takes n seconds.
"""

from __future__ import annotations

from typing import Any

import pytest

from sim.fleet.deferral import Deferral
from sim.fleet.door import UNLIMITED, Door, Manners
from sim.fleet.hosted import Hosted
from sim.laws.fixed import Fixed
from sim.ledger.records import HOSTED_REPLICA
from sim.serving.sequence import Outcome, Sequence
from sim.streams import Keyed
from tests.unit.engines import ask
from tests.unit.fleets import Fleet, as_laws, near

ALL = frozenset({Outcome.REJECTED, Outcome.TIMED_OUT, Outcome.FAILED})


class Entrance:
    """A door before a pool: `recorded` are attempts in the order of their end, `settled` are
    requests, with the time."""

    def __init__(
        self,
        *,
        fleet: dict[str, Any] | None = None,
        api: dict[str, Any] | None = None,
        deferral: float | None = None,
        **manners: Any,
    ) -> None:
        self.of = of = Fleet(**(fleet or {}))
        self.recorded: list[Sequence] = []
        self.settled: list[tuple[float, int]] = []
        usual = {"backoff": lambda attempt, u: 2.0 * (attempt + 1), "retried_on": ALL}
        hosted = None
        if api is not None:
            plain = {"ttft": Fixed(3.0), "tpot": Fixed(0.5), "on": frozenset(), "draws": Keyed(9)}
            hosted = Hosted(**{**plain, "on_no_replica": False, **api})
        self.door = Door(
            of.env, of.pool, Manners(**{**usual, **as_laws(manners, Manners)}), Keyed(4),
            submit=of.pool.submit, record=self.recorded.append, settle=self._settle,
            hosted=hosted,
            deferral=None if deferral is None else Deferral(of.env, of.pool, 1.0, deferral),
        )  # fmt: skip
        of.pool.on_done = self.door.ended

    def _settle(self, sequence: Sequence) -> None:
        self.settled.append((round(self.of.env.now, 4), sequence.number))

    def arrive(self, *asks: Sequence) -> list[Sequence]:
        for sequence in asks:
            self.of.until(sequence.arrived_at_s)
            self.door.arrive(sequence)
        return list(asks)

    def tries(self, number: int = 0) -> list[tuple[int, str, float | None, bool]]:
        """(attempt, outcome, end, whether another follows) of a request, in the order of ends."""
        return [
            (s.attempt, s.outcome.name.lower(), near(s.finished_at_s), s.superseded)
            for s in self.recorded
            if s.number == number
        ]


# -- patience -------------------------------------------------------------------------------------


def test_who_is_served_in_time_is_settled_once() -> None:
    at = Entrance(patience=10.0)
    at.arrive(ask(0, 1.0, 4, 3))
    at.of.until(30.0)
    assert at.tries() == [(0, "completed", 4.0, False)]
    assert at.settled == [(pytest.approx(4.0, abs=1e-3), 0)]


def test_who_waits_too_long_goes_and_the_engine_stops() -> None:
    """Gone at 3.5 s, which the engine sees at the end of its step."""
    at = Entrance(patience=3.5)
    at.arrive(ask(0, 0.0, 4, 9), ask(1, 1.0, 4, 2))
    at.of.until(30.0)
    assert at.tries(0) == [(0, "timed_out", 4.0, False)]
    assert at.tries(1) == [(0, "timed_out", 5.0, False)]  # gone at 4.5, one step done
    assert at.settled == [(3.5, 0), (pytest.approx(4.5, abs=1e-3), 1)]


def test_an_answer_that_comes_in_the_instant_of_the_deadline_is_too_late() -> None:
    at = Entrance(patience=3.0)
    (one,) = at.arrive(ask(0, 0.0, 4, 3))
    at.of.until(30.0)
    assert at.tries() == [(0, "timed_out", 3.0, False)]
    assert one.generated == 2


def test_one_that_nobody_cancels_is_computed_to_the_end_for_nobody() -> None:
    at = Entrance(patience=3.5, cancels=False)
    (one,) = at.arrive(ask(0, 0.0, 4, 9))
    at.of.until(30.0)
    assert at.settled == [(3.5, 0)]
    assert at.tries() == [(0, "timed_out", 9.0, False)]
    assert (one.left, one.generated) == (True, 9)


def test_who_waits_for_a_replica_may_go() -> None:
    at = Entrance(fleet={"wanted": 0, "holds": True}, patience=3.5)
    at.arrive(ask(0, 0.0, 4, 9))
    at.of.until(30.0)
    assert at.tries() == [(0, "timed_out", 3.5, False)]
    assert at.of.pool.queue.length == 0


def test_the_first_token_ends_the_wait_for_it() -> None:
    """The first has it after 1 s, the second, behind it, after 5 s."""
    at = Entrance(ttft_patience=2.5)
    at.arrive(ask(0, 0.0, 4, 4), ask(1, 0.0, 4, 4))
    at.of.until(30.0)
    assert at.tries(0) == [(0, "completed", 4.0, False)]
    assert at.tries(1) == [(0, "timed_out", 3.0, False)]


def test_a_first_token_has_not_come_before_its_step_is_over() -> None:
    """A prefill of 2 s, whose end is known when it begins, for who waits no longer than 1.5."""
    at = Entrance(ttft_patience=1.5, fleet={"node": {"slow_share": 1.0, "slow_factor": 2.0}})
    (one,) = at.arrive(ask(0, 0.0, 4, 4))
    at.of.until(30.0)
    assert at.tries() == [(0, "timed_out", 2.0, False)]
    assert one.first_token_at_s is None


@pytest.mark.parametrize("answer", [1, 4])
def test_a_first_token_that_comes_in_the_instant_of_the_deadline_is_too_late(answer: int) -> None:
    """Whether or not its step was booked before it had ended."""
    at = Entrance(ttft_patience=1.0)
    (one,) = at.arrive(ask(0, 0.0, 4, answer))
    at.of.until(30.0)
    assert at.tries() == [(0, "timed_out", 1.0, False)]
    assert (one.generated, one.first_token_at_s) == (0, None)


# -- retries --------------------------------------------------------------------------------------


def test_who_is_turned_away_comes_again_a_little_later() -> None:
    """No queue, one slot for 5 s: refused at 1, 3 and 7 s... there is room at 7."""
    at = Entrance(fleet={"limits": 0}, retries=2)
    at.arrive(ask(0, 0.0, 4, 5), ask(1, 1.0, 4, 2))
    at.of.until(30.0)
    assert at.tries(1) == [
        (0, "rejected", 1.0, True), (1, "rejected", 3.0, True), (2, "completed", 9.0, False),
    ]  # fmt: skip
    assert [s.arrived_at_s for s in at.recorded if s.number == 1] == [1.0] * 3
    assert [near(s.queued_at_s) for s in at.recorded if s.number == 1] == [1.0, 3.0, 7.0]
    assert [number for _, number in at.settled] == [0, 1]


def test_after_the_last_retry_it_is_settled_as_it_ended() -> None:
    at = Entrance(fleet={"wanted": 0}, retries=2)
    at.arrive(ask(0, 1.0, 4, 5))
    at.of.until(30.0)
    assert at.tries() == [
        (0, "rejected", 1.0, True), (1, "rejected", 3.0, True), (2, "rejected", 7.0, False),
    ]  # fmt: skip
    assert at.settled == [(pytest.approx(7.0, abs=1e-3), 0)]


def test_only_what_it_is_told_to_is_tried_again() -> None:
    at = Entrance(fleet={"wanted": 0}, retries=2, retried_on=frozenset({Outcome.FAILED}))
    at.arrive(ask(0, 1.0, 4, 5))
    at.of.until(30.0)
    assert at.tries() == [(0, "rejected", 1.0, False)]


def test_a_rejection_may_say_how_long_to_wait() -> None:
    at = Entrance(fleet={"wanted": 0}, retries=1, retry_after_s=11.0)
    at.arrive(ask(0, 1.0, 4, 5))
    at.of.until(30.0)
    assert [end for _, _, end, _ in at.tries()] == [1.0, 12.0]


def test_the_retry_of_one_that_gave_up_does_not_wait_for_the_engine() -> None:
    """Gone at 3.5 s, there again at 5.5 s and gone at 9 s; the engine drops it at 9.5 s."""
    at = Entrance(patience=3.5, retries=1)
    at.arrive(ask(0, 0.0, 4, 9))
    at.of.until(30.0)
    assert at.tries() == [(0, "timed_out", 4.0, True), (1, "timed_out", 9.5, False)]
    assert at.settled == [(pytest.approx(9.0, abs=1e-3), 0)]
    assert at.recorded[1].cached_input == 0  # a prompt of 4 tokens, of which the last counts not


def test_an_attempt_that_nobody_cancelled_runs_beside_its_retry() -> None:
    at = Entrance(patience=3.5, retries=1, cancels=False, fleet={"engine": {"slots": 2}})
    at.arrive(ask(0, 0.0, 4, 7))
    at.of.until(30.0)
    assert at.tries() == [(0, "timed_out", 7.0, True), (1, "timed_out", 13.0, False)]
    assert at.settled == [(pytest.approx(9.0, abs=1e-3), 0)]


def test_what_a_crash_took_is_asked_for_again() -> None:
    at = Entrance(retries=2, fleet={"wanted": 2})
    at.arrive(ask(0, 0.0, 4, 9))
    at.of.until(3.0)
    at.of.keeper.kill(at.of.seat(0))
    at.of.until(30.0)
    assert at.tries() == [(0, "failed", 3.0, True), (1, "completed", 14.0, False)]


def test_retries_without_end() -> None:
    at = Entrance(fleet={"wanted": 0}, retries=UNLIMITED, backoff=lambda attempt, u: 1.0)
    at.arrive(ask(0, 0.0, 4, 5))
    at.of.until(99.5)
    assert len(at.recorded) == 100
    assert at.settled == []


def test_a_budget_bounds_the_retries_of_all() -> None:
    """Ten to begin with, and half of a retry for each request."""
    at = Entrance(fleet={"wanted": 0}, retries=5, budget_ratio=0.5)
    at.arrive(*(ask(n, 100.0 * n, 4, 5) for n in range(10)))
    at.of.until(2000.0)
    assert len(at.recorded) == 10 + 10 + 4  # what the first earned was more than is saved up
    assert len(at.settled) == 10


def test_waits_are_drawn_for_each_attempt() -> None:
    """Whatever happened to others."""
    found = []
    for before in (0, 3):
        at = Entrance(fleet={"wanted": 0}, retries=3, backoff=lambda attempt, u: 1.0 + u)
        at.arrive(*(ask(n, 0.0, 4, 5) for n in range(50, 50 + before)), ask(7, 5.0, 4, 5))
        at.of.until(100.0)
        found.append([end for _, _, end, _ in at.tries(7)])
    assert found[0] == found[1]
    gaps = [b - a for a, b in zip(found[0], found[0][1:], strict=False)]
    assert len(set(gaps)) == 3


# -- errors ---------------------------------------------------------------------------------------


def test_an_attempt_may_fail_at_the_end_of_its_prefill() -> None:
    at = Entrance(errors=1.0, retries=1)
    one = at.arrive(ask(0, 0.0, 4, 9))[0]
    at.of.until(30.0)
    assert at.tries() == [(0, "failed", 1.0, True), (1, "failed", 4.0, False)]
    assert (one.output_tokens, one.generated, one.first_token_at_s) == (9, 1, None)
    assert at.recorded[1].output_tokens == 9


def test_a_share_of_the_attempts_fails() -> None:
    """Of 400, 100 give or take 4 sigma (35)."""
    at = Entrance(errors=0.25, fleet={"engine": {"slots": 8}})
    at.arrive(*(ask(n, 2.0 * n, 4, 1) for n in range(400)))
    at.of.until(900.0)
    failed = sum(s.outcome is Outcome.FAILED for s in at.recorded)
    assert abs(failed - 100) < 35
    assert len(at.settled) == len(at.recorded) == 400


# -- tokens that are on their way -----------------------------------------------------------------

LATE = {"first_token_s": 2.0}
"""Tokens reach the client 2 s after the engine has made them."""


@pytest.mark.parametrize(
    ("said", "outcome", "end_s"),
    [
        ({"patience": 5.5}, "completed", 5.0),
        ({"patience": 5.0}, "timed_out", 5.0),
        ({"patience": 4.0}, "timed_out", 4.0),
        ({"patience": 2.5}, "timed_out", 3.0),
        ({"ttft_patience": 3.5}, "completed", 5.0),
        ({"ttft_patience": 3.0}, "timed_out", 3.0),
    ],
)
def test_a_last_token_after_the_deadline_is_too_late_wherever_it_is(
    said: dict[str, float], outcome: str, end_s: float
) -> None:
    """Three steps of a second; who goes during one leaves at its end."""
    at = Entrance(fleet=LATE, **said)
    at.arrive(ask(0, 0.0, 4, 3))
    at.of.until(30.0)
    ((_, ended, at_s, _),) = at.tries()
    assert (ended, at_s) == (outcome, end_s)
    assert len(at.settled) == 1


def test_the_retry_of_a_token_that_is_too_late_begins_at_the_deadline() -> None:
    """Given up at 4 s; the next is asked 2 s later, at 6."""
    at = Entrance(fleet=LATE, patience=4.0, retries=1)
    at.arrive(ask(0, 0.0, 4, 3))
    at.of.until(30.0)
    assert at.tries() == [(0, "timed_out", 4.0, True), (1, "timed_out", 10.0, False)]


# -- overflow -------------------------------------------------------------------------------------


def test_what_is_rejected_goes_to_the_api() -> None:
    """Its first token comes after 3 s, the other two after half a second each."""
    at = Entrance(fleet={"limits": 0}, api={"on": frozenset({Outcome.REJECTED})})
    at.arrive(ask(0, 0.0, 4, 9), ask(1, 1.0, 4, 3))
    at.of.until(30.0)
    assert at.tries(1) == [(0, "rejected", 1.0, True), (1, "completed", 5.0, False)]
    assert at.recorded[1].replica == HOSTED_REPLICA
    assert near(at.recorded[1].first_token_at_s) == 4.0
    assert at.settled[0] == (pytest.approx(5.0, abs=1e-3), 1)


def test_retries_come_before_the_api() -> None:
    at = Entrance(fleet={"limits": 0}, retries=1, api={"on": frozenset({Outcome.REJECTED})})
    at.arrive(ask(0, 0.0, 4, 9), ask(1, 1.0, 4, 3))
    at.of.until(30.0)
    assert at.tries(1) == [
        (0, "rejected", 1.0, True), (1, "rejected", 3.0, True), (2, "completed", 7.0, False),
    ]  # fmt: skip


def test_who_finds_no_replica_goes_to_the_api_and_a_replica_is_asked_for() -> None:
    at = Entrance(fleet={"wanted": 0, "holds": True}, api={"on_no_replica": True})
    missed: list[float] = []
    at.of.pool.on_missed = lambda: missed.append(at.of.env.now)
    at.arrive(ask(0, 1.0, 4, 3))
    at.of.until(30.0)
    assert at.tries() == [(0, "completed", 5.0, False)]
    assert missed == pytest.approx([1.0], abs=1e-3)
    assert at.of.pool.refused == {}


@pytest.mark.parametrize("cancels", [True, False])
def test_patience_is_for_the_api_too(cancels: bool) -> None:
    """Its first token would come at 4 s, its last at 5."""
    api = {"on_no_replica": True}
    for said in ({"patience": 3.5}, {"ttft_patience": 2.0}):
        at = Entrance(fleet={"wanted": 0}, api=api, cancels=cancels, **said)
        at.arrive(ask(0, 1.0, 4, 3))
        at.of.until(30.0)
        (gone_s,) = (1.0 + wait_s for wait_s in said.values())
        assert at.tries() == [(0, "timed_out", gone_s, False)]
        assert at.recorded[0].first_token_at_s is None
        assert at.settled == [(gone_s, 0)]
        assert at.door.close() == []


def test_an_answer_of_the_api_in_time_is_settled_once() -> None:
    at = Entrance(fleet={"wanted": 0}, api={"on_no_replica": True}, patience=4.5, ttft_patience=3.5)
    at.arrive(ask(0, 1.0, 4, 3))
    at.of.until(30.0)
    assert at.tries() == [(0, "completed", 5.0, False)]
    assert len(at.settled) == 1


def test_who_gave_the_api_up_may_come_again() -> None:
    at = Entrance(fleet={"wanted": 0}, api={"on_no_replica": True}, patience=3.5, retries=1)
    at.arrive(ask(0, 1.0, 4, 3))
    at.of.until(30.0)
    assert at.tries() == [(0, "timed_out", 4.5, True), (1, "timed_out", 10.0, False)]


# -- deferral and the end -------------------------------------------------------------------------


def test_batch_work_waits_before_its_patience_begins() -> None:
    """One slot; the second gets it at the look at 10 s, and 3.5 s for its answer."""
    at = Entrance(deferral=1000.0, patience=9.5)
    at.arrive(ask(0, 0.0, 4, 9), ask(1, 0.0, 4, 9))
    at.of.until(60.0)
    assert at.tries(1) == [(0, "completed", 19.0, False)]
    assert near(at.recorded[1].queued_at_s) == 10.0


def test_at_the_end_those_are_told_who_are_nowhere_else() -> None:
    """One waits at the door, one will come again, one is with the API; none has an answer."""
    at = Entrance(deferral=1000.0)
    at.arrive(ask(0, 0.0, 4, 99), ask(1, 0.0, 4, 9))
    assert [s.number for s in at.door.close()] == [1]
    at = Entrance(fleet={"wanted": 0}, retries=1)
    at.arrive(ask(2, 0.0, 4, 9))
    assert [(s.number, s.attempt) for s in at.door.close()] == [(2, 1)]
    at = Entrance(fleet={"wanted": 0}, api={"on_no_replica": True})
    at.arrive(ask(3, 0.0, 4, 9))
    (one,) = at.door.close()
    assert (one.number, one.replica, one.outcome) == (3, HOSTED_REPLICA, Outcome.IN_FLIGHT)
    assert (one.generated, one.first_token_at_s, one.finished_at_s) == (0, None, None)


def test_at_the_end_those_that_were_to_fail_have_their_lengths_again() -> None:
    at = Entrance(errors=1.0)
    (one,) = at.arrive(ask(0, 0.0, 4, 9))
    assert one.output_tokens == 1
    assert at.door.close() == []
    assert one.output_tokens == 9
