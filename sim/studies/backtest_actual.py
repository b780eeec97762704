"""Backtest actual: what really happened in a period, as somebody wrote it down; knows no clock."""

from __future__ import annotations

import csv
import difflib
import math
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sim.scenario.yaml12 import Path as Steps
from sim.scenario.yaml12 import Tree, YamlError, parse, scalar
from sim.traffic.trace_text import TraceError, lines, shown, whole
from sim.units import parse_duration


@dataclass(frozen=True)
class Kind:
    """A figure that can be compared: where it stands in a summary, and its unit.

    `grows`: it is a total over the period, twice as large in twice the time.
    """

    path: str
    unit: str
    grows: bool = True
    by_route: bool = True


TOKENS, COUNT, HOURS, USD, SECONDS, SHARE = "tokens", "count", "hours", "usd", "seconds", "share"

KINDS: dict[str, Kind] = {
    "requests": Kind("requests.arrived", COUNT),
    "answered_requests": Kind("requests.completed", COUNT),
    "input_tokens": Kind("tokens.useful.input", TOKENS),
    "cached_input_tokens": Kind("tokens.useful.cached_input", TOKENS),
    "output_tokens": Kind("tokens.useful.output", TOKENS),
    "gpu_hours": Kind("gpu_hours.paid", HOURS, by_route=False),
    "bill_usd": Kind("bill.total_usd", USD, by_route=False),
    "usd_per_million_tokens": Kind("cost.usd_per_million_useful_tokens", USD, grows=False),
    "busy": Kind("utilization.busy", SHARE, grows=False, by_route=False),
    "kv": Kind("utilization.kv", SHARE, grows=False, by_route=False),
} | {
    f"{metric}_{quantile}": Kind(f"latency.{metric}_s.{quantile}", SECONDS, grows=False)
    for metric in ("ttft", "tpot", "e2e")
    for quantile in ("mean", "p50", "p95", "p99")
}
"""Figures by the names they have in a file of what really happened."""

EXAMPLE = """\
# What really happened: tokenfleet backtest SCENARIO --actual actual.yaml
# Give what you know; every line can be left out. Totals are over the period.
period: 30d                  # what the totals cover. Default: the scenario's horizon
requests: 10.6M              # that came, retries not counted
answered_requests: 10.5M
input_tokens: 12.4B          # of answered requests; k, M, B and T are powers of 1000
output_tokens: 2.3B
gpu_hours: 4310              # paid, busy or not
bill_usd: 19650              # the whole invoice, as far as the scenario's bill has its lines
ttft_p95: 900ms              # ttft, tpot, e2e; mean, p50, p95, p99
routes:                      # the same figures for single routes, gpu_hours and bill_usd apart
  chat: {requests: 8.1M, ttft_p95: 850ms, tpot_p95: 48ms}
"""
"""An example of the file."""


@dataclass(frozen=True)
class Figure:
    """One figure that really was so much; `route` None: of everything."""

    name: str
    value: float
    route: str | None = None

    @property
    def kind(self) -> Kind:
        """What it is."""
        return KINDS[self.name]

    @property
    def path(self) -> str:
        """Dotted path of the figure in a summary."""
        return self.kind.path if self.route is None else f"routes.{self.route}.{self.kind.path}"


@dataclass(frozen=True)
class Actual:
    """What really happened in `period_s` seconds (None: as long as the scenario's horizon)."""

    figures: tuple[Figure, ...]
    period_s: float | None = None


def read_actual(path: Path, routes: Collection[str]) -> Actual:
    """Read the YAML or CSV file *path*; *routes* are those of the scenario.

    A CSV has the columns figure and actual, and route if any figure is of a single one; a row
    ``period,30d`` says the period. Raises TraceError, with the line, for what is not understood.
    """
    found = _csv(path) if path.suffix.lower() == ".csv" else _yaml(path)
    figures: dict[tuple[str | None, str], Figure] = {}
    period_s: float | None = None
    for line, route, name, value in found:
        if name == "period" and route is None:
            period_s = _period(path, line, value)
            continue
        figure = Figure(name, _value(path, line, route, name, value), route)
        if route is not None and route not in routes:
            raise TraceError(
                path, line, f"no route is called {shown(route)}; there is {', '.join(routes)}"
            )
        if (route, name) in figures:
            raise TraceError(path, line, f"{name} is given twice")
        figures[route, name] = figure
    if not figures:
        raise TraceError(path, None, f"holds no figure; allowed: {', '.join(KINDS)}")
    return Actual(tuple(figures.values()), period_s)


