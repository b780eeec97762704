"""Exact logs of one engine in simulated time; steps last 1 s, blocks hold 4 tokens."""

from collections.abc import Callable, Generator
from typing import Any

import pytest
import simpy

from sim.serving.batcher import Batcher
from sim.serving.levels import busy_until_s
from sim.serving.replica import Replica
from sim.serving.sequence import Outcome, Sequence
from tests.unit.engines import ask, batcher, timing

Log = list[tuple[float, int, str]]


@pytest.fixture
def env() -> simpy.Environment:
    return simpy.Environment()


@pytest.fixture
def log() -> Log:
    return []


def replica(env: simpy.Environment, log: Log, engine: Batcher | None = None) -> Replica:
    """Logs (when it was told, number, outcome)."""

    def done(sequence: Sequence) -> None:
        log.append((round(env.now, 5), sequence.number, sequence.outcome.name.lower()))

    return Replica(env, 3, engine if engine is not None else batcher(), done)


def at(env: simpy.Environment, at_s: float, act: Callable[[], object]) -> None:
    def wait() -> Generator[simpy.Event, Any, None]:
        yield env.timeout(at_s - env.now)
        act()

    env.process(wait())


def test_an_answer_is_told_when_it_is_complete(env: simpy.Environment, log: Log) -> None:
    of = replica(env, log)
    one = ask(0, 5.0, 4, 3)
    at(env, 5.0, lambda: of.submit(one))
    env.run()
    assert log == [(8.0, 0, "completed")]
    assert (one.queued_at_s, one.first_token_at_s, one.finished_at_s) == (5.0, 6.0, 8.0)
    assert one.replica == 3


def test_a_later_attempt_queues_when_it_comes(env: simpy.Environment, log: Log) -> None:
    of = replica(env, log)
    one = ask(0, 0.0, 4, 1)
    at(env, 5.0, lambda: of.submit(one))
    env.run()
    assert (one.arrived_at_s, one.queued_at_s, one.first_token_at_s) == (0.0, 5.0, 6.0)


