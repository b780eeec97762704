"""Sensitivity: how far the answer moves with what is not known for sure; knows no clock.

Replications tell how much chance there is in the figures. They do not tell what happens if prices,
demand, step times, lengths or failures are not what the scenario says. Each doubt is moved down
and up by itself, on the same random numbers, on the same fleet and with fleets resized to their
SLOs; the doubts are sorted by how far they move the price of a token.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sim.scenario.document import Scenario
from sim.studies.compare import MONEY, Comparison, compared, comparison_tree, measures
from sim.studies.doubts import Doubt
from sim.studies.executors import Progress, run_all
from sim.studies.paired_runs import PairedRuns
from sim.studies.resize import Resized, resize
from sim.studies.result import Result

PER_MILLION = "usd_per_million_useful_tokens"


@dataclass(frozen=True)
class Moved:
    """A doubt at one of its ends, against the scenario as it is."""

    label: str
    same_fleet: Comparison
    resized: Comparison


@dataclass(frozen=True)
class Swing:
    """What one doubt does, at its low and its high end."""

    doubt: Doubt
    low: Moved
    high: Moved

    def usd_per_million(self, *, resized: bool) -> tuple[float, float] | None:
        """$ per 1M useful tokens at the low and at the high end."""
        ends = [m.resized if resized else m.same_fleet for m in (self.low, self.high)]
        found = [end.of(PER_MILLION) for end in ends]
        if found[0] is None or found[1] is None:
            return None
        return found[0].after, found[1].after

    @property
    def width(self) -> float:
        """How far apart the ends are, in $ per 1M, whichever way moves more."""
        both = [self.usd_per_million(resized=r) for r in (True, False)]
        return max((abs(ends[1] - ends[0]) for ends in both if ends is not None), default=0.0)


@dataclass(frozen=True)
class Sensitivity:
    """The scenario as it is, and its doubts, the widest swing first."""

    base: Result
    resized: Resized
    swings: tuple[Swing, ...]
    left_out: tuple[Doubt, ...]


@dataclass(frozen=True)
class _Task:
    """One end of one doubt, as it travels to a worker process."""

    label: str
    after: Scenario
    base: Result
    small: Resized
    known: PairedRuns


def sensitivity(
    scenario: Scenario,
    doubts: Sequence[Doubt],
    *,
    replications: int,
    jobs: int = 1,
    progress: Progress | None = None,
) -> Sensitivity:
    """Run *scenario* as it is and at both ends of each of *doubts*.

    Raises what a simulation raises.
    """
    runs = PairedRuns(replications, jobs, progress)
    base, small = runs.result(scenario), resize(scenario, runs=runs)
    kept = [doubt for doubt in doubts if not doubt.obstacle]
    known = PairedRuns(replications, known=dict(runs.known))
    tasks = [
        _Task(end.label, end.change(scenario), base, small, known)
        for doubt in kept
        for end in (doubt.low, doubt.high)
    ]
    moved = [o.unwrap() for o in run_all(_moved, tasks, jobs, progress)]
    swings = [Swing(d, moved[2 * i], moved[2 * i + 1]) for i, d in enumerate(kept)]
    swings.sort(key=lambda swing: (-swing.width, swing.doubt.name))
    left_out = tuple(doubt for doubt in doubts if doubt.obstacle)
    return Sensitivity(base, small, tuple(swings), left_out)


def _moved(task: _Task) -> Moved:
    wanted = [*MONEY, *(m for m in measures(task.base.scenario) if m.kind == "seconds")]
    after = task.known.result(task.after)
    small = resize(task.after, runs=task.known, like=task.base)
    return Moved(
        task.label,
        compared(task.base, after, wanted, together=False),
        compared(task.small.result, small.result, wanted, note=small.note, together=False),
    )


def document(found: Sensitivity) -> dict[str, Any]:
    """*found* as plain values, for JSON."""
    cost = [
        result.statement.cost.by_use.usd_per_million_useful_tokens
        for result in (found.base, found.resized.result)
    ]
    return {
        "scenario": found.base.scenario.name,
        "seed": found.base.scenario.seed,
        "replications": len(found.base.runs),
        "usd_per_million_useful_tokens": {
            "same_fleet": cost[0],
            "same_fleet_ci95": found.base.intervals.get(f"cost.{PER_MILLION}"),
            "resized": cost[1],
            "resized_ci95": found.resized.result.intervals.get(f"cost.{PER_MILLION}"),
        },
        "swings": [
            {
                "doubt": swing.doubt.name,
                "width_usd_per_million": swing.width,
                "low": _end(swing.low),
                "high": _end(swing.high),
            }
            for swing in found.swings
        ],
        "left_out": [{"doubt": d.name, "why": d.obstacle} for d in found.left_out],
    }


def _end(moved: Moved) -> dict[str, Any]:
    return {
        "label": moved.label,
        "same_fleet": comparison_tree(moved.same_fleet),
        "resized": comparison_tree(moved.resized),
    }


def rows(found: Sensitivity) -> list[dict[str, Any]]:
    """A flat record per doubt and end, for CSV."""
    records = []
    for swing in found.swings:
        for end, moved in (("low", swing.low), ("high", swing.high)):
            record: dict[str, Any] = {"doubt": swing.doubt.name, "end": end, "label": moved.label}
            for way, of in (("same_fleet", moved.same_fleet), ("resized", moved.resized)):
                for row in of.rows:
                    after = None if row.paired is None else row.paired.after
                    record[f"{way}.{row.measure.path}"] = after
            records.append(record)
    return records
