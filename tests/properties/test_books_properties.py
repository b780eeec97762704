"""Books of engines that crash and hang, and whose clients leave.

Every second is charged or lost, once, and none passes while an engine hangs.
"""

from __future__ import annotations

import random

import pytest
import simpy

from sim.fleet.limits import QueueLimits
from sim.fleet.node import Node
from sim.fleet.pool import Pool
from sim.fleet.router import LeastLoaded
from sim.fleet.seat import Seat
from sim.ledger.conservation import check_replica
from sim.ledger.metering import Meter, RouteMeter
from sim.ledger.records import Ledger
from sim.serving.batcher import Batcher
from sim.serving.kvcache import KVCache
from sim.serving.replica import Replica
from sim.serving.sequence import Outcome, Sequence
from sim.serving.waiting import Queue
from tests.oracle.duel import Ask, Setup
from tests.oracle.workloads import workload

REPLICAS = 2


class Fleet:
    """Two engines of one kind behind a router, and what has left them."""

    def __init__(self, setup: Setup) -> None:
        self.env = simpy.Environment()
        self.left: list[Sequence] = []
        queue = Queue()
        self.router = LeastLoaded()
        limits = QueueLimits(None)
        self.pool = Pool(self.env, "main", self.router, queue=queue, limits=limits)
        self.pool.on_done = self.left.append
        self.replicas = [
            self.pool.replica(
                index,
                Batcher(
                    setup.timing, KVCache(setup.blocks, setup.block_tokens, caching=setup.caching),
                    max_num_seqs=setup.max_num_seqs,
                    max_num_batched_tokens=setup.max_num_batched_tokens,
                    async_scheduling=setup.asynchronous, reserve_full_input=setup.reserve,
                    queue=queue,
                ),
            )
            for index in range(REPLICAS)
        ]  # fmt: skip
        node = Node(0, "a", REPLICAS, spot=False, slow=1.0, cause="start")
        for replica in self.replicas:
            self.pool.route(Seat(replica, node, 0, "start"))

    def client(self, number: int, ask: Ask):
        sequence = Sequence(
            0, number, ask.arrival, ask.prompt, ask.output, ask.prefix or None, ask.priority
        )
        yield self.env.timeout(ask.arrival)
        self.pool.submit(sequence)
        if ask.abort_after is not None:
            yield self.env.timeout(ask.abort_after)
            if sequence.finished_at_s is None:
                self.pool.abort(sequence, Outcome.TIMED_OUT)

    def crash(self, index: int, at_s: float):
        yield self.env.timeout(at_s)
        self.replicas[index].crash()

    def stall(self, index: int, at_s: float, seconds: float):
        yield self.env.timeout(at_s)
        self.replicas[index].stall(seconds)


@pytest.mark.parametrize("chunk", range(10))
def test_every_second_is_charged_or_lost(chunk: int) -> None:
    for seed in range(15 * chunk, 15 * (chunk + 1)):
        draw = random.Random(seed)
        setup, asks = workload(draw)
        fleet = Fleet(setup)
        for number, ask in enumerate(asks):
            fleet.env.process(fleet.client(number, ask))
        for _ in range(draw.randint(0, 4)):
            fleet.env.process(fleet.crash(draw.randrange(REPLICAS), draw.uniform(0.0, 3.0)))
        for _ in range(draw.choice((0, 0, 1, 5))):
            at_s, seconds = draw.uniform(0.0, 3.0), draw.choice((0.01, 0.3, 2.0))
            fleet.env.process(fleet.stall(draw.randrange(REPLICAS), at_s, seconds))
        fleet.env.run()
        check(fleet, len(asks), f"seed {seed}")


def check(fleet: Fleet, asked: int, seed: str) -> None:
    meter = Meter([RouteMeter("chat")], 1e6)
    ledger = Ledger(meter.read)
    for sequence in fleet.left:
        ledger.add(sequence)
        times = (sequence.first_token_at_s, sequence.finished_at_s)
        assert times[1] is not None, seed
        assert sequence.generated <= sequence.output_tokens, seed
        assert (sequence.generated > 0) == (times[0] is not None), (seed, sequence)
    ledger.flush()
    assert sorted(s.number for s in fleet.left) == list(range(asked)), seed  # each leaves once
    for replica in fleet.replicas:
        engine = replica.batcher
        check_replica(seed, engine.busy_s, meter.charged_on(replica.index), engine.lost_s)
        engine.cache.check()
        assert engine.cache.free == engine.cache.blocks, seed
        assert (engine.busy, len(engine.running)) == (False, 0), seed
    assert fleet.pool.queue.length == 0, seed
    assert fleet.router.loads.of == [0] * REPLICAS, seed


