"""Made-up pools to calculate by hand: steps of 1 s, blocks of 4 tokens, one slot unless changed."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import count
from typing import Any

import simpy

from sim.fleet.faults import Faults, Hazards
from sim.fleet.keeper import Keeper, Upkeep
from sim.fleet.limits import QueueLimits
from sim.fleet.node import Node
from sim.fleet.occupancy import Occupancy
from sim.fleet.pool import Pool
from sim.fleet.provider import Provider, Terms
from sim.fleet.router import LeastLoaded, Router
from sim.fleet.seat import Seat, State
from sim.laws.fixed import Fixed
from sim.serving.replica import Replica
from sim.serving.sequence import Sequence
from sim.serving.waiting import Queue
from sim.streams import Keyed
from tests.unit.engines import batcher, timing

NO_TIME = Fixed(0.0)


def terms(**changes: Any) -> Terms:
    """Nodes of one replica and one GPU in one zone, there at once; numbers stand for laws."""
    plain = {"slots": 1, "gpus_per_replica": 1, "spare_gpus": 0, "zones": ("a",)}
    return Terms(**{**plain, "provision": NO_TIME, "pull": NO_TIME, **as_laws(changes, Terms)})


def upkeep(**changes: Any) -> Upkeep:
    """Replicas that start in no time, and drain for a minute; numbers stand for laws."""
    plain = dict.fromkeys(("load", "init", "first_request"), NO_TIME)
    return Upkeep(**{**plain, **as_laws(changes, Upkeep)})


def as_laws(given: Mapping[str, Any], of: type) -> dict[str, Any]:
    """Return *given* with numbers made laws where *of* asks for a law."""
    laws = {name for name, hint in of.__annotations__.items() if "Law" in hint}
    return {
        name: Fixed(value) if name in laws and isinstance(value, float | int) else value
        for name, value in given.items()
    }


class Fleet:
    """A pool with its provider and keeper, *wanted* replicas of which are ready at *at_s*.

    `done` are the sequences that have left it, in order.
    """

    def __init__(
        self,
        wanted: int = 1,
        *,
        at_s: float = 0.0,
        router: Router | None = None,
        limits: Mapping[int, int] | int | None = None,
        holds: bool = False,
        hangs: bool = False,
        engine: Mapping[str, Any] | None = None,
        first_token_s: float = 0.0,
        node: Mapping[str, Any] | None = None,
        keep: Mapping[str, Any] | None = None,
        hazards: Mapping[str, Any] | None = None,
    ) -> None:
        self.env = simpy.Environment(initial_time=at_s)
        self.done: list[Sequence] = []
        queue, self.indices = Queue(), count()
        self.pool = Pool(
            self.env, "main", router or LeastLoaded(),
            queue=queue, limits=QueueLimits(limits), holds=holds, hangs=hangs,
        )  # fmt: skip
        self.pool.on_done = self.done.append
        self.engine = {"slots": 1, "queue": queue, **(engine or {})}
        self.first_token_s = first_token_s
        self.provider = Provider(self.env, "main", terms(**(node or {})), Keyed(1))
        self.occupancy = Occupancy(self.env)
        self.keeper = Keeper(
            self.env, self.pool, self.provider, self.occupancy, upkeep(**(keep or {})),
            self.make_replica, Keyed(2),
        )  # fmt: skip
        self.faults: Faults | None = None
        if hazards is not None:
            laws = {"detection": 0.0, **hazards}
            self.faults = Faults(self.env, self.keeper, Hazards(**as_laws(laws, Hazards)), Keyed(3))
        self.keeper.begin(wanted)
        if self.faults is not None:
            self.faults.start()

    def make_replica(self, slow: float) -> Replica:
        """An engine whose steps last *slow* seconds."""
        of = timing(base_s=slow, first_token_s=self.first_token_s)
        return self.pool.replica(next(self.indices), batcher(of=of, **self.engine))

    def send(self, *asks: Sequence) -> list[Sequence]:
        """Each is submitted when it comes; time goes on until then."""
        for sequence in asks:
            self.until(sequence.arrived_at_s)
            self.pool.submit(sequence)
        return list(asks)

    def until(self, at_s: float) -> None:
        """Let all happen that happens up to *at_s*, a little later included: ticks are 1e-6 s."""
        self.env.run(until=self.env.timeout(max(0.0, at_s + 1e-5 - self.env.now)))

    def states(self) -> dict[int, str]:
        """How each replica stands, by its index."""
        return {seat.index: seat.state.name.lower() for seat in self.keeper.seats}

    def seat(self, index: int) -> Seat:
        """The replica *index*."""
        return self.occupancy.seats[index]

    def nodes(self) -> list[Node]:
        """Nodes that are not given back."""
        return list(self.provider.nodes.values())

    def phases(self) -> dict[int, str]:
        """How each node stands, by its number."""
        return {node.number: node.phase.name.lower() for node in self.nodes()}

    def ends(self) -> list[tuple[int, str, float | None]]:
        """(number, outcome, end) of all that have left, in order."""
        return [(s.number, s.outcome.name.lower(), near(s.finished_at_s)) for s in self.done]

    def told(self) -> list[tuple[float, str]]:
        """(time, kind) of every event."""
        return [(round(event.at_s, 4), event.kind) for event in self.keeper.events]

    def spent_s(self, to_s: float, from_s: float = 0.0) -> dict[str, float]:
        """Replica-seconds by state, those that are 0 left out."""
        found = {
            state.name.lower(): round(level.integral(from_s, to_s), 4)
            for state, level in self.occupancy.levels.items()
        }
        return {name: seconds for name, seconds in found.items() if seconds}


def near(at_s: float | None) -> float | None:
    """*at_s* without the microseconds of ticks."""
    return None if at_s is None else round(at_s, 4)


READY, STARTING, DRAINING, FAILED = (
    state.name.lower() for state in (State.READY, State.STARTING, State.DRAINING, State.FAILED)
)
