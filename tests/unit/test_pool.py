"""The replicas behind one router (`sim.fleet.pool`); steps of 1 s, blocks of 4 tokens, one slot."""

from __future__ import annotations

from typing import Any

import pytest

from sim.fleet.pool import MOST_REASONS, NO_REPLICA, QUEUE_LIMIT
from sim.fleet.router import LeastLoaded, RoundRobin
from sim.serving.sequence import Outcome, Prefix, Sequence
from sim.serving.turn import Turn
from tests.unit.engines import ask
from tests.unit.fleets import Fleet


class Scribe(RoundRobin):
    """A round robin that writes down what it is told."""

    def __init__(self) -> None:
        super().__init__()
        self.log: list[tuple[str, object]] = []

    def pick(self, prefix: Prefix | None, turn: Turn | None = None) -> int:
        self.log.append(("pick", prefix))
        return super().pick(prefix, turn)

    def left(self, slot: int) -> None:
        self.log.append(("left", slot))


class Told(RoundRobin):
    """Picks as it was told."""

    def __init__(self, picks: list[int]) -> None:
        super().__init__()
        self.picks = picks

    def pick(self, prefix: Prefix | None, turn: Turn | None = None) -> int:
        return self.picks.pop(0)


def fleet(replicas: int = 1, **changes: Any) -> Fleet:
    return Fleet(replicas, router=changes.pop("router", RoundRobin()), **changes)


def outcomes(of: Fleet) -> dict[int, str]:
    of.env.run()
    return {s.number: s.outcome.name.lower() for s in of.done}


# -- requests -------------------------------------------------------------------------------------


def test_requests_go_to_the_replicas_in_turn() -> None:
    of = fleet(2)
    asks = of.send(*(ask(n, 0.0, 4, 1) for n in range(3)))
    of.env.run()
    assert [s.replica for s in asks] == [0, 1, 0]
    assert [s.finished_at_s for s in asks] == pytest.approx([1.0, 1.0, 2.0], abs=1e-4)


def test_the_router_sees_the_prefix_and_hears_of_every_end() -> None:
    scribe = Scribe()
    of = fleet(2, router=scribe)
    head = (("head", 4),)
    of.send(ask(0, 0.0, 8, 3, head), ask(1, 0.0, 8, 1))
    of.env.run()
    assert scribe.log == [("pick", head), ("pick", None), ("left", 1), ("left", 0)]


def test_what_never_fits_is_rejected_with_the_reason() -> None:
    scribe = Scribe()
    of = fleet(engine={"blocks": 4}, router=scribe)
    (sequence,) = of.send(ask(0, 5.0, 10, 8))
    assert of.done == [sequence]  # at once
    assert of.ends() == [(0, "rejected", 5.0)]
    assert (sequence.replica, sequence.charged_s) == (-1, 0.0)
    assert scribe.log[-1] == ("left", 0)
    ((reason, count),) = of.pool.refused.items()
    assert "need 5 KV blocks" in reason
    assert count == 1


def test_reasons_are_told_apart_up_to_a_bound() -> None:
    """They may name a request's own lengths, and a run may reject millions."""
    of = fleet(engine={"blocks": 4})
    of.send(*(ask(n, 0.0, 17 + n % 120, 1) for n in range(240)))
    assert len(of.done) == 240
    assert sum(of.pool.refused.values()) == 240
    assert of.pool.refused.pop("other") == 2 * (120 - MOST_REASONS)
    assert len(of.pool.refused) == MOST_REASONS


# -- limits ---------------------------------------------------------------------------------------


def test_beyond_the_queue_limit_is_rejected() -> None:
    """One runs, two may wait."""
    of = fleet(limits=2)
    of.send(*(ask(n, at_s, 4, 9) for n, at_s in enumerate((0.0, 0.5, 0.6, 0.7, 1.5, 9.5))))
    assert outcomes(of) == dict.fromkeys((0, 1, 2, 5), "completed") | dict.fromkeys(
        (3, 4), "rejected"
    )
    assert of.pool.refused == {QUEUE_LIMIT: 2}