def test_times_are_the_boundary_s_own_whatever_the_alarm_s(
    env: simpy.Environment, log: Log
) -> None:
    """The alarm rings a microsecond later; a thousand steps on, nothing of it is to be seen."""
    of = replica(env, log)
    asks = [ask(n, 0.0, 4, 100) for n in range(80)]
    for one in asks:
        of.submit(one)
    env.run()
    assert [one.finished_at_s for one in asks] == [100.0 * (1 + n // 8) for n in range(80)]
    assert env.now == pytest.approx(1000.0, abs=2e-6)


def test_what_came_at_a_boundary_is_in_the_next_step(env: simpy.Environment, log: Log) -> None:
    """Ten steps of 0.1 s end an unknown ulp off 1 s; who comes at 1 is there."""
    of = replica(env, log, batcher(of=timing(base_s=0.1)))
    one, two = ask(0, 0.0, 4, 20), ask(1, 1.0, 4, 1)
    of.submit(one)
    at(env, 1.0, lambda: of.submit(two))
    env.run()
    assert two.first_token_at_s == pytest.approx(1.1, abs=1e-9)


def test_all_that_comes_at_one_instant_starts_together(env: simpy.Environment, log: Log) -> None:
    of = replica(env, log)
    asks = [ask(n, 2.0, 4, n + 1) for n in range(3)]
    for one in asks:
        at(env, 2.0, lambda one=one: of.submit(one))
    env.run()
    assert log == [(3.0, 0, "completed"), (4.0, 1, "completed"), (5.0, 2, "completed")]


def test_an_arrival_ends_a_run_at_the_next_boundary(env: simpy.Environment, log: Log) -> None:
    of = replica(env, log)
    at(env, 0.0, lambda: of.submit(ask(0, 0.0, 4, 9)))
    at(env, 3.25, lambda: of.submit(ask(1, 3.25, 4, 1)))
    env.run()
    assert log == [(5.0, 1, "completed"), (9.0, 0, "completed")]


def test_events_do_not_grow_with_the_answer(env: simpy.Environment, log: Log) -> None:
    """A lone request: one alarm to start, at most two to its end."""
    of = replica(env, log)
    of.submit(ask(0, 0.0, 4, 3000))
    events = 0
    while env.peek() < float("inf"):
        env.step()
        events += 1
    assert log == [(3000.0, 0, "completed")]
    assert events <= 3


def test_refused_at_once(env: simpy.Environment, log: Log) -> None:
    of = replica(env, log, batcher(blocks=4))
    reason = of.submit(ask(0, 0.0, 10, 8))
    assert reason is not None
    assert "need 5 KV blocks" in reason
    assert (of.batcher.queue.length, of.batcher.busy) == (0, False)
    assert of.submit(ask(1, 0.0, 10, 7)) is None
    env.run()
    assert log == [(7.0, 1, "completed")]


def test_an_abort_takes_effect_at_the_next_boundary(env: simpy.Environment, log: Log) -> None:
    of = replica(env, log)
    one, two = ask(0, 0.0, 4, 9), ask(1, 0.0, 4, 5)
    for sequence in (one, two):
        of.submit(sequence)
    at(env, 2.5, lambda: of.abort(one, Outcome.TIMED_OUT))
    env.run()
    assert log == [(3.0, 0, "timed_out"), (5.0, 1, "completed")]
    assert (one.finished_at_s, one.generated) == (3.0, 2)


def test_an_abort_before_the_engine_saw_it(env: simpy.Environment, log: Log) -> None:
    of = replica(env, log)
    one = ask(0, 2.0, 4, 9)
    at(env, 2.0, lambda: (of.submit(one), of.abort(one)))
    env.run()
    assert log == [(2.0, 0, "cancelled")]
    assert (one.first_token_at_s, one.finished_at_s, of.batcher.busy_s) == (None, 2.0, 0.0)


def test_a_crash_tells_of_all_at_once_and_work_goes_on_after_it(
    env: simpy.Environment, log: Log
) -> None:
    of = replica(env, log, batcher(slots=1))
    for number in range(2):
        of.submit(ask(number, 0.0, 4, 9))
    at(env, 4.5, of.crash)
    at(env, 5.0, lambda: log.append((busy_until_s(of.batcher, env.now), -1, "busy until then")))
    at(env, 6.0, lambda: of.submit(ask(2, 6.0, 4, 2)))
    env.run()
    failed = [(4.5, 0, "failed"), (4.5, 1, "failed")]
    assert log == [*failed, (4.5, -1, "busy until then"), (8.0, 2, "completed")]
    assert of.batcher.busy_s == pytest.approx(6.5)


def test_who_is_told_may_submit_again(env: simpy.Environment, log: Log) -> None:
    """A closed loop of one user: three answers of 2 s, back to back."""
    told: list[float] = []

    def done(sequence: Sequence) -> None:
        assert sequence.finished_at_s is not None
        told.append(sequence.finished_at_s)
        if len(told) < 3:
            of.submit(ask(len(told), env.now, 4, 2))

    of = Replica(env, 0, batcher(), done)
    of.submit(ask(0, 0.0, 4, 2))
    env.run()
    assert told == pytest.approx([2.0, 4.0, 6.0], abs=1e-5)


# -- hanging --------------------------------------------------------------------------------------


def test_a_stall_begins_at_the_next_boundary(env: simpy.Environment, log: Log) -> None:
    """Told at 2.5 s to hang for 10 s: from 3 s on. Nothing is lost."""
    of = replica(env, log)
    one = ask(0, 0.0, 4, 6)
    at(env, 0.0, lambda: of.submit(one))
    at(env, 2.5, lambda: of.stall(10.0))
    env.run()
    assert log == [(16.0, 0, "completed")]
    assert (one.first_token_at_s, one.finished_at_s) == (1.0, 16.0)
    assert of.batcher.busy_s == one.charged_s == 6.0


def test_no_second_of_a_stall_is_busy(env: simpy.Environment, log: Log) -> None:
    of = replica(env, log)
    at(env, 0.0, lambda: of.submit(ask(0, 0.0, 4, 6)))
    at(env, 2.5, lambda: of.stall(10.0))
    seen = []
    for at_s in (2.5, 3.0, 8.0, 13.0, 14.5, 20.0):
        env.run(until=at_s + 1e-5)
        seen.append(busy_until_s(of.batcher, env.now))
    assert seen == pytest.approx([2.5, 3.0, 3.0, 3.0, 4.5, 6.0], abs=1e-4)


def test_an_idle_engine_hangs_before_its_next_start(env: simpy.Environment, log: Log) -> None:
    """As the first request of a new replica waits."""
    of = replica(env, log)
    of.stall(7.0)
    at(env, 20.0, lambda: of.submit(ask(0, 20.0, 4, 2)))
    at(env, 22.0, lambda: of.submit(ask(1, 22.0, 4, 2)))
    at(env, 50.0, lambda: of.submit(ask(2, 50.0, 4, 2)))
    env.run()
    assert log == [(29.0, 0, "completed"), (30.0, 1, "completed"), (52.0, 2, "completed")]


def test_stalls_add_up(env: simpy.Environment, log: Log) -> None:
    """Two before the boundary at 3 s, one more while it hangs."""
    of = replica(env, log)
    at(env, 0.0, lambda: of.submit(ask(0, 0.0, 4, 6)))
    for at_s, seconds in ((2.2, 5.0), (2.4, 5.0), (7.0, 20.0)):
        at(env, at_s, lambda seconds=seconds: of.stall(seconds))
    env.run()
    assert log == [(36.0, 0, "completed")]


def test_a_stall_that_finds_no_more_work_holds_up_who_comes_meanwhile(
    env: simpy.Environment, log: Log
) -> None:
    """The answer is there at 3 s; from then on it hangs to 13 s."""
    of = replica(env, log)
    at(env, 0.0, lambda: of.submit(ask(0, 0.0, 4, 3)))
    at(env, 2.5, lambda: of.stall(10.0))
    at(env, 5.0, lambda: of.submit(ask(1, 5.0, 4, 2)))
    at(env, 40.0, lambda: of.submit(ask(2, 40.0, 4, 2)))
    env.run()
    assert log == [(3.0, 0, "completed"), (15.0, 1, "completed"), (42.0, 2, "completed")]


def test_who_gives_up_on_an_engine_that_hangs_leaves_when_it_goes_on(
    env: simpy.Environment, log: Log
) -> None:
    of = replica(env, log)
    one = ask(0, 0.0, 4, 6)
    at(env, 0.0, lambda: of.submit(one))
    at(env, 2.5, lambda: of.stall(10.0))
    at(env, 6.0, lambda: of.abort(one, Outcome.TIMED_OUT))
    env.run()
    assert log == [(13.0, 0, "timed_out")]
    assert one.generated == 2  # that of the step before the stall reached nobody


@pytest.mark.parametrize("answer", [4, 99])
@pytest.mark.parametrize("with_lead", [True, False])
def test_a_crash_during_a_stall_takes_back_nothing_that_was_done(
    env: simpy.Environment, log: Log, answer: int, with_lead: bool
) -> None:
    """Two steps were done at 2 s; a second request, whose prefill would follow, changes nothing."""
    of = replica(env, log)
    one, other = ask(0, 0.0, 4, answer), ask(1, 1.5, 4, 3)
    at(env, 0.0, lambda: of.submit(one))
    at(env, 1.25, lambda: of.stall(10.0))
    if with_lead:
        at(env, 1.5, lambda: of.submit(other))
    at(env, 6.0, of.crash)
    env.run()
    assert (one.generated, one.computed, one.first_token_at_s) == (2, 5, 1.0)
    assert (other.generated, other.computed, other.first_token_at_s) == (0, 0, None)
    assert of.batcher.busy_s == 2.0
    charged_s = one.charged_s + other.charged_s
    assert charged_s + of.batcher.lost_s == pytest.approx(2.0)


def test_a_crash_ends_a_stall(env: simpy.Environment, log: Log) -> None:
    of = replica(env, log)
    of.stall(100.0)
    at(env, 1.0, of.crash)
    at(env, 2.0, lambda: of.submit(ask(0, 2.0, 4, 2)))
    env.run()
    assert log == [(4.0, 0, "completed")]
