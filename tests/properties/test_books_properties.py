"""Books of engines that crash and whose clients leave: every second is charged or lost, once."""

from __future__ import annotations

import random

import pytest
import simpy

from sim.fleet.pool import Pool
from sim.fleet.router import LeastLoaded
from sim.ledger.conservation import check_replica
from sim.ledger.metering import Meter, RouteMeter
from sim.ledger.records import Ledger
from sim.serving.batcher import Batcher
from sim.serving.kvcache import KVCache
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
        engines = [
            Batcher(
                setup.timing, KVCache(setup.blocks, setup.block_tokens, caching=setup.caching),
                max_num_seqs=setup.max_num_seqs,
                max_num_batched_tokens=setup.max_num_batched_tokens,
                async_scheduling=setup.asynchronous, reserve_full_input=setup.reserve, queue=queue,
            )
            for _ in range(REPLICAS)
        ]  # fmt: skip
        self.router = LeastLoaded(REPLICAS)
        self.pool = Pool(self.env, "main", engines, self.router, queue=queue)
        self.pool.on_done = self.left.append

    def client(self, number: int, ask: Ask):
        sequence = Sequence(
            0, number, ask.arrival, ask.prompt, ask.output, ask.prefix or None, ask.priority
        )
        yield self.env.timeout(ask.arrival)
        self.pool.submit(sequence)
        if ask.abort_after is not None:
            yield self.env.timeout(ask.abort_after)
            if sequence.finished_at_s is None:
                self.pool.replicas[sequence.replica].abort(sequence, Outcome.TIMED_OUT)

    def crash(self, index: int, at_s: float):
        yield self.env.timeout(at_s)
        self.pool.replicas[index].crash()


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
    for replica in fleet.pool.replicas:
        engine = replica.batcher
        check_replica(seed, engine.busy_s, meter.charged_on(replica.index), engine.lost_s)
        engine.cache.check()
        assert engine.cache.free == engine.cache.blocks, seed
        assert (engine.busy, len(engine.running)) == (False, 0), seed
    assert fleet.pool.queue.length == 0, seed
    assert fleet.router.loads.of == [0] * REPLICAS, seed