_Entry = tuple[int, str | None, str, Any]
"""Line, route, name, value as written."""


def _yaml(path: Path) -> Iterator[_Entry]:
    try:
        tree = parse(whole(path))
    except YamlError as error:
        raise TraceError(path, error.line, str(error)) from None
    if tree.twins:
        raise TraceError(path, tree.twins[0].line, str(tree.twins[0]))
    if not isinstance(tree.data, Mapping):
        raise TraceError(path, 1, "must be a mapping of figures; --example prints one")
    for name, value in tree.data.items():
        if name != "routes":
            yield _line(tree, (name,)), None, str(name), value
            continue
        if not isinstance(value, Mapping):
            raise TraceError(path, _line(tree, (name,)), "routes must be a mapping of routes")
        for route, figures in value.items():
            if not isinstance(figures, Mapping):
                line = _line(tree, (name, route))
                raise TraceError(path, line, f"routes.{route} must be a mapping of figures")
            for key, one in figures.items():
                yield _line(tree, (name, route, key)), str(route), str(key), one


def _line(tree: Tree, steps: Steps) -> int:
    place = tree.places.get(steps)
    return 1 if place is None else place.key_line


def _csv(path: Path) -> Iterator[_Entry]:
    rows = csv.DictReader(lines(path))
    fields = rows.fieldnames or []
    for name in ("figure", "actual"):
        if name not in fields:
            raise TraceError(
                path, 1, f"has no column {name}; needed: figure and actual, and route if any"
            )
    for row in rows:
        route = (row.get("route") or "").strip() or None
        value = scalar((row["actual"] or "").strip())
        yield rows.line_num, route, (row["figure"] or "").strip(), value


def _period(path: Path, line: int, value: Any) -> float:
    try:
        seconds = parse_duration(str(value))
    except ValueError as error:
        raise TraceError(path, line, f"period {error}") from None
    if seconds <= 0:
        raise TraceError(path, line, f"period must be more than 0 (got {shown(value)})")
    return seconds


def _value(path: Path, line: int, route: str | None, name: str, value: Any) -> float:
    kind = KINDS.get(name)
    allowed = [n for n, k in KINDS.items() if route is None or k.by_route]
    if kind is None or name not in allowed:
        near = difflib.get_close_matches(name, allowed, n=1)
        hint = f"did you mean {near[0]}?" if near else f"allowed: {', '.join(allowed)}"
        of = "" if kind is None else " of a single route"
        raise TraceError(path, line, f"unknown figure {shown(name)}{of}; {hint}")
    try:
        number = _number(kind, value)
    except (TypeError, ValueError, OverflowError) as error:
        raise TraceError(path, line, f"{name} {error}") from None
    if not (math.isfinite(number) and number > 0):
        raise TraceError(path, line, f"{name} must be more than 0 (got {shown(value)})")
    return number


def _number(kind: Kind, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise ValueError(f"must be a number (got {shown(value)})")
    if isinstance(value, int | float):
        return float(value)
    if kind.unit == SECONDS:
        return parse_duration(value)
    if kind.unit in (TOKENS, COUNT):
        return _count(value)
    raise ValueError(f"must be a plain number (got {shown(value)})")


_COUNT = re.compile(r"(\d+(?:\.\d+)?) ?([kMGBT]?)")
_POWERS = {"": 1.0, "k": 1e3, "M": 1e6, "G": 1e9, "B": 1e9, "T": 1e12}


def _count(text: str) -> float:
    """A count with a letter for its size.

    >>> _count("2.4B"), _count("850 k")
    (2400000000.0, 850000.0)
    """
    match = _COUNT.fullmatch(text.strip())
    if match is None:
        raise ValueError(f"must be a number such as 8.1M or 2.4B (got {shown(text)})")
    return float(match[1]) * _POWERS[match[2]]