def test_a_limit_of_0_rejects_only_who_would_wait() -> None:
    of = fleet(limits=0, engine={"slots": 2})
    of.send(*(ask(n, 0.0, 4, 3) for n in range(3)), ask(3, 2.0, 4, 1), ask(4, 3.5, 4, 1))
    assert [n for n, outcome in outcomes(of).items() if outcome == "rejected"] == [2, 3]


def test_the_limit_counts_the_whole_pool_but_a_free_replica_takes_more() -> None:
    """Two wait at the first, which is the limit; the second is free, then full."""
    of = fleet(2, limits=2, router=Told([0, 0, 0, 0, 1, 1]))
    of.send(*(ask(n, 0.1 * n, 4, 9) for n in range(6)))
    assert [n for n, outcome in outcomes(of).items() if outcome == "rejected"] == [3, 5]


def test_who_finds_a_slot_at_the_next_boundary_is_not_in_the_queue() -> None:
    """Two slots, one taken: one comer takes the other, one waits, one is too many."""
    of = fleet(limits=1, engine={"slots": 2})
    of.send(ask(0, 0.0, 4, 9), *(ask(n, 1.5, 4, 2) for n in (1, 2, 3)))
    assert outcomes(of) == {3: "rejected", 1: "completed", 2: "completed", 0: "completed"}


def test_what_matters_less_is_turned_away_sooner() -> None:
    """One runs. Of priority 1 one may wait, of priority 0 three."""
    of = fleet(limits={0: 3, 1: 1})
    priorities = (0, 1, 1, 0, 0, 0)
    of.send(*(ask(n, 0.1 * n, 4, 9, priority=p) for n, p in enumerate(priorities)))
    assert [n for n, outcome in outcomes(of).items() if outcome == "rejected"] == [2, 5]


def test_without_a_limit_all_wait() -> None:
    of = fleet()
    of.send(*(ask(n, 0.0, 4, 1) for n in range(50)))
    assert set(outcomes(of).values()) == {"completed"}
    assert of.ends()[-1][2] == 50.0


# -- without a replica ----------------------------------------------------------------------------


def test_without_a_replica_requests_are_rejected() -> None:
    of = fleet(0)
    missed: list[float] = []
    of.pool.on_missed = lambda: missed.append(of.env.now)
    of.send(ask(0, 1.0, 4, 1))
    assert of.ends() == [(0, "rejected", 1.0)]
    assert of.pool.refused == {NO_REPLICA: 1}
    assert missed == pytest.approx([1.0], abs=1e-4)


def test_a_pool_that_holds_them_sends_them_on_in_their_order() -> None:
    """The first waits from 1 s on for the replica that is ready at 5 s, the second behind it."""
    of = fleet(0, holds=True)
    missed: list[float] = []
    of.pool.on_missed = lambda: missed.append(of.env.now)
    asks = of.send(ask(0, 1.0, 4, 2), ask(1, 2.0, 4, 2))
    assert (of.pool.queue.length, of.pool.unanswered, len(missed)) == (2, asks, 2)
    of.until(4.0)
    assert of.pool.oldest_wait_s() == pytest.approx(3.0, abs=1e-4)
    assert not of.pool.is_empty
    of.until(5.0)
    of.keeper.want(1, "somebody waits")
    of.until(20.0)
    assert of.ends() == [(0, "completed", 7.0), (1, "completed", 9.0)]
    assert [near_s(s) for s in asks] == [1.0, 2.0]  # when they were sent
    assert of.pool.is_empty


def near_s(sequence: Sequence) -> float:
    return round(sequence.queued_at_s, 3)


def test_who_is_held_may_leave() -> None:
    of = fleet(0, holds=True)
    one, _ = of.send(ask(0, 1.0, 4, 2), ask(1, 2.0, 4, 2))
    of.until(3.0)
    of.pool.abort(one, Outcome.TIMED_OUT)
    assert of.ends() == [(0, "timed_out", 3.0)]
    assert of.pool.queue.length == 1
    of.keeper.want(1, "somebody waits")
    of.until(20.0)
    assert of.ends()[1:] == [(1, "completed", 5.0)]


