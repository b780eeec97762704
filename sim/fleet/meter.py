"""Meter: reads at the window's two ends what a pool's paid time was. In simulated time."""

from __future__ import annotations

import math

import numpy as np

from sim.fleet.keeper import Keeper
from sim.fleet.occupancy import Occupancy
from sim.fleet.provider import Provider
from sim.fleet.seat import PAID, State
from sim.fleet.standing import Standing
from sim.ledger.lease import seconds_at_least
from sim.ledger.level import Level
from sim.ledger.usage import INTERVAL_S, PoolUsage

ROUNDING = 1e-9
"""By how much sums of step lengths may pass the clock's own difference."""


class PoolMeter:
    """What the nodes and replicas of one pool were in the window [0, *window_s*).

    *least* is the least number of replicas that the pool may scale down to; 0 if it never scales.
    """

    def __init__(
        self,
        occupancy: Occupancy,
        provider: Provider,
        keeper: Keeper,
        window_s: float,
        least: int = 0,
    ) -> None:
        self.occupancy = occupancy
        self.provider = provider
        self.keeper = keeper
        self.window_s = window_s
        self.standing = Standing(keeper, least)
        self._opened = self._closed = (0.0, 0.0, 0.0)

    def open(self) -> None:
        """The window begins now."""
        self._opened = self._read()

    def close(self) -> None:
        """The window ends now."""
        self._closed = self._read()

    def _read(self) -> tuple[float, float, float]:
        occupancy = self.occupancy
        return (
            occupancy.busy_s(State.READY),
            occupancy.busy_s(State.DRAINING),
            occupancy.used_block_s(),
        )

    def usage(self, intervals: int) -> PoolUsage:
        """Return what the paid time was; the run is over, so that leases know their ends."""
        window_s, levels = self.window_s, self.occupancy.levels
        spent_s = {state: levels[state].integral(0.0, window_s) for state in PAID}
        ready_busy_s, draining_busy_s, block_s = (
            after - before for after, before in zip(self._closed, self._opened, strict=True)
        )
        ready_busy_s = _at_most(ready_busy_s, spent_s[State.READY])
        draining_busy_s = _at_most(draining_busy_s, spent_s[State.DRAINING])
        terms, tails = self.provider.terms, self._tails()
        tail_node_s = tails.integral(0.0, window_s)
        tail_s = tail_node_s * terms.slots
        return PoolUsage(
            paid_s=math.fsum(spent_s.values()) + tail_s,
            busy_s=ready_busy_s + draining_busy_s,
            idle_s=spent_s[State.READY] - ready_busy_s,
            starting_s=spent_s[State.STARTING],
            draining_s=spent_s[State.DRAINING] - draining_busy_s + tail_s,
            failed_s=spent_s[State.FAILED],
            node_s=self._node_s(spot=False),
            spot_node_s=self._node_s(spot=True),
            nodes_at_least_s=seconds_at_least(
                (lease for lease in self.provider.leases if not lease.spot), 0.0, window_s
            ),
            unplaced_gpu_s=self.keeper.unplaced_gpus.integral(0.0, window_s)
            + tail_node_s * terms.spare_gpus,
            kv_used_block_s=block_s,
            kv_block_s=self.occupancy.blocks.integral(0.0, window_s),
            paid_by_interval=self._by_interval(intervals, tails),
            starting_by_cause_s={
                cause: level.integral(0.0, window_s)
                for cause, level in self.occupancy.starting.items()
            },
            tail_node_s=tail_node_s,
            warm_node_s=self.standing.warm.integral(0.0, window_s),
            surge_s=self.standing.surge.integral(0.0, window_s),
            spare_s=self.standing.spare.integral(0.0, window_s),
            floor_by_interval=self._mean(self.standing.floor, intervals),
            floor_ready_by_interval=self._mean(self.standing.floor_ready, intervals),
            starts={cause: self._count(at_s) for cause, at_s in self.occupancy.starts.items()},
            deaths=self._count(self.occupancy.deaths),
        )

    def _mean(self, level: Level, intervals: int) -> np.ndarray:
        return level.by_interval(INTERVAL_S, intervals, self.window_s)

    def _count(self, at_s: list[float]) -> float:
        return float(sum(0.0 <= t < self.window_s for t in at_s))

    def _tails(self) -> Level:
        """Return the nodes that were given back, but are paid to the end of a unit."""
        changes = [
            change
            for lease in self.provider.leases
            if lease.released_at_s is not None and lease.released_at_s < lease.paid_until_s
            for change in ((lease.released_at_s, 1.0), (lease.paid_until_s, -1.0))
        ]
        tails = Level()
        for at_s, by in sorted(changes):
            tails.change(at_s, by)
        return tails

    def _node_s(self, *, spot: bool) -> float:
        return math.fsum(
            lease.paid_s(0.0, self.window_s) for lease in self.provider.leases if lease.spot is spot
        )

    def _by_interval(self, intervals: int, tails: Level) -> np.ndarray:
        """Mean paid replicas in each 5 minutes, those of a lease's tail included."""
        slots = self.provider.terms.slots
        paid = slots * tails.by_interval(INTERVAL_S, intervals, self.window_s)
        for level in self.occupancy.levels.values():
            paid += level.by_interval(INTERVAL_S, intervals, self.window_s)
        return paid


def _at_most(part_s: float, whole_s: float) -> float:
    """*part_s*, but not above *whole_s* by a rounding."""
    if whole_s < part_s <= whole_s * (1.0 + ROUNDING) + ROUNDING:
        return whole_s
    return part_s
