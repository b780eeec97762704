"""Site: all that keeps one pool running, started in one place. In simulated time."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass

import simpy

from sim.fleet.faults import Faults
from sim.fleet.keeper import Keeper
from sim.fleet.meter import PoolMeter
from sim.fleet.occupancy import Occupancy
from sim.fleet.pool import Pool
from sim.fleet.provider import Provider
from sim.fleet.scaling import Scaling, Sleep


@dataclass
class Site:
    """One pool with its nodes, its keeper, and whoever tells the keeper what to do."""

    pool: Pool
    provider: Provider
    occupancy: Occupancy
    keeper: Keeper
    meter: PoolMeter
    start_replicas: int
    faults: Faults | None = None
    scaling: Scaling | None = None
    sleep: Sleep | None = None
    rollouts: Rollouts | None = None

    def start(self, env: simpy.Environment) -> None:
        """Have the first replicas ready, and start every process."""
        self.keeper.begin(self.start_replicas)
        if self.faults is not None:
            self.faults.start()
        if self.scaling is not None:
            env.process(self.scaling.run())
        if self.rollouts is not None:
            env.process(self.rollouts.run())


@dataclass(frozen=True)
class Rollouts:
    """New versions that come every `every_s` from `first_at_s` on."""

    env: simpy.Environment
    keeper: Keeper
    first_at_s: float
    every_s: float

    def run(self) -> Generator[simpy.Event, None, None]:
        """Roll out again and again, for ever."""
        yield self.env.timeout(max(0.0, self.first_at_s - self.env.now))
        while True:
            self.keeper.roll("a new version comes")
            yield self.env.timeout(self.every_s)
