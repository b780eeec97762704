"""Levers: what each change that could be made to a scenario would save, ranked; knows no clock.

Each is priced at equal demand and on the same random numbers, twice: on the same fleet, and with
the fleets before and after resized to their SLOs, since on a fixed fleet no saving shows.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sim.scenario.document import Scenario
from sim.simulation import Run
from sim.studies.compare import (
    Comparison,
    Measure,
    compared,
    comparison_tree,
    sizes,
)
from sim.studies.executors import Progress, run_all
from sim.studies.lever import Lever
from sim.studies.lever_fleet import merge_levers, pool_levers
from sim.studies.lever_routes import RouteAmounts, route_levers
from sim.studies.paired import Paired
from sim.studies.paired_runs import Key, PairedRuns
from sim.studies.resize import Resized, resize
from sim.studies.result import Result

MONTHLY = "usd_per_month"


@dataclass(frozen=True)
class Effect:
    """What one lever does; `resized` is between fleets that both have just the size they need."""

    name: str
    where: str
    sentence: str
    same_fleet: Comparison
    resized: Comparison
    fleets: tuple[dict[str, float], dict[str, float]]
    met: bool | None

    @property
    def saved(self) -> float:
        """USD a month, resized; what the levers are ranked by."""
        found = self.resized.of(MONTHLY)
        return 0.0 if found is None else -found.difference

    def slowest(self) -> tuple[Measure, Paired] | None:
        """The p95 of a route that changes most on the same fleet, as a share of what it was."""
        rows = [
            (row.measure, row.paired)
            for row in self.same_fleet.rows
            if row.measure.kind == "seconds" and row.paired is not None and row.paired.relative
        ]
        if not rows:
            return None
        return max(rows, key=lambda row: abs(row[1].relative or 0.0))


@dataclass(frozen=True)
class Levers:
    """The levers that were pulled, the best first, and why the others were not."""

    base: Result
    resized: Resized
    effects: tuple[Effect, ...]
    left_out: tuple[Lever, ...]


def all_levers(scenario: Scenario, amounts: RouteAmounts) -> list[Lever]:
    """Every lever there is for *scenario*: route by route, pool by pool, then of the fleet."""
    found: list[Lever] = []
    for name in scenario.routes:
        found += route_levers(scenario, name, amounts)
    for name in scenario.pools:
        found += pool_levers(scenario, name)
    found += merge_levers(scenario)
    return found


def pull(
    scenario: Scenario,
    levers: Sequence[Lever],
    *,
    replications: int,
    jobs: int = 1,
    progress: Progress | None = None,
) -> Levers:
    """Run *scenario* as it is and with each of *levers*, alone; ranked by what they save.

    Raises what a simulation raises.
    """
    runs = PairedRuns(replications, jobs, progress)
    small = resize(scenario, runs=runs)
    base, small = _slim_result(runs.result(scenario)), _slim_resized(small)
    applied = [(lever, lever.applied(scenario)) for lever in levers]
    known = {key: _slim(run) for key, run in runs.known.items()}
    tasks = [
        _Task(lever.name, lever.where, lever.sentence, after, base, small, known)
        for lever, after in applied
        if isinstance(after, Scenario)
    ]
    outcomes = run_all(_effect, tasks, jobs, progress)
    effects = sorted((o.unwrap() for o in outcomes), key=lambda e: (-e.saved, e.where, e.name))
    left_out = (replace(lever, obstacle=why) for lever, why in applied if isinstance(why, str))
    return Levers(base, small, tuple(effects), tuple(left_out))


@dataclass(frozen=True)
class _Task:
    """One lever, as it travels to a worker process."""

    name: str
    where: str
    sentence: str
    after: Scenario
    base: Result
    small: Resized
    known: dict[Key, Run]


def _slim(run: Run) -> Run:
    return replace(run, events=(), leases=())


def _slim_result(result: Result) -> Result:
    return replace(result, runs=tuple(map(_slim, result.runs)))


def _slim_resized(resized: Resized) -> Resized:
    return replace(resized, result=_slim_result(resized.result))


def _effect(task: _Task) -> Effect:
    runs = PairedRuns(len(task.base.runs), known=dict(task.known))
    after = runs.result(task.after)
    small = resize(task.after, runs=runs, like=task.base)
    return Effect(
        task.name,
        task.where,
        task.sentence,
        compared(task.base, _slim_result(after), together=False),
        compared(
            task.small.result,
            _slim_result(small.result),
            note=small.note,
            together=False,
        ),
        (sizes(task.small), sizes(small)),
        small.met,
    )


def document(found: Levers) -> dict[str, Any]:
    """*found* as plain values, for JSON."""
    money = found.base.statement
    return {
        "scenario": found.base.scenario.name,
        "seed": found.base.scenario.seed,
        "replications": len(found.base.runs),
        "usd_per_month": {
            "same_fleet": money.bill.usd_per_month,
            "resized": found.resized.result.statement.bill.usd_per_month,
        },
        "replicas_resized": sizes(found.resized),
        "note": found.resized.note,
        "levers": [effect_tree(effect) for effect in found.effects],
        "left_out": [
            {"lever": lever.name, "where": lever.where, "why": lever.obstacle}
            for lever in found.left_out
        ],
    }


def effect_tree(effect: Effect) -> dict[str, Any]:
    """One effect as plain values."""
    return {
        "lever": effect.name,
        "where": effect.where,
        "sentence": effect.sentence,
        "usd_per_month_saved": effect.saved,
        "slo_met": effect.met,
        "replicas": {"before": effect.fleets[0], "after": effect.fleets[1]},
        "same_fleet": comparison_tree(effect.same_fleet),
        "resized": comparison_tree(effect.resized),
    }


def rows(found: Levers) -> Iterator[dict[str, Any]]:
    """A flat record per lever, for CSV."""
    for effect in found.effects:
        record: dict[str, Any] = {
            "lever": effect.name,
            "where": effect.where,
            "change": effect.sentence,
        }
        for way, comparison in (("same_fleet", effect.same_fleet), ("resized", effect.resized)):
            for row in comparison.rows:
                record |= _cells(f"{way}.{row.measure.path}", row.paired)
        yield record


def _cells(path: str, found: Paired | None) -> dict[str, float | None]:
    interval = None if found is None else found.interval
    return {
        f"{path}.difference": None if found is None else found.difference,
        f"{path}.low": None if interval is None else interval.low,
        f"{path}.high": None if interval is None else interval.high,
    }
