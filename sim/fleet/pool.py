"""Pool: the replicas of one model on one kind of node, behind one router. In simulated time."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import simpy

from sim.fleet.router import Router
from sim.ledger.usage import PoolUsage
from sim.serving.batcher import Batcher
from sim.serving.levels import busy_until_s, used_block_s_until
from sim.serving.replica import Replica
from sim.serving.sequence import Outcome, Sequence
from sim.serving.waiting import Queue

MOST_REASONS = 100
"""Reasons for rejections that are told apart; a reason may name a request's own lengths."""

ROUNDING = 1e-9
"""By how much sums of step lengths may pass the clock's own difference."""


class Pool:
    """A fixed set of replicas, all paid and ready for the whole run.

    `on_done` gets every sequence that was submitted, when it has ended, rejections at once.
    *first_index* numbers the replicas uniquely over all pools. *queue* counts who waits in the
    pool; beyond *queue_limit* of them a request that would have to wait is rejected.
    """

    def __init__(
        self,
        env: simpy.Environment,
        name: str,
        batchers: list[Batcher],
        router: Router,
        *,
        queue: Queue,
        queue_limit: int | None = None,
        first_index: int = 0,
    ) -> None:
        self.env = env
        self.name = name
        self.router = router
        self.on_done: Callable[[Sequence], None] = lambda sequence: None
        self.queue = queue
        self.queue_limit = queue_limit
        self.first_index = first_index
        self.refused: dict[str, int] = {}
        self.replicas = [
            Replica(env, first_index + i, batcher, self._done) for i, batcher in enumerate(batchers)
        ]

    def submit(self, sequence: Sequence) -> None:
        """Send *sequence* to a replica, or reject it. O(1) with the routers that are O(1)."""
        index = self.router.pick(sequence.prefix)
        replica = self.replicas[index]
        limit = self.queue_limit
        if limit is not None and self._is_full(replica.batcher, limit):
            reason: str | None = "queue limit"
        else:
            reason = replica.submit(sequence)
        if reason is not None:
            self.router.left(index)
            self._reject(sequence, reason)

    def _is_full(self, batcher: Batcher, limit: int) -> bool:
        """Would a request have to wait on *batcher*, behind *limit* others of the pool?"""
        if self.queue.length < limit or not batcher.would_wait():
            return False
        return self.queue.length - batcher.about_to_enter() >= limit

    def _reject(self, sequence: Sequence, reason: str) -> None:
        sequence.outcome = Outcome.REJECTED
        sequence.finished_at_s = self.env.now
        if reason in self.refused or len(self.refused) < MOST_REASONS:
            self.refused[reason] = self.refused.get(reason, 0) + 1
        self.on_done(sequence)

    def _done(self, sequence: Sequence) -> None:
        self.router.left(sequence.replica - self.first_index)
        self.on_done(sequence)

    # -- reading, ends nothing -------------------------------------------------------------------

    def busy_s(self) -> float:
        """Replica-seconds with a step running, up to now."""
        now_s = self.env.now
        return sum(busy_until_s(r.batcher, now_s) for r in self.replicas)

    def kv_used_block_s(self) -> float:
        """Integral of KV blocks in use over all replicas, up to now."""
        now_s = self.env.now
        return sum(used_block_s_until(r.batcher, now_s) for r in self.replicas)

    def running(self) -> int:
        """Sequences in a batch."""
        return sum(len(r.batcher.running) for r in self.replicas)

    def kv_used_share(self) -> float:
        """Share of KV blocks in use, now."""
        caches = [r.batcher.cache for r in self.replicas]
        return 1.0 - sum(c.free for c in caches) / sum(c.blocks for c in caches)


class PoolMeter:
    """Reads a pool's levels at the window's two ends."""

    def __init__(self, pool: Pool) -> None:
        self.pool = pool
        self._busy_s = self._kv_block_s = 0.0

    def open(self) -> None:
        """The window begins now."""
        self._busy_s, self._kv_block_s = self.pool.busy_s(), self.pool.kv_used_block_s()

    def close(self, window_s: float, intervals: int, nodes: int, unplaced_gpus: int) -> PoolUsage:
        """The window, *window_s* long, ends now: what its paid time was."""
        replicas = self.pool.replicas
        paid_s = window_s * len(replicas)
        busy_s = self.pool.busy_s() - self._busy_s
        if paid_s < busy_s <= paid_s * (1.0 + ROUNDING):
            busy_s = paid_s
        blocks = sum(r.batcher.cache.blocks for r in replicas)
        return PoolUsage(
            paid_s=paid_s,
            busy_s=busy_s,
            idle_s=paid_s - busy_s,
            node_s=window_s * nodes,
            unplaced_gpu_s=window_s * unplaced_gpus,
            kv_used_block_s=self.pool.kv_used_block_s() - self._kv_block_s,
            kv_block_s=window_s * blocks,
            paid_by_interval=np.full(intervals, float(len(replicas))),
        )
