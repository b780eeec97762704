"""Workloads: what requests of public traces look like, and stand-ins for what has none; no clock.

A workload is lengths (`length_tables`), how output depends on input, and constants of arrivals
and sessions (`presets`). Day curves (`day_curves`) can be asked for here too.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from functools import cache
from typing import Any

from sim.catalog.datafiles import read_yaml
from sim.catalog.day_curves import HOURS, DayCurve, day_curve, day_curves
from sim.catalog.length_dependence import dependence
from sim.catalog.length_tables import LengthTable, Side, length_tables
from sim.catalog.names import UnknownName, find
from sim.catalog.presets import ArrivalPreset, Burst, Evidence, SessionPreset

__all__ = [
    "HOURS",
    "ArrivalPreset",
    "Burst",
    "DayCurve",
    "Evidence",
    "LengthTable",
    "SessionPreset",
    "Workload",
    "day_curve",
    "day_curves",
    "length_table",
    "workload",
    "workloads",
]


@dataclass(frozen=True, kw_only=True)
class Workload:
    """One public trace, or (`assumption`) a stand-in for a kind of traffic that has none.

    `reproduces` says what of the source the numbers give back, `evidence` how nearly, `lacks` what
    they do not; `reasoning` says why a stand-in is as it is (empty: a trace needs no reasons).
    `output_given_input` holds quantiles of the output at `dependence_levels`, a row for each of
    as many equally likely bins of the input's rank; None: independent, or nothing is known.
    `reasoning_share` is the mean part of the output that is hidden reasoning. `template_tokens`
    of every input are the same head in each request; `input` includes them.
    """

    name: str
    title: str
    input: LengthTable
    output: LengthTable
    reproduces: str
    lacks: str
    assumption: bool
    reasoning: str
    evidence: tuple[Evidence, ...]
    source: str
    licence: str
    as_of: date
    dependence_levels: tuple[float, ...] = ()
    output_given_input: tuple[tuple[float, ...], ...] | None = None
    arrivals: ArrivalPreset | None = None
    reasoning_share: float | None = None
    template_tokens: int = 0
    sessions: SessionPreset | None = None


def workload(name: str) -> Workload:
    """Return the workload called *name*; raises `UnknownName`.

    >>> workload("azure-conv-2023").arrivals.bursts[0]
    Burst(variance=0.031, time_s=0.7)
    """
    return find("workload", name, _workloads())


def workloads() -> tuple[Workload, ...]:
    """Return all workloads, in the order of the data file."""
    return tuple(_workloads().values())


def length_table(name: str, field: Side) -> LengthTable:
    """Return the lengths of one side of the workload called *name*; raises `UnknownName`.

    >>> length_table("azure-conv-2023", "output").tokens[-1]
    1000
    """
    entry = workload(name)
    if field not in ("input", "output"):
        raise UnknownName("field of a workload", field, ("input", "output"))
    return entry.input if field == "input" else entry.output


@cache
def _workloads() -> dict[str, Workload]:
    document = read_yaml("workloads.yaml")
    return {row["name"]: _workload(row, document["as_of"]) for row in document["workloads"]}


def _workload(row: dict[str, Any], as_of: date) -> Workload:
    lengths = row.get("lengths_of", row["name"])
    dependence_levels, output_given_input = dependence(row["name"])
    return Workload(
        name=row["name"],
        title=row["title"],
        input=length_tables()[lengths, "input"],
        output=length_tables()[lengths, "output"],
        reproduces=row["reproduces"],
        lacks=row["lacks"],
        assumption=row.get("assumption", False),
        reasoning=row.get("reasoning", ""),
        evidence=_evidence(row.get("evidence", {})),
        source=row["source"],
        licence=row["licence"],
        as_of=as_of,
        dependence_levels=dependence_levels,
        output_given_input=output_given_input,
        arrivals=_arrivals(row["arrivals"]) if "arrivals" in row else None,
        reasoning_share=row.get("reasoning_share"),
        template_tokens=row.get("template_tokens", 0),
        sessions=_sessions(row["sessions"]) if "sessions" in row else None,
    )


def _arrivals(row: dict[str, Any]) -> ArrivalPreset:
    bursts = tuple(Burst(**term) for term in row.get("bursts", ()))
    return ArrivalPreset(**{**row, "bursts": bursts})


def _evidence(row: dict[str, tuple[float, float]]) -> tuple[Evidence, ...]:
    pairs = row.items()
    return tuple(Evidence(figure=f, preset=preset, source=source) for f, (preset, source) in pairs)


def _sessions(row: dict[str, Any]) -> SessionPreset:
    return SessionPreset(**{key: _frozen(value) for key, value in row.items()})


def _frozen(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value
