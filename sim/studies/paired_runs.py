"""Paired runs: replications of many scenarios on the same random numbers, none simulated twice.

Scenarios that differ in one pool share the simulations of all others (`parts`). Knows no clock.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date

from sim.scenario.document import Scenario
from sim.scenario.notice import Notice
from sim.scenario.notices import warnings_of
from sim.simulation import Run, simulate
from sim.studies.executors import Progress, run_all
from sim.studies.parts import joined, parts
from sim.studies.replications import benchmarks, draws
from sim.studies.result import Result

Key = tuple[str, int]
"""A part of a scenario, as a digest of its canonical text, and the replication."""

IN_PARTS = Notice(
    "in-parts",
    "latency",
    "quantiles over all routes are not known: pools that no route connects were simulated apart",
)


def _simulate(task: tuple[Scenario, int]) -> Run:
    scenario, replication = task
    return simulate(scenario, replication=replication)


@dataclass
class PairedRuns:
    """A memory of runs; `simulated` counts those that it had to do itself.

    Results do not depend on what was run before, nor on *jobs*.
    """

    replications: int
    jobs: int = 1
    progress: Progress | None = None
    known: dict[Key, Run] = field(default_factory=dict)
    simulated: int = 0

    def run(self, scenario: Scenario, replication: int) -> Run:
        """One replication of *scenario*; raises what `simulate` raises."""
        return self.runs(scenario, [replication])[0]

    def runs(self, scenario: Scenario, replications: Iterable[int]) -> list[Run]:
        """Several replications of *scenario*, in parallel if there are jobs for it."""
        pieces = parts(scenario)
        wanted = [[_key(piece, i) for piece in pieces] for i in replications]
        missing = {
            key: (piece, key[1])
            for keys in wanted
            for piece, key in zip(pieces, keys, strict=True)
            if key not in self.known
        }
        self._simulate(missing)
        return [joined(scenario, [self.known[key] for key in keys]) for keys in wanted]

    def _simulate(self, missing: Mapping[Key, tuple[Scenario, int]]) -> None:
        before = self.simulated

        def tell(done: int, total: int) -> None:
            if self.progress is not None:
                self.progress(before + done, before + total)

        outcomes = run_all(_simulate, list(missing.values()), self.jobs, tell)
        for key, outcome in zip(missing, outcomes, strict=True):
            self.known[key] = outcome.unwrap()
        self.simulated += len(missing)

    def result(self, scenario: Scenario) -> Result:
        """All replications of *scenario*, with their account."""
        runs = tuple(self.runs(scenario, range(self.replications)))
        notices = list(warnings_of(scenario, date.today()))
        if len(parts(scenario)) > 1:
            notices.append(IN_PARTS)
        found = benchmarks(scenario, [run.usage for run in runs])
        return Result(scenario, runs, found, tuple(notices))


def _key(piece: Scenario, replication: int) -> Key:
    text = piece.canonical_json()
    digest = hashlib.sha256(text.encode()).hexdigest()
    return digest, replication if draws(piece) else 0
