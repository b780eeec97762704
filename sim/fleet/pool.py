"""Pool: the replicas of one model on one kind of node, behind one router. In simulated time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import simpy

from sim.fleet.dead import DeadReplica
from sim.fleet.limits import QueueLimits
from sim.fleet.router import Router
from sim.fleet.seat import Seat
from sim.serving.batcher import Batcher
from sim.serving.replica import Replica
from sim.serving.sequence import Outcome, Sequence
from sim.serving.waiting import Queue

NO_REPLICA = "no replica"
QUEUE_LIMIT = "queue limit"
OTHER = "other"
MOST_REASONS = 100
"""Reasons for rejections that are told apart; a reason may name a request's own lengths."""


class Pool:
    """Sends requests to its replicas, as many as are routed to just now.

    `on_done` gets every sequence that was submitted, when it has ended, rejections at once.
    *queue* counts who waits in the pool; *limits* say how many may. *holds*: requests that find
    no replica wait for one, else they are rejected; `on_missed` is told of both. `on_empty` is
    told when a draining replica holds nothing more.
    """

    def __init__(
        self,
        env: simpy.Environment,
        name: str,
        router: Router,
        *,
        queue: Queue,
        limits: QueueLimits,
        holds: bool = False,
        hangs: bool = False,
    ) -> None:
        self.env = env
        self.name = name
        self.router = router
        self.queue = queue
        self.limits = limits
        self.holds = holds
        self.hangs = hangs
        self.on_done: Callable[[Sequence], None] = lambda sequence: None
        self.on_missed: Callable[[], None] = lambda: None
        self.on_empty: Callable[[Seat], None] = lambda seat: None
        self.refused: Counter[str] = Counter()
        self.held: dict[Sequence, None] = {}  # in order of arrival
        self.retired: list[tuple[int, float, float]] = []  # index, busy and lost seconds
        self.preemptions = 0  # of engines that have stopped
        self._engines: dict[int, Replica] = {}  # by index, routed to or draining; dead ones are not
        self._draining: dict[int, Seat] = {}
        self._slots: dict[int, int] = {}  # by index, routed to
        self._targets: list[Replica | DeadReplica] = []  # by slot
        self._open = 0

    # -- requests --------------------------------------------------------------------------------

    def submit(self, sequence: Sequence) -> None:
        """Send *sequence* to a replica, or reject it. O(1) with the routers that are O(1)."""
        if not self._open:
            self._without_replica(sequence)
            return
        slot = self.router.pick(sequence.prefix, sequence.turn)
        target = self._targets[slot]
        limits = self.limits
        if limits.any and self._is_full(target.batcher, limits.of(sequence.priority)):
            reason: str | None = QUEUE_LIMIT
        else:
            reason = target.submit(sequence)
        if reason is not None:
            self.router.left(slot)
            self._reject(sequence, reason)

    def abort(self, sequence: Sequence, outcome: Outcome) -> None:
        """The client of *sequence* has gone: it leaves at the next boundary."""
        if sequence in self.held:
            del self.held[sequence]
            self.queue.length -= 1
            sequence.outcome = outcome
            sequence.finished_at_s = self.env.now
            self.on_done(sequence)
            return
        slot = self._slots.get(sequence.replica)
        target = self._engines[sequence.replica] if slot is None else self._targets[slot]
        target.abort(sequence, outcome)

    def _is_full(self, batcher: Batcher | None, limit: int | None) -> bool:
        """Would a request have to wait on *batcher*, behind *limit* others of the pool?"""
        if batcher is None or not self._has_waiting(limit):
            return False
        return batcher.would_wait()

    def _has_waiting(self, limit: int | None) -> bool:
        """Do *limit* requests wait, those apart that only wait for the next boundary?"""
        if limit is None or self.queue.length < limit:
            return False
        entering = sum(engine.batcher.about_to_enter() for engine in self._engines.values())
        return self.queue.length - entering >= limit

    def _without_replica(self, sequence: Sequence) -> None:
        limit = self.limits.of(sequence.priority)
        if not self.holds:
            self._reject(sequence, NO_REPLICA)
        elif self._has_waiting(limit):
            self._reject(sequence, QUEUE_LIMIT)
        else:
            self.held[sequence] = None
            self.queue.length += 1
        self.on_missed()

    def _reject(self, sequence: Sequence, reason: str) -> None:
        sequence.outcome = Outcome.REJECTED
        sequence.finished_at_s = self.env.now
        known = reason in self.refused or len(self.refused) < MOST_REASONS
        self.refused[reason if known else OTHER] += 1
        self.on_done(sequence)

    def _done(self, sequence: Sequence) -> None:
        slot = self._slots.get(sequence.replica)
        if slot is not None:
            self.router.left(slot)
        elif (seat := self._draining.get(sequence.replica)) is not None and not seat.held:
            del self._draining[sequence.replica]
            self.on_empty(seat)
        self.on_done(sequence)

    # -- replicas --------------------------------------------------------------------------------

    def replica(self, index: int, batcher: Batcher) -> Replica:
        """Return a new replica, whose sequences come back to this pool."""
        return Replica(self.env, index, batcher, self._done)

    def route(self, seat: Seat) -> None:
        """Send requests to *seat* from now on, first those that were held."""
        seat.slot = slot = self.router.open()
        if slot == len(self._targets):
            self._targets.append(seat.replica)
        self._targets[slot] = seat.replica
        self._slots[seat.index] = slot
        self._engines[seat.index] = seat.replica
        self._open += 1
        held, self.held = self.held, {}
        self.queue.length -= len(held)
        for sequence in held:
            sent_at_s = sequence.queued_at_s
            self.submit(sequence)
            sequence.queued_at_s = sent_at_s

    def unroute(self, seat: Seat) -> None:
        """Send nothing to *seat* any more; what hangs there fails."""
        if seat.slot is None:
            return
        slot, seat.slot = seat.slot, None
        target = self._targets[slot]
        self._targets[slot] = seat.replica
        self.router.close(slot)
        del self._slots[seat.index]
        self._open -= 1
        if isinstance(target, DeadReplica):
            target.give_up()

    def drain(self, seat: Seat) -> None:
        """Send nothing to *seat* any more, and tell when it holds nothing."""
        self.unroute(seat)
        self._draining[seat.index] = seat

    def bury(self, seat: Seat) -> None:
        """*seat* has died: what it holds fails, and so does what is still sent there."""
        if seat.slot is not None:
            self._targets[seat.slot] = DeadReplica(
                self.env, seat.index, self._done, hangs=self.hangs
            )
        self._stop(seat)

    def lose(self, seat: Seat) -> None:
        """*seat* stops at once: what it holds fails."""
        self.unroute(seat)
        self._draining.pop(seat.index, None)
        self._stop(seat)

    def _stop(self, seat: Seat) -> None:
        self._engines.pop(seat.index, None)
        seat.replica.crash()
        self.preemptions += seat.replica.batcher.preemptions
        seat.replica.batcher.preemptions = 0

    def retire(self, seat: Seat) -> None:
        """*seat* is gone; keep what the books need of it."""
        batcher = seat.replica.batcher
        self.retired.append((seat.index, batcher.busy_s, batcher.lost_s))

    @property
    def unanswered(self) -> list[Sequence]:
        """Sequences that no engine has: held, or sent to a replica that is dead."""
        dead = [target for target in self._targets if isinstance(target, DeadReplica)]
        return [*self.held, *(sequence for target in dead for sequence in target.hung)]

    # -- reading, ends nothing -------------------------------------------------------------------

    @property
    def routed(self) -> int:
        """Replicas that requests are sent to, unnoticed dead ones among them."""
        return self._open

    @property
    def engines(self) -> list[Replica]:
        """Replicas that work, draining ones among them."""
        return list(self._engines.values())

    @property
    def is_empty(self) -> bool:
        """Whether nothing waits, runs or hangs in the pool."""
        running = any(engine.batcher.running for engine in self._engines.values())
        return not running and not self.queue.length and not self.unanswered

    def running(self) -> int:
        """Sequences in a batch."""
        return sum(len(engine.batcher.running) for engine in self._engines.values())

    def all_preemptions(self) -> int:
        """Preemptions of all replicas so far, of those that are gone too."""
        return self.preemptions + sum(e.batcher.preemptions for e in self._engines.values())

    def kv_used_share(self) -> float:
        """Share of KV blocks in use, now; 0 without a replica."""
        caches = [engine.batcher.cache for engine in self._engines.values()]
        blocks = sum(cache.blocks for cache in caches)
        return 1.0 - sum(cache.free for cache in caches) / blocks if blocks else 0.0

    def oldest_wait_s(self) -> float:
        """How long the request that has waited longest waits, 0 if none does. O(replicas)."""
        since_s = [next(iter(self.held)).queued_at_s] if self.held else []
        for engine in self._engines.values():
            batcher = engine.batcher
            head = batcher.waiting.head() if batcher.waiting.count else None
            if head is not None:
                since_s.append(head.queued_at_s)
            elif batcher.coming:
                since_s.append(batcher.coming[0].queued_at_s)
        return self.env.now - min(since_s, default=self.env.now)
