"""Replicas with steps of 1 s, blocks of 4 tokens and, unless said otherwise, one slot."""

from dataclasses import fields

import pytest
import simpy

from sim.fleet.pool import MOST_REASONS, Pool, PoolMeter
from sim.fleet.router import RoundRobin, Router
from sim.serving.sequence import Outcome, Prefix, Sequence
from sim.serving.waiting import Queue
from tests.unit.engines import ask, batcher


class Scribe:
    """A round robin that writes down what it is told."""

    def __init__(self, replicas: int) -> None:
        self.inner = RoundRobin(replicas)
        self.log: list[tuple[str, object]] = []

    def pick(self, prefix: Prefix | None) -> int:
        self.log.append(("pick", prefix))
        return self.inner.pick(prefix)

    def left(self, replica: int) -> None:
        self.log.append(("left", replica))


class Fixture:
    def __init__(
        self,
        replicas: int = 1,
        queue_limit: int | None = None,
        router: Router | None = None,
        blocks: int = 1000,
        slots: int = 1,
    ) -> None:
        self.env = simpy.Environment()
        self.done: list[Sequence] = []
        queue = Queue()
        engines = [batcher(blocks, slots=slots, queue=queue) for _ in range(replicas)]
        self.pool = Pool(
            self.env, "main", engines, router or RoundRobin(replicas),
            queue=queue, queue_limit=queue_limit, first_index=10,
        )  # fmt: skip
        self.pool.on_done = self.done.append

    def send(self, *asks: Sequence) -> list[Sequence]:
        for sequence in asks:
            self.env.run(until=self.env.timeout(sequence.arrived_at_s - self.env.now))
            self.pool.submit(sequence)
        return list(asks)

    def outcomes(self) -> dict[int, str]:
        self.env.run()
        return {s.number: s.outcome.name.lower() for s in self.done}


def test_replicas_are_numbered_over_all_pools() -> None:
    of = Fixture(replicas=2)
    asks = of.send(*(ask(n, 0.0, 4, 1) for n in range(3)))
    of.env.run()
    assert [s.replica for s in asks] == [10, 11, 10]
    assert [s.finished_at_s for s in asks] == [1.0, 1.0, 2.0]


def test_the_router_sees_the_prefix_and_hears_of_every_end() -> None:
    scribe = Scribe(2)
    of = Fixture(replicas=2, router=scribe)
    head = (("head", 4),)
    of.send(ask(0, 0.0, 8, 3, head), ask(1, 0.0, 8, 1))
    of.env.run()
    assert scribe.log == [("pick", head), ("pick", None), ("left", 1), ("left", 0)]


def test_what_never_fits_is_rejected_with_the_reason() -> None:
    scribe = Scribe(1)
    of = Fixture(blocks=4, router=scribe)
    (sequence,) = of.send(ask(0, 5.0, 10, 8))
    assert of.done == [sequence]  # at once
    assert (sequence.outcome, sequence.finished_at_s) == (Outcome.REJECTED, 5.0)
    assert (sequence.replica, sequence.charged_s) == (-1, 0.0)
    assert scribe.log[-1] == ("left", 0)
    ((reason, count),) = of.pool.refused.items()
    assert "need 5 KV blocks" in reason
    assert count == 1


def test_reasons_are_told_apart_up_to_a_bound() -> None:
    """They may name a request's own lengths, and a run may reject millions."""
    of = Fixture(blocks=4)
    of.send(*(ask(n, 0.0, 17 + n % 120, 1) for n in range(240)))
    assert len(of.done) == 240
    assert len(of.pool.refused) == MOST_REASONS
    assert set(of.pool.refused.values()) == {2}


def test_beyond_the_queue_limit_is_rejected() -> None:
    """One runs, two may wait."""
    of = Fixture(queue_limit=2)
    of.send(*(ask(n, at_s, 4, 9) for n, at_s in enumerate((0.0, 0.5, 0.6, 0.7, 1.5, 9.5))))
    assert of.outcomes() == dict.fromkeys((0, 1, 2, 5), "completed") | dict.fromkeys(
        (3, 4), "rejected"
    )
    assert of.pool.refused == {"queue limit": 2}


