"""Sample: one replication of a scenario of this folder, its records read back and counted."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from sim.ledger.spool import read
from sim.ledger.usage import PoolUsage
from sim.scenario.load import load
from sim.simulation import Run, simulate

FOLDER = Path(__file__).parent / "scenarios"


class LostRequestError(AssertionError):
    """A request of the window is missing from the records, or there twice."""


@dataclass(frozen=True)
class Sample:
    """One replication: what the simulation says of itself, and its records in order of arrival."""

    run: Run
    columns: dict[str, np.ndarray]

    def __post_init__(self) -> None:
        """Every request that came in the window is there once, and has ended."""
        numbers = self.columns["request_id"]
        arrived = self.run.usage.overall.requests.arrived
        if len(numbers) != arrived or not (np.diff(numbers) == 1).all():
            raise LostRequestError(f"{len(numbers)} records of {arrived:.0f} requests")
        if not (self.done | (self.columns["outcome"] == "rejected")).all():
            raise LostRequestError("requests that never ended")

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


def observe(
    file: str,
    replication: int,
    overrides: Sequence[str] = (),
    sample_every_s: float | None = None,
) -> Sample:
    """Run one replication of a scenario of this folder and read its records back."""
    scenario = load(FOLDER / file, overrides)
    with tempfile.TemporaryDirectory() as folder:
        run = simulate(
            scenario,
            replication=replication,
            spool=Path(folder),
            sample_every_s=sample_every_s,
        )
        chunks = list(read(Path(folder)))
    columns = {name: np.concatenate([chunk[name] for chunk in chunks]) for name in chunks[0]}
    order = np.argsort(columns["request_id"])
    return Sample(run, {name: values[order] for name, values in columns.items()})