def test_no_more_are_held_than_may_wait() -> None:
    of = fleet(0, holds=True, limits=1)
    of.send(ask(0, 1.0, 4, 1), ask(1, 2.0, 4, 1))
    assert of.ends() == [(1, "rejected", 2.0)]
    assert of.pool.refused == {QUEUE_LIMIT: 1}


def test_who_waits_on_one_that_drains_is_of_the_queue_too() -> None:
    of = fleet(1, holds=True, limits=2)
    of.send(ask(0, 0.0, 4, 9), ask(1, 0.0, 4, 9))
    of.until(1.0)
    of.pool.drain(of.seat(0))
    of.send(ask(2, 1.0, 4, 1), ask(3, 1.5, 4, 1))
    assert of.ends() == [(3, "rejected", 1.5)]
    assert of.pool.refused == {QUEUE_LIMIT: 1}


# -- replicas that come and go --------------------------------------------------------------------


def test_one_that_is_ready_gets_its_share() -> None:
    of = Fleet(1)
    of.send(ask(0, 0.0, 4, 9), ask(1, 0.0, 4, 9))
    of.keeper.want(2, "more")
    of.until(1.0)
    assert [s.replica for s in of.send(ask(2, 1.0, 4, 1), ask(3, 1.0, 4, 1))] == [1, 1]


def test_one_that_drains_gets_nothing_and_tells_when_it_is_empty() -> None:
    of = fleet(2)
    emptied: list[tuple[float, int]] = []
    of.pool.on_empty = lambda seat: emptied.append((round(of.env.now, 3), seat.index))
    of.send(ask(0, 0.0, 4, 3), ask(1, 0.0, 4, 4), ask(2, 0.0, 4, 1), ask(3, 0.0, 4, 1))
    of.pool.drain(of.seat(1))
    assert of.pool.routed == 1
    assert [engine.index for engine in of.pool.engines] == [0, 1]
    of.until(20.0)
    assert emptied == [(5.0, 1)]  # 4 s for the one, 1 s for the other
    assert {s.number: s.replica for s in of.done} == {0: 0, 1: 1, 2: 0, 3: 1}


def test_a_dead_one_fails_what_it_held_and_what_is_still_sent_to_it() -> None:
    of = fleet(2)
    of.send(ask(0, 0.0, 4, 9), ask(1, 0.0, 4, 9))
    of.until(2.0)
    of.keeper.fail(of.seat(0))
    assert of.ends() == [(0, "failed", 2.0)]
    of.send(ask(2, 3.0, 4, 1), ask(3, 3.0, 4, 1))
    assert of.ends()[1:] == [(2, "failed", 3.0)]
    assert [engine.index for engine in of.pool.engines] == [1]
    assert of.pool.routed == 2


def test_a_dead_one_may_hang_until_its_death_is_noticed() -> None:
    of = fleet(1, hangs=True)
    of.keeper.fail(of.seat(0))
    one, other = of.send(ask(0, 1.0, 4, 1), ask(1, 2.0, 4, 1))
    assert of.pool.unanswered == [one, other]
    assert not of.pool.is_empty
    of.until(3.0)
    of.pool.abort(other, Outcome.TIMED_OUT)
    of.until(4.0)
    of.pool.unroute(of.seat(0))
    assert of.ends() == [(1, "timed_out", 3.0), (0, "failed", 4.0)]
    assert of.pool.unanswered == []
    assert of.pool.routed == 0


def test_loads_of_one_that_hangs_are_loads() -> None:
    """The least loaded of a dead one, on which two hang, and of one that answers."""
    router = LeastLoaded()
    of = fleet(2, hangs=True, router=router)
    of.keeper.fail(of.seat(0))
    asks = of.send(*(ask(n, 1.0, 4, 9) for n in range(4)))
    assert [s.replica for s in asks] == [0, 1, 0, 1]
    assert router.loads.of == [2, 2]
    of.pool.abort(asks[0], Outcome.TIMED_OUT)
    assert router.loads.of == [1, 2]