def test_a_limit_of_0_rejects_only_who_would_wait() -> None:
    of = Fixture(queue_limit=0, slots=2)
    of.send(*(ask(n, 0.0, 4, 3) for n in range(3)), ask(3, 2.0, 4, 1), ask(4, 3.5, 4, 1))
    found = of.outcomes()
    assert [n for n, outcome in found.items() if outcome == "rejected"] == [2, 3]


def test_the_limit_counts_the_whole_pool_but_a_free_replica_takes_more() -> None:
    """Two wait at the first, which is the limit; the second is free, then full."""
    of = Fixture(replicas=2, queue_limit=2, router=Fixed([0, 0, 0, 0, 1, 1]))
    of.send(*(ask(n, 0.1 * n, 4, 9) for n in range(6)))
    found = of.outcomes()
    assert [n for n, outcome in found.items() if outcome == "rejected"] == [3, 5]


class Fixed(Scribe):
    """Picks as it was told."""

    def __init__(self, picks: list[int]) -> None:
        super().__init__(1)
        self.picks = picks

    def pick(self, prefix: Prefix | None) -> int:
        return self.picks.pop(0)


def test_without_a_limit_all_wait() -> None:
    of = Fixture()
    of.send(*(ask(n, 0.0, 4, 1) for n in range(50)))
    assert set(of.outcomes().values()) == {"completed"}
    assert of.done[-1].finished_at_s == 50.0


def test_levels_of_the_pool() -> None:
    """Two replicas: one runs 4 s with two blocks, then three; the other 1 s, with one."""
    of = Fixture(replicas=2, blocks=10)
    of.send(ask(0, 0.0, 8, 4), ask(1, 0.0, 4, 1))
    seen = []
    for at_s in (0.5, 2.5, 9.0):
        of.env.run(until=at_s)
        seen.append((of.pool.running(), of.pool.busy_s(), of.pool.kv_used_block_s()))
    assert seen == [(2, 1.0, 1.5), (1, 3.5, 1.0 + 2.0 + 1.5 * 3), (0, 5.0, 3.0 + 3 * 3)]


def test_the_share_of_blocks_in_use() -> None:
    of = Fixture(replicas=2, blocks=10)
    assert of.pool.kv_used_share() == 0.0
    of.send(ask(0, 0.0, 16, 4), ask(1, 0.0, 4, 4))
    of.env.run(until=0.5)
    assert of.pool.kv_used_share() == pytest.approx(5 / 20)
    of.env.run()
    assert of.pool.kv_used_share() == 0.0


def test_a_window_cuts_what_it_cuts() -> None:
    """Busy from 0 to 5 s, from 1 s on with three blocks; the window is [2, 4], two replicas."""
    of = Fixture(replicas=2, blocks=10)
    of.send(ask(0, 0.0, 8, 5))
    meter = PoolMeter(of.pool)
    of.env.run(until=2.0)
    meter.open()
    of.env.run(until=4.0)
    found = meter.close(2.0, 3, nodes=3, unplaced_gpus=6)
    levels = {field.name: getattr(found, field.name) for field in fields(found)}
    assert levels.pop("paid_by_interval").tolist() == [2.0, 2.0, 2.0]
    assert levels == {
        "paid_s": 4.0, "busy_s": 2.0, "idle_s": 2.0, "starting_s": 0.0, "draining_s": 0.0,
        "failed_s": 0.0, "node_s": 6.0, "unplaced_gpu_s": 12.0, "kv_used_block_s": 6.0,
        "kv_block_s": 40.0,
    }  # fmt: skip


def test_who_finds_a_slot_at_the_next_boundary_is_not_in_the_queue() -> None:
    """Two slots, one taken: one comer takes the other, one waits, one is too many."""
    of = Fixture(slots=2, queue_limit=1)
    of.send(ask(0, 0.0, 4, 9), *(ask(n, 1.5, 4, 2) for n in (1, 2, 3)))
    assert of.outcomes() == {3: "rejected", 1: "completed", 2: "completed", 0: "completed"}
