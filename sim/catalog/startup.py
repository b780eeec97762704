"""Startup: how long a cold start takes, phase by phase, as published; knows no clock."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from types import MappingProxyType
from typing import Any

from sim.catalog.datafiles import read_yaml
from sim.catalog.names import find
from sim.units import parse_duration

PHASES = ("provision", "pull", "load", "init", "first_request")
"""The phases of a cold start, in their order."""


@dataclass(frozen=True, kw_only=True)
class Phase:
    """One phase: lognormal by `median_s` and `p95_s`, always `fixed_s`, or weights / `gb_per_s`.

    Exactly one of the three is given; `source` says by what evidence.
    """

    source: str
    median_s: float | None = None
    p95_s: float | None = None
    fixed_s: float | None = None
    gb_per_s: float | None = None


@dataclass(frozen=True, kw_only=True)
class Startup:
    """A cold start: what it is of, and its `phases` in the order of `PHASES`."""

    name: str
    title: str
    phases: Mapping[str, Phase]
    as_of: date


def startup(name: str) -> Startup:
    """Return the startup called *name*; raises `UnknownName`.

    >>> startup("cloud-gpu").phases["provision"].median_s
    240.0
    """
    return find("startup", name, _by_name())


def startups() -> tuple[Startup, ...]:
    """Return all startups, in the order of the data file."""
    return tuple(_by_name().values())


@cache
def _by_name() -> dict[str, Startup]:
    document = read_yaml("startup.yaml")
    evidence = document["evidence"]
    return {
        row["name"]: Startup(
            name=row["name"],
            title=row["title"],
            phases=MappingProxyType({p: _phase(row["phases"][p], evidence) for p in PHASES}),
            as_of=document["as_of"],
        )
        for row in document["startups"]
    }


def _phase(row: dict[str, Any], evidence: Mapping[str, str]) -> Phase:
    times = {f"{k}_s": parse_duration(row[k]) for k in ("median", "p95", "fixed") if k in row}
    source = evidence.get(row["evidence"], row["evidence"])
    return Phase(source=source, gb_per_s=row.get("gb_per_s"), **times)
