"""Sample: one replication of a scenario of this folder, its records read back and counted."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path

import numpy as np

from sim.ledger.spool import read
from sim.ledger.usage import PoolUsage
from sim.scenario.document import Scenario
from sim.scenario.load import load
from sim.simulation import Run, simulate

FOLDER = Path(__file__).parent / "scenarios"

Columns = dict[str, np.ndarray]


class LostRequestError(AssertionError):
    """A request of the window is missing from the records, or there twice."""


@dataclass(frozen=True)
class Sample:
    """One replication: what the simulation says of itself, and its records.

    `attempts` go by route, request and attempt. *cut*: requests may be under way at the end.
    """

    scenario: Scenario
    run: Run
    attempts: Columns
    cut: bool = False

    def __post_init__(self) -> None:
        """Every request that came in the window is there once, with all attempts, and has ended."""
        attempt, begins = self.attempts["attempt"], self._begins
        repeated = attempt[1:] != np.where(begins[1:], 0, attempt[:-1] + 1)
        numbers, routes = (self.attempts[name][begins] for name in ("request_id", "route"))
        gaps = (np.diff(numbers) != 1) & (routes[1:] == routes[:-1])
        arrived = self.run.usage.overall.requests.arrived
        if len(numbers) != arrived or attempt[0] or repeated.any() or gaps.any():
            raise LostRequestError(f"{len(numbers)} records of {arrived:.0f} requests")
        if not self.cut and (self.columns["outcome"] == "in_flight").any():
            raise LostRequestError("requests that never ended")

    @cached_property
    def _begins(self) -> np.ndarray:
        """Which records are the first of their request."""
        numbers, routes = self.attempts["request_id"], self.attempts["route"]
        other = (numbers[1:] != numbers[:-1]) | (routes[1:] != routes[:-1])
        return np.concatenate([[True], other])

    @cached_property
    def columns(self) -> Columns:
        """The last attempt at each request."""
        last = np.append(self._begins[1:], True)
        return {name: values[last] for name, values in self.attempts.items()}

    @cached_property
    def done(self) -> np.ndarray:
        """Which requests were answered."""
        return np.asarray(self.columns["outcome"] == "completed")

    def of_done(self, column: str) -> np.ndarray:
        """A column, of the answered requests only."""
        return np.asarray(self.columns[column][self.done])

    @property
    def pool(self) -> PoolUsage:
        """The one pool's usage."""
        return self.run.usage.pools["main"]

    @property
    def sojourn_s(self) -> np.ndarray:
        """Times from arrival to the last token."""
        return np.asarray(self.of_done("finished_at_s") - self.of_done("arrived_at_s"))

    def wait_s(self, prefill_s: float | np.ndarray) -> np.ndarray:
        """Times from arrival to the begin of the prefill step, which lasts *prefill_s*."""
        ttft_s = self.of_done("first_token_at_s") - self.of_done("arrived_at_s")
        return np.asarray(ttft_s - prefill_s)

    @property
    def rate(self) -> float:
        """Requests that came, per second of the window."""
        return len(self.columns["request_id"]) / self.run.usage.window_s


@lru_cache(maxsize=16)
def scenario_of(file: str, overrides: Sequence[str] = ()) -> Scenario:
    """A scenario of this folder, with *overrides*."""
    return load(FOLDER / file, overrides)


def observe(
    file: str,
    replication: int,
    overrides: Sequence[str] = (),
    sample_every_s: float | None = None,
    *,
    cut: bool = False,
) -> Sample:
    """Run one replication of a scenario of this folder and read its records back."""
    scenario = scenario_of(file, tuple(overrides))
    with tempfile.TemporaryDirectory() as folder:
        run = simulate(
            scenario,
            replication=replication,
            spool=Path(folder),
            sample_every_s=sample_every_s,
        )
        chunks = list(read(Path(folder)))
    columns = {name: np.concatenate([chunk[name] for chunk in chunks]) for name in chunks[0]}
    order = np.lexsort([columns[name] for name in ("attempt", "request_id", "route")])
    return Sample(scenario, run, {name: values[order] for name, values in columns.items()}, cut)
