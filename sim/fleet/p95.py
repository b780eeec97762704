"""P95: the autoscaler that keeps the 95th percentile of TPOT near a target. Kernel-free.

Theory. With r ready replicas and p the 95th percentile of TPOT, n replicas would have

    pred(n) = floor + (p - floor) (r/n)^1.5,   floor = TPOT of a request that is alone.

*Up* when p is above 1.1 targets in two looks running: to the least n with pred(n) <= target, at
most twice r; replicas that are starting count. *Down* by one when nothing starts, r has not changed
for 10 minutes, and pred(r - 1), from the 90th percentile of the p of that time, is at most 0.9
targets. TPOT cannot see a batch that is full, so a *guard* watches TTFT: when its 95th percentile,
or the age of the oldest waiting request, is above the guard, that too asks for more (by the same
law with floor 0) and forbids down. So nothing that finishes while work waits means up, never hold.

While the pool empties, at a pace that has it empty within the stable time, the guard holds: who
waits there is a backlog that is worked off. And where TPOT is content the batch is full before TPOT
can tell, so that for some hours the law does not go down to the r at which the guard fired.

A change of r voids what was measured: p counts from a window and a metric delay after it, when all
of it was measured with the new r.
"""

from __future__ import annotations

import math
from collections import deque

from sim.fleet.scaler import Decision, Observation
from sim.scenario.autoscaler import P95Scaler

LOAD_EXPONENT = 1.5
"""How TPOT above its floor grows with the load of a replica; tried on prototype days."""

LOOKS_TO_GO_UP = 2
"""Looks running that must ask for more."""

REMEMBERED_S = 6 * 3600.0
"""How long the law does not go down to a number of replicas at which the guard fired."""

QUANTILE_TO_GO_DOWN = 0.9
"""Quantile of p over the stable time that must allow one replica fewer."""

UP_TPOT = "p95 of TPOT above target"
UP_TTFT = "TTFT above its guard"
UP_STARVED = "nothing finishes while work waits"
DOWN = "one fewer keeps p95 of TPOT below target"
HOLD = "p95 of TPOT near target"
HOLD_VOID = "ready replicas changed a moment ago"
HOLD_ONCE = "asked for more once"
HOLD_STARTING = "enough replicas are starting"
HOLD_DRAINING = "a backlog is worked off"
HOLD_UNREADY = "no replica is ready"
AT_LEAST = "at the least replicas"
AT_MOST = "at the most replicas"