# -- hanging --------------------------------------------------------------------------------------


def alone(setup: Setup, asks: list[Ask], stall: tuple[float, float] | None, crash_s: float | None):
    """All that is asked at time 0 of one engine that hangs, and perhaps dies, at such times."""
    env = simpy.Environment()
    core = Batcher(
        setup.timing, KVCache(setup.blocks, setup.block_tokens, caching=setup.caching),
        max_num_seqs=setup.max_num_seqs, max_num_batched_tokens=setup.max_num_batched_tokens,
        async_scheduling=setup.asynchronous, reserve_full_input=setup.reserve,
    )  # fmt: skip
    replica = Replica(env, 0, core, lambda sequence: None)
    sequences = [
        Sequence(0, n, 0.0, a.prompt, a.output, a.prefix or None, a.priority)
        for n, a in enumerate(asks)
    ]
    for sequence in sequences:
        replica.submit(sequence)
    if stall is not None:
        env.run(until=stall[0])
        replica.stall(stall[1])
    if crash_s is not None:
        env.run(until=crash_s)
        replica.crash()
    env.run()
    return sequences, core


@pytest.mark.parametrize("chunk", range(4))
def test_a_stall_moves_what_comes_after_it_and_nothing_else(chunk: int) -> None:
    for seed in range(25 * chunk, 25 * (chunk + 1)):
        draw = random.Random(seed)
        setup, asks = workload(draw)
        plain, core = alone(setup, asks, None, None)
        end_s = max((s.finished_at_s or 0.0 for s in plain), default=0.0)
        if not end_s:
            continue
        at_s = draw.uniform(0.0, 0.95) * end_s
        hung, other = alone(setup, asks, (at_s, 100.0), None)
        assert other.busy_s == pytest.approx(core.busy_s, rel=1e-9), seed
        assert other.used_block_s == pytest.approx(core.used_block_s, rel=1e-9), seed
        moved = []
        for before, after in zip(plain, hung, strict=True):
            assert (before.generated, before.outcome) == (after.generated, after.outcome), seed
            for name in ("first_token_at_s", "finished_at_s"):
                was_s, is_s = getattr(before, name), getattr(after, name)
                if was_s is not None:
                    moved.append((was_s, round(is_s - was_s, 6)))
        moved.sort()
        shifts = [shift for _, shift in moved]
        assert set(shifts) <= {0.0, 100.0}, (seed, shifts)
        assert shifts == sorted(shifts), seed  # once it hangs, all that follows is late
        assert all(shift == 0.0 for was_s, shift in moved if was_s < at_s), seed


@pytest.mark.parametrize("chunk", range(4))
def test_who_dies_while_it_hangs_dies_with_what_it_had_when_that_began(chunk: int) -> None:
    for seed in range(25 * chunk, 25 * (chunk + 1)):
        draw = random.Random(seed)
        setup, asks = workload(draw)
        plain, _ = alone(setup, asks, None, None)
        end_s = max((s.finished_at_s or 0.0 for s in plain), default=0.0)
        if not end_s:
            continue
        at_s = draw.uniform(0.0, 0.95) * end_s
        whole, _ = alone(setup, asks, (at_s, 1e6), None)
        hung, core = alone(setup, asks, (at_s, 1e6), 1000.0 + end_s)
        for intact, lost in zip(whole, hung, strict=True):
            reached = [
                at_s is not None and at_s < 1e5
                for at_s in (intact.first_token_at_s, intact.finished_at_s)
            ]
            assert (lost.first_token_at_s is not None) is reached[0], (seed, lost)
            assert (lost.generated > 0) is reached[0], (seed, lost)
            if intact.outcome is Outcome.COMPLETED:
                assert (lost.outcome is Outcome.COMPLETED) is reached[1], (seed, lost)
        charged_s = sum(s.charged_s for s in hung)
        check_replica(f"seed {seed}", core.busy_s, charged_s, core.lost_s)
        assert core.busy_s < end_s + 1e-6, seed
