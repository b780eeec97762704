"""Standing: replicas that a pool holds for other reasons than its load. In simulated time."""

from __future__ import annotations

from sim.fleet.keeper import ROLLOUT, Keeper
from sim.fleet.node import Phase
from sim.fleet.seat import State
from sim.ledger.level import Level


class Standing:
    """Counts, whenever something changes, what *keeper* holds beside what the load asks for.

    `surge`: replicas more than the target while a rollout goes on, or those that it starts, if
    they are more. `spare`: ready replicas beyond those wanted for the load, as far as redundancy
    asks for them (spare ones, or those that make up for a zone). `floor`: 1 while the number
    wanted is the least that the pool may have, *least* (0: no such rule), else 0; `floor_ready`:
    the ready replicas under that rule. `warm`: nodes kept up without a replica.
    """

    def __init__(self, keeper: Keeper, least: int) -> None:
        self.keeper = keeper
        self.least = least
        self.surge = Level()
        self.spare = Level()
        self.floor = Level()
        self.floor_ready = Level()
        self.warm = Level()
        keeper.on_counted = self.look
        keeper.occupancy.on_move = self.look

    def look(self) -> None:
        """Write down how it is now. O(1), but O(replicas) once there was a rollout."""
        keeper, levels = self.keeper, self.keeper.occupancy.levels
        wanted, target = keeper.wanted, keeper.target
        ready = levels[State.READY].now
        at_floor = bool(self.least) and wanted == self.least
        self._set(self.surge, self._surge(target))
        self._set(self.spare, min(max(0.0, ready - wanted), float(target - wanted)))
        self._set(self.floor, float(at_floor))
        self._set(self.floor_ready, min(ready, float(self.least)) if at_floor else 0.0)
        if keeper.upkeep.warm_nodes:
            self._set(self.warm, float(self._warm()))

    def _surge(self, target: int) -> float:
        keeper, occupancy = self.keeper, self.keeper.occupancy
        started = occupancy.starting[ROLLOUT].now
        if not keeper.version or all(s.version == keeper.version for s in keeper.seats):
            return started
        states = (State.STARTING, State.READY, State.DRAINING)
        held = sum(occupancy.levels[state].now for state in states)
        return max(started, held - target)

    def _warm(self) -> int:
        nodes = self.keeper.provider.nodes.values()
        empty = sum(not node.seats and node.phase is not Phase.ORDERED for node in nodes)
        return min(self.keeper.upkeep.warm_nodes, empty)

    def _set(self, level: Level, value: float) -> None:
        if value != level.now:
            level.change(self.keeper.env.now, value - level.now)
