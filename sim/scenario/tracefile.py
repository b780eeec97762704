"""Trace file: finds files of traffic that a document names, before it is validated; no clock."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path as FilePath
from typing import Any

from sim.scenario.explain import Finding, dotted
from sim.scenario.yaml12 import Path
from sim.units import shown

_FIELDS = (
    ("arrivals", "trace"),
    ("input_tokens", "empirical"),
    ("output_tokens", "empirical"),
    ("sessions", "turns", "empirical"),
    ("sessions", "first_tokens", "empirical"),
    ("sessions", "follow_up_tokens", "empirical"),
)
"""Where, within a route, the path of a file may stand."""

_NOUNS = {"trace": "trace", "empirical": "file"}


def find_traces(data: Any, folder: FilePath, overridden: Callable[[Path], bool]) -> list[Finding]:
    """Make the paths of traces and of recorded lengths in *data* absolute, in place.

    Relative ones start in *folder*, or in the working directory if ``--set`` gave them. Returns
    what is wrong with them.
    """
    problems: list[Finding] = []
    for path, holder in _named(data):
        key = str(path[-1])
        written = holder[key]
        found = ((FilePath() if overridden(path) else folder) / _at_home(written)).absolute()
        if message := _wrong_with(found):
            remedy = f"give the path of yours with --set {dotted(path)}=PATH"
            message = f"the {_NOUNS[key]} {shown(written)} {message}; {remedy}"
            problems.append(Finding(path, message))
        holder[key] = str(found)
    return problems


def _named(data: Any) -> Iterator[tuple[Path, dict[str, Any]]]:
    """Yield where the path of a file stands, and the mapping that holds it."""
    routes = data.get("routes") if isinstance(data, dict) else None
    for name, route in routes.items() if isinstance(routes, dict) else ():
        for *fields, key in _FIELDS:
            holder = route
            for field in fields:
                holder = holder.get(field) if isinstance(holder, dict) else None
            if isinstance(holder, dict) and _may_be_path(holder.get(key)):
                yield ("routes", name, *fields, key), holder


def _may_be_path(written: Any) -> bool:
    return (
        isinstance(written, str)
        and bool(written.strip())
        and written.isprintable()
        and len(written) <= 4096
    )


def _at_home(written: str) -> FilePath:
    try:
        return FilePath(written).expanduser()
    except RuntimeError:  # nobody's home; then the path means what it says
        return FilePath(written)


def _wrong_with(found: FilePath) -> str | None:
    try:
        if found.is_file():
            with found.open("rb"):
                return None
        return "is not a file" if found.exists() else "does not exist"
    except OSError as error:
        return f"cannot be read ({error.strerror})"