class P95:
    """The law above, through time, between *least* and *most* replicas; the last one stays.

    *target_tpot_s* and *guard_ttft_s* are the spec's, resolved; a guard of None watches only for
    work that waits a whole window while nothing finishes.
    """

    def __init__(
        self,
        spec: P95Scaler,
        *,
        target_tpot_s: float,
        guard_ttft_s: float | None,
        least: int,
        most: int,
    ) -> None:
        self.spec = spec
        self.target_tpot_s = target_tpot_s
        self.guard_ttft_s = guard_ttft_s
        self.least, self.most = least, most
        self._ready: int | None = None
        self._since_s = 0.0
        self._asked = 0
        self._seen: deque[tuple[float, float]] = deque()
        self._held: deque[tuple[float, int]] = deque()  # since r changed, of the last window
        self._too_few: dict[int, float] = {}  # replicas at which the guard fired, and when

    def decide(self, seen: Observation) -> Decision:
        """Return how many replicas are wanted from now on. O(looks within the stable time)."""
        if seen.ready != self._ready:
            self._ready, self._since_s, self._asked = seen.ready, seen.now_s, 0
            self._held.clear()
        self._held.append((seen.now_s, seen.held))
        while self._held[0][0] < seen.now_s - self.spec.window:
            self._held.popleft()
        wanted = min(max(seen.wanted, self.least), self.most)
        if wanted != seen.wanted:
            return Decision(wanted, AT_LEAST if wanted == self.least else AT_MOST)
        if seen.ready == 0:
            return Decision(wanted, HOLD_UNREADY)
        if seen.now_s - self._since_s < self.spec.window + self.spec.metric_delay:
            return Decision(wanted, HOLD_VOID)
        self._remember(seen)
        needed, reason = self._needed(seen)
        if reason in (UP_TTFT, UP_STARVED):
            if self._empties(seen):
                self._asked = 0
                return Decision(wanted, HOLD_DRAINING)
            if reason == UP_TTFT and not seen.starting:
                self._too_few[seen.ready] = seen.now_s
        if needed > seen.ready:
            self._asked += 1
            return self._up(wanted, needed, reason)
        self._asked = 0
        if self._may_go_down(seen):
            return Decision(wanted - 1, DOWN)
        return Decision(wanted, HOLD)

    def _empties(self, seen: Observation) -> bool:
        """Whether the pool will be empty within the stable time, at the pace of the last window."""
        at_s, held = self._held[0]
        pace_per_s = (held - seen.held) / max(seen.now_s - at_s, self.spec.every)
        return pace_per_s * self.spec.stable >= seen.held

    def _up(self, wanted: int, needed: int, reason: str) -> Decision:
        if self._asked < LOOKS_TO_GO_UP:
            return Decision(wanted, HOLD_ONCE)
        if needed <= wanted:
            return Decision(wanted, HOLD_STARTING)
        if wanted == self.most:
            return Decision(wanted, AT_MOST)
        return Decision(min(needed, self.most), reason)

    def _needed(self, seen: Observation) -> tuple[int, str]:
        """Return the replicas that latencies ask for, `ready` if none asks for more, and why."""
        needed, reason = seen.ready, HOLD
        p = seen.p95_tpot_s
        if p is not None and p > self.spec.up_above * self.target_tpot_s:
            needed = self._least_replicas(seen, p, seen.floor_tpot_s, self.target_tpot_s)
            reason = UP_TPOT
        if self.guard_ttft_s is None:
            if p is None and seen.oldest_wait_s >= self.spec.window:
                return self._most_at_once(seen.ready), UP_STARVED
            return needed, reason
        worst = max(seen.p95_ttft_s or 0.0, seen.oldest_wait_s)
        if worst > self.guard_ttft_s:
            guarded = self._least_replicas(seen, worst, 0.0, self.guard_ttft_s)
            if guarded > needed:
                return guarded, UP_TTFT if p is not None else UP_STARVED
        return needed, reason

    def _least_replicas(
        self, seen: Observation, measured_s: float, floor_s: float, target_s: float
    ) -> int:
        """Return the least n > ready with pred(n) <= target, or as many as go at once."""
        most = self._most_at_once(seen.ready)
        for n in range(seen.ready + 1, most):
            if _predicted_s(measured_s, floor_s, seen.ready / n) <= target_s:
                return n
        return most

    def _most_at_once(self, ready: int) -> int:
        return max(math.floor(self.spec.step * ready), ready + 1)

    def _remember(self, seen: Observation) -> None:
        """Note p; an empty pool is at its floor. One that holds work and finishes none is not.

        What was noted before a change is forgotten before the stable time after it has passed.
        """
        p = seen.p95_tpot_s
        if p is None and seen.held == 0:
            p = seen.floor_tpot_s
        if p is not None:
            self._seen.append((seen.now_s, p))
        while self._seen and self._seen[0][0] <= seen.now_s - self.spec.stable:
            self._seen.popleft()

    def _may_go_down(self, seen: Observation) -> bool:
        stable = seen.now_s - self._since_s >= self.spec.stable
        if seen.starting or not stable or seen.ready <= max(self.least, 1) or not self._seen:
            return False
        fired_s = self._too_few.get(seen.ready - 1, -math.inf)
        if seen.now_s - fired_s < REMEMBERED_S:
            return False
        ranked = sorted(p for _, p in self._seen)
        p = ranked[math.ceil(QUANTILE_TO_GO_DOWN * len(ranked)) - 1]
        predicted_s = _predicted_s(p, seen.floor_tpot_s, seen.ready / (seen.ready - 1))
        return predicted_s <= self.spec.down_below * self.target_tpot_s


def _predicted_s(measured_s: float, floor_s: float, load: float) -> float:
    """Return the latency when each replica has *load* times the work that it has now.

    >>> _predicted_s(0.05, 0.01, 0.25)
    0.015
    """
    return floor_s + max(measured_s - floor_s, 0.0) * float(load**LOAD_EXPONENT)
