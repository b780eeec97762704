"""Sweep: a scenario at many points, each simulated once and kept; knows no simulated clock.

All points share the seed, and random streams are keyed by entity, so that points are compared on
common random numbers: what differs between two of them is due to what was varied.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from sim.scenario.document import Scenario
from sim.scenario.problem import ScenarioError
from sim.studies.executors import Executor
from sim.studies.grid import Point, override
from sim.studies.store import Row, Store
from sim.studies.sweep_point import Entry, Task, digest, failed, key_of, simulated

Load = Callable[[Sequence[str]], Scenario]
"""The scenario, changed by overrides (``path=value`` each); raises ScenarioError."""


@dataclass(frozen=True)
class Planned:
    """A point with its scenario, or with what is wrong with that."""

    key: str
    parameters: Point
    replications: int
    scenario: Scenario | None = None
    error: ScenarioError | None = None


@dataclass(frozen=True)
class Told:
    """How far a sweep is; `best` is the best row so far."""

    done: int
    total: int
    failed: int
    best: Row | None


def plan(load: Load, points: Sequence[Point], replications: int) -> list[Planned]:
    """Load the scenario at each of *points*.

    Raises the first point's ScenarioError if none is valid (a path that does not exist, say), and
    OSError if a trace cannot be read.
    """
    digests: dict[str, str] = {}
    planned = [_planned(load, point, replications, digests) for point in points]
    if planned and all(one.scenario is None for one in planned):
        assert planned[0].error is not None
        raise planned[0].error
    return planned


def _planned(load: Load, point: Point, replications: int, digests: dict[str, str]) -> Planned:
    try:
        scenario = load([override(path, value) for path, value in point.items()])
    except ScenarioError as error:
        key = digest(["invalid", dict(point), str(error)])
        return Planned(key, point, replications, error=error)
    return Planned(key_of(scenario, replications, digests), point, replications, scenario)


def run_sweep(
    planned: Sequence[Planned],
    store: Store,
    executor: Executor,
    *,
    progress: Callable[[Told], None] = lambda _: None,
) -> None:
    """Simulate those of *planned* that *store* lacks, and keep each as soon as it has ended.

    Points that failed before are tried again. Raises what the store raises.
    """
    done = store.done()
    missing = {one.key: one for one in planned if one.key not in done}
    tasks = [
        Task(key, one.scenario, one.replications)
        for key, one in missing.items()
        if one.scenario is not None
    ]
    count = _Count(store, progress)
    count.tell()
    for key, one in missing.items():
        if one.error is not None:
            count.add(Entry(key, error=str(one.error)), 0.0)
    with contextlib.closing(executor.outcomes(timed, tasks)) as outcomes:
        for index, outcome in outcomes:
            entry, wall_s = outcome.value or (None, 0.0)
            if entry is None:
                assert outcome.error is not None
                entry = failed(tasks[index].key, outcome.error)
            count.add(entry, wall_s)


def timed(task: Task) -> tuple[Entry, float]:
    """A point's entry and the seconds of wall clock that it took."""
    begin_s = time.perf_counter()
    return simulated(task), time.perf_counter() - begin_s


class _Count:
    """Keeps entries and tells how far the sweep is."""

    def __init__(self, store: Store, progress: Callable[[Told], None]) -> None:
        self._store, self._progress = store, progress
        self._rows = {row.number: row for row in store.rows()}

    def add(self, entry: Entry, wall_s: float) -> None:
        now = datetime.now(UTC).isoformat(timespec="seconds")
        self._store.add(entry, ended_at=now, wall_s=wall_s)
        for number, row in self._rows.items():
            if row.key == entry.key:
                self._rows[number] = _with(row, entry)
        self.tell()

    def tell(self) -> None:
        rows = self._rows.values()
        ended = [row for row in rows if row.status != "missing"]
        bad = sum(row.status == "failed" for row in ended)
        self._progress(Told(len(ended), len(rows), bad, best(rows)))


def _with(row: Row, entry: Entry) -> Row:
    return Row(
        row.number, row.key, row.parameters, entry.status, entry.error, entry.meets_slos,
        entry.figures,
    )  # fmt: skip


def best(rows: Iterable[Row]) -> Row | None:
    """The cheapest point, by $ per 1M useful tokens, of those that meet every SLO.

    Where no point has an SLO that can be judged, the cheapest of all; of equals the first.
    """
    priced = [row for row in rows if row.figures.get("usd_per_million") is not None]
    if any(row.meets_slos is not None for row in priced):
        priced = [row for row in priced if row.meets_slos]
    return min(priced, key=lambda row: (row.figures["usd_per_million"], row.number), default=None)
