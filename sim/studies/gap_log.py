"""Log: the requests that arrived in a run's window, counted by interval and sampled; no clock.

What came is drawn again from the run's own streams, so nothing has to be kept of a run. Requests
keep the prefixes and conversations that they had, and a sample is of stretches of neighbours, not
of single requests: what was said shortly before is what a prefix cache can still hold.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterator
from dataclasses import dataclass, field

import numpy as np

from sim.ledger.usage import INTERVAL_S, Usage
from sim.scenario.document import Scenario
from sim.serving.sequence import Prefix
from sim.serving.turn import Turn
from sim.streams import Streams
from sim.traffic.batch import Batch, merge
from sim.traffic.chunk import CHUNK_REQUESTS, Chunk
from sim.traffic.destinations import Destinations
from sim.traffic.source import ClosedLoop, closed_loops, open_chunks

STRETCHES = 10
"""Stretches of the log that a sample is made of: enough to see the hours of a day."""

TEMPLATE = "template"
"""First part of the key of what all prompts of a route begin with."""


@dataclass
class Sample:
    """Requests of one pool in the order in which they came, as equally long columns."""

    route: list[int] = field(default_factory=list)
    number: list[int] = field(default_factory=list)
    input_tokens: list[int] = field(default_factory=list)
    output_tokens: list[int] = field(default_factory=list)
    prefix: list[Prefix | None] = field(default_factory=list)
    turn: list[Turn | None] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.route)

    @property
    def mean_tokens(self) -> float:
        """Mean input and output tokens of a request; 0 of none."""
        tokens = math.fsum(self.input_tokens) + math.fsum(self.output_tokens)
        return tokens / len(self) if len(self) else 0.0

    @property
    def shares(self) -> bool:
        """Whether any of its requests has something in common with another one."""
        return any(p is not None for p in self.prefix) or any(t is not None for t in self.turn)

    def take(self, batch: Batch, row: int) -> None:
        """Append one request of *batch*."""
        self.route.append(batch.route[row])
        self.number.append(batch.number[row])
        self.input_tokens.append(batch.input_tokens[row])
        self.output_tokens.append(batch.output_tokens[row])
        self.prefix.append(batch.prefix[row])
        self.turn.append(batch.turn[row])

    def repeated(self, n: int) -> Sample:
        """The first *n* requests of the sample, said again by others as often as it takes.

        A second time round nothing but the routes' templates is what was said the first time.
        """
        if n <= len(self) or not len(self):
            return Sample(*(column[:n] for column in self._columns()))
        longer = Sample(*(list(column) for column in self._columns()))
        step = max(self.number) + 1
        for place in range(len(self), n):
            turn_round, row = divmod(place, len(self))
            longer.route.append(self.route[row])
            longer.number.append(self.number[row] + turn_round * step)
            longer.input_tokens.append(self.input_tokens[row])
            longer.output_tokens.append(self.output_tokens[row])
            longer.prefix.append(_renamed(self.prefix[row], turn_round))
            longer.turn.append(_another(self.turn[row], turn_round))
        return longer

    def _columns(self) -> tuple[list, ...]:  # type: ignore[type-arg]
        return (
            self.route,
            self.number,
            self.input_tokens,
            self.output_tokens,
            self.prefix,
            self.turn,
        )


def _renamed(prefix: Prefix | None, turn_round: int) -> Prefix | None:
    if prefix is None:
        return None
    return tuple((key if _is_template(key) else (turn_round, key), n) for key, n in prefix)


def _is_template(key: Hashable) -> bool:
    return isinstance(key, tuple) and key[:1] == (TEMPLATE,)


def _another(turn: Turn | None, turn_round: int) -> Turn | None:
    if turn is None:
        return None
    return turn._replace(
        conversation=(turn_round, turn.conversation), content=(turn_round, turn.content)
    )


@dataclass(frozen=True)
class Log:
    """What came to one pool: requests of each route by interval, and a sample of them.

    `arrivals` is (intervals, routes of the scenario).
    """

    arrivals: np.ndarray
    sample: Sample


def read_log(scenario: Scenario, replication: int, usage: Usage, requests: int) -> dict[str, Log]:
    """Return the log of each pool of *scenario*, with a sample of at most *requests* of each.

    *usage* is that of the same replication: it says how many came. Every request of the window is
    as likely to be in the sample as any other. Closed-loop users, whose times depend on the
    answers, are taken to have asked evenly over the window.
    """
    streams = Streams(scenario.seed, replication)
    chunks, _ = open_chunks(scenario, streams, -scenario.warmup)
    names = list(scenario.routes)
    for loop in closed_loops(scenario, streams):
        arrived = round(usage.routes[names[loop.route]].requests.arrived)
        chunks[loop.route] = _evenly(loop, arrived, scenario.horizon)
    pools = {name: _Reader(scenario, usage, name, requests) for name in scenario.pools}
    visits = Destinations(scenario, streams).visits
    for batch in merge(chunks):
        if batch.arrived_at_s[0] >= scenario.horizon:
            break
        for row, (at_s, route) in enumerate(zip(batch.arrived_at_s, batch.route, strict=True)):
            if 0.0 <= at_s < scenario.horizon:
                for pool in visits(names[route], batch.number[row], batch.turn[row]):
                    pools[pool].read(batch, row, at_s)
    return {name: Log(reader.arrivals, reader.sample) for name, reader in pools.items()}


def _evenly(loop: ClosedLoop, arrived: int, horizon_s: float) -> Iterator[Chunk]:
    for first in range(0, arrived, CHUNK_REQUESTS):
        n = min(CHUNK_REQUESTS, arrived - first)
        pairs = np.array([loop.next_request() for _ in range(n)], dtype=np.int64)
        at_s = (first + np.arange(n) + 0.5) * horizon_s / arrived
        yield Chunk(at_s, pairs[:, 0], pairs[:, 1], loop.prefix)


class _Reader:
    """Counts what comes to one pool, and keeps every request of some stretches of it."""

    def __init__(self, scenario: Scenario, usage: Usage, pool: str, requests: int) -> None:
        intervals = max(1, math.ceil(scenario.horizon / INTERVAL_S))
        self.arrivals = np.zeros((intervals, len(scenario.routes)))
        self.sample = Sample()
        self.seen = 0
        routes = [n for n, route in scenario.routes.items() if pool in route.pools]
        known = math.fsum(usage.routes[name].requests.arrived for name in routes)
        self.stride = max(1.0, known / STRETCHES)
        self.length = min(self.stride, requests / STRETCHES)
        self.offset = self.stride * Streams(scenario.seed).of("log sample", pool).random()

    def read(self, batch: Batch, row: int, at_s: float) -> None:
        self.arrivals[int(at_s // INTERVAL_S), batch.route[row]] += 1
        if (self.seen - self.offset) % self.stride < self.length:
            self.sample.take(batch, row)
        self.seen += 1
