"""Trace file: finds the traces that a document names, before it is validated; knows no clock."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path as FilePath
from typing import Any

from sim.scenario.explain import Finding
from sim.scenario.yaml12 import Path
from sim.units import shown


def find_traces(data: Any, folder: FilePath, overridden: Callable[[Path], bool]) -> list[Finding]:
    """Make all trace paths in *data* absolute, in place; return what is wrong with them.

    Relative paths start in *folder*, or in the working directory if ``--set`` gave them.
    """
    problems: list[Finding] = []
    for route, arrivals in _traced(data):
        path = ("routes", route, "arrivals", "trace")
        written = arrivals["trace"]
        found = ((FilePath() if overridden(path) else folder) / _at_home(written)).absolute()
        if message := _wrong_with(found, written, f"--set routes.{route}.arrivals.trace=PATH"):
            problems.append(Finding(path, message))
        arrivals["trace"] = str(found)
    return problems


def _traced(data: Any) -> Iterator[tuple[str, dict[str, Any]]]:
    routes = data.get("routes") if isinstance(data, dict) else None
    for name, route in routes.items() if isinstance(routes, dict) else ():
        arrivals = route.get("arrivals") if isinstance(route, dict) else None
        if not isinstance(arrivals, dict):
            continue
        trace = arrivals.get("trace")
        if isinstance(trace, str) and trace.strip() and trace.isprintable() and len(trace) <= 4096:
            yield name, arrivals


def _at_home(written: str) -> FilePath:
    try:
        return FilePath(written).expanduser()
    except RuntimeError:  # nobody's home; then the path means what it says
        return FilePath(written)


def _wrong_with(found: FilePath, written: str, remedy: str) -> str | None:
    try:
        if found.is_file():
            with found.open("rb"):
                return None
        what = "is not a file" if found.exists() else "does not exist"
    except OSError as error:
        what = f"cannot be read ({error.strerror})"
    return f"the trace {shown(written)} {what}; give the path of yours with {remedy}"
