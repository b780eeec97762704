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
