"""Manifest file: a HorizontalPodAutoscaler as text, among other documents or alone; no clock."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path as FilePath
from typing import Any

from pydantic import ValidationError

from sim.scenario.explain import dotted, findings
from sim.scenario.hint import listed
from sim.scenario.hpa_manifest import HpaManifest
from sim.scenario.problem import Problem, ScenarioError
from sim.scenario.source import SourceError, read
from sim.scenario.yaml12 import Path, Tree, YamlError, lines_of, parse

_KINDS = ("HorizontalPodAutoscaler", "ScaledObject")
"""Kinds that are taken for the autoscaler; the second only to say that it cannot be."""


def read_manifest(path: FilePath) -> HpaManifest:
    """Return the HorizontalPodAutoscaler in the file at *path*; raises ScenarioError."""
    try:
        return parse_manifest(read(path), path.name)
    except SourceError as error:
        column = None if error.line is None else 1
        raise ScenarioError([Problem(path.name, error.line, column, "", str(error))]) from None


def parse_manifest(text: str, name: str = "<text>") -> HpaManifest:
    """Return the one HorizontalPodAutoscaler in *text*, which may have several documents.

    *name* stands for the file in messages. Raises ScenarioError with every problem, by line.
    """
    try:
        tree = _autoscaler(list(_documents(text)), name)
    except YamlError as error:
        problem = Problem(name, error.line, error.column, "", error.message)
        raise ScenarioError([_quoting(problem, text)]) from None
    problems = [Problem(name, twin.line, twin.column, "", twin.message) for twin in tree.twins]
    manifest = None
    try:
        manifest = HpaManifest.model_validate(tree.data)
    except ValidationError as error:
        for finding in findings(error, HpaManifest):
            line, column = _place(tree, finding.path, finding.on_key)
            problems.append(Problem(name, line, column, dotted(finding.path), finding.message))
    if problems or manifest is None:
        raise ScenarioError([_quoting(problem, text) for problem in problems])
    return manifest


def find_manifests(data: Any, folder: FilePath, overridden: Callable[[Path], bool]) -> None:
    """Make all manifest paths in *data* (a scenario's plain data) absolute, in place.

    Relative paths start in *folder*, or in the working directory if ``--set`` gave them.
    """
    pools = data.get("pools") if isinstance(data, dict) else None
    for name, pool in pools.items() if isinstance(pools, dict) else ():
        scaler = pool.get("autoscaler") if isinstance(pool, dict) else None
        if isinstance(scaler, dict) and isinstance(scaler.get("manifest"), str):
            own = overridden(("pools", name, "autoscaler", "manifest"))
            start = FilePath() if own else folder
            scaler["manifest"] = str((start / scaler["manifest"]).absolute())


def _documents(text: str) -> Iterator[Tree]:
    """Yield the documents that are not empty; lines before one are blank, so that places hold."""
    lines = lines_of(text, len(text) + 1)
    starts = [0] + [n for n, line in enumerate(lines) if re.match(r"---(\s|$)", line)]
    for start, end in zip(starts, [*starts[1:], len(lines)], strict=True):
        tree = parse("\n" * start + "\n".join(lines[start:end]))
        if tree.data is not None:
            yield tree


def _autoscaler(documents: list[Tree], name: str) -> Tree:
    """Return the one document that is an autoscaler; raises ScenarioError if there is none."""
    kinds = [d.data.get("kind") if isinstance(d.data, dict) else None for d in documents]
    for wanted in _KINDS:
        found = [d for d, kind in zip(documents, kinds, strict=True) if kind == wanted]
        if len(found) == 1:
            return found[0]
        if found:
            places = " and ".join(f"line {_line(tree)}" for tree in found)
            message = f"has {len(found)} {wanted}s ({places}); keep the one of this pool"
            raise ScenarioError([Problem(name, None, None, "", message)])
    if len(documents) == 1:
        return documents[0]
    there = listed([str(kind) for kind in kinds]) or "nothing"
    message = f"has no {_KINDS[0]} (there is: {there})"
    raise ScenarioError([Problem(name, None, None, "", message)])


def _line(tree: Tree) -> int:
    """Return the line of the document's first key."""
    return min(place.line for path, place in tree.places.items() if path)


def _place(tree: Tree, path: Path, on_key: bool) -> tuple[int, int] | tuple[None, None]:
    """Return line and column of *path*, or of the nearest mapping around it that is there."""
    for length in range(len(path), 0, -1):
        if place := tree.places.get(path[:length]):
            if on_key or length < len(path):
                return place.key_line, place.key_column
            return place.line, place.column
    top = tree.places.get(())
    return (top.line, top.column) if top else (None, None)


def _quoting(problem: Problem, text: str) -> Problem:
    """Return *problem* with the line that it is about."""
    if problem.line is None:
        return problem
    lines = lines_of(text, problem.line)
    source = lines[problem.line - 1] if problem.line <= len(lines) else None
    return Problem(
        problem.file, problem.line, problem.column, problem.path, problem.message, source
    )