def test_slots_of_those_that_went_are_used_again() -> None:
    of = fleet(3)
    of.keeper.kill(of.seat(1))
    of.keeper.reconcile("scale")
    of.until(1.0)
    assert [seat.slot for seat in of.keeper.seats] == [0, 2, 1]
    asks = of.send(*(ask(n, 2.0, 4, 1) for n in range(3)))
    assert [s.replica for s in asks] == [0, 3, 2]


def test_an_attempt_on_one_that_drains_can_be_aborted() -> None:
    of = fleet(2)
    one = of.send(ask(0, 0.0, 4, 9))[0]
    of.keeper.stop(of.seat(0), 60.0)
    of.until(2.5)
    of.pool.abort(one, Outcome.TIMED_OUT)
    of.until(9.0)
    assert of.ends() == [(0, "timed_out", 3.0)]
    assert 0 not in of.states()


# -- reading --------------------------------------------------------------------------------------


def test_levels_of_the_pool() -> None:
    """One runs and one waits on the first, one runs on the second."""
    of = fleet(2, router=Told([0, 0, 1]), engine={"blocks": 10})
    of.send(ask(0, 0.0, 16, 4), ask(1, 0.0, 4, 1), ask(2, 0.0, 4, 4))
    of.until(0.5)
    assert (of.pool.running(), of.pool.queue.length, of.pool.is_empty) == (2, 1, False)
    assert of.pool.kv_used_share() == pytest.approx(5 / 20)
    assert of.pool.oldest_wait_s() == pytest.approx(0.5, abs=1e-4)
    of.env.run()
    assert (of.pool.running(), of.pool.queue.length, of.pool.is_empty) == (0, 0, True)
    assert (of.pool.kv_used_share(), of.pool.oldest_wait_s()) == (0.0, 0.0)


def test_who_waits_longest_may_not_be_seen_yet() -> None:
    of = fleet(1)
    of.send(ask(0, 0.0, 4, 9), ask(1, 0.25, 4, 1), ask(2, 0.5, 4, 1))
    of.until(0.75)
    assert of.pool.oldest_wait_s() == pytest.approx(0.5, abs=1e-4)
    of.until(3.75)
    assert of.pool.oldest_wait_s() == pytest.approx(3.5, abs=1e-4)


def test_a_pool_without_replicas_uses_nothing() -> None:
    of = fleet(0)
    assert (of.pool.kv_used_share(), of.pool.running(), of.pool.is_empty) == (0.0, 0, True)


def test_preemptions_are_counted_on_after_an_engine_has_stopped() -> None:
    """Two answers of 8 + 12 tokens in a cache for 6 blocks: one has to go for the other."""
    of = fleet(1, engine={"blocks": 6, "slots": 2})
    of.send(ask(0, 0.0, 8, 12), ask(1, 0.0, 8, 12))
    of.until(9.0)
    found = of.pool.all_preemptions()
    assert found == 1
    of.keeper.fail(of.seat(0))
    assert of.pool.all_preemptions() == 1
    of.keeper.restart(of.seat(0))
    of.until(10.0)
    assert of.pool.all_preemptions() == 1
    of.keeper.kill(of.seat(0))
    assert of.pool.all_preemptions() == 1


def test_of_those_that_went_their_busy_and_lost_seconds_are_kept() -> None:
    """Three steps of 1 s, and a half that was lost."""
    of = fleet(1)
    of.send(ask(0, 0.0, 4, 9))
    of.until(3.5)
    of.keeper.kill(of.seat(0))
    ((index, busy_s, lost_s),) = of.pool.retired
    assert index == 0
    assert (busy_s, lost_s) == pytest.approx((3.5, 0.5), abs=1e-4)
