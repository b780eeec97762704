"""Load: from a file and ``--set`` overrides to a scenario, or to all that is wrong with it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path as FilePath
from typing import Any

from pydantic import ValidationError

from sim.scenario.document import Scenario
from sim.scenario.explain import Finding, dotted, findings
from sim.scenario.manifestfile import find_manifests
from sim.scenario.override import Override, OverrideError, apply, label
from sim.scenario.problem import Problem, ScenarioError
from sim.scenario.references import broken_references
from sim.scenario.source import SourceError, read
from sim.scenario.tracefile import find_traces
from sim.scenario.yaml12 import Path, Tree, YamlError, lines_of, parse


def load(path: str | FilePath, overrides: Sequence[str] = ()) -> Scenario:
    """Return the scenario in the file at *path*, changed by *overrides* (``a.b=c`` each).

    Trace paths become absolute: those in the file are relative to it, those in overrides to the
    working directory. Raises ScenarioError with every problem that could be found.
    """
    file = FilePath(path)
    try:
        text = read(file)
    except SourceError as error:
        column = None if error.line is None else 1
        raise ScenarioError([Problem(str(path), error.line, column, "", str(error))]) from None
    return loads(text, str(path), overrides, folder=file.parent, default_name=file.stem)


def loads(
    text: str,
    name: str = "<text>",
    overrides: Sequence[str] = (),
    folder: FilePath | None = None,
    default_name: str | None = None,
) -> Scenario:
    """Return the scenario that *text* says; *name* stands for the file in messages.

    *folder* is where relative trace paths start (default: the working directory); *default_name*
    becomes the scenario's name if it gives none. Raises ScenarioError.

    >>> loads("routes: {}")
    Traceback (most recent call last):
    sim.scenario.problem.ScenarioError: <text>: pools: is missing: pools of replicas, by name
    <text>:1:9: routes: must not be empty
        routes: {}
                ^
    """
    reading = _Reading(name, text)
    try:
        reading.tree = parse(text)
    except YamlError as error:
        raise ScenarioError([reading.yaml_problem(error)]) from None
    reading.problems += [reading.yaml_problem(twin) for twin in reading.tree.twins]
    for number, override in enumerate(overrides, 1):
        reading.override(number, override)
    return reading.scenario(folder or FilePath(), default_name)


def changed(scenario: Scenario, overrides: Sequence[str]) -> Scenario:
    """Return *scenario* with *overrides* (``a.b=c`` each) applied; raises ScenarioError.

    What was left to defaults stays so: another GPU brings its own engine settings and memory.
    """
    reading = _Reading("<scenario>", "")
    reading.tree.data = scenario.model_dump(mode="json", exclude_none=True)
    for number, override in enumerate(overrides, 1):
        reading.override(number, override)
    return reading.scenario(FilePath(), None)


@dataclass
class _Reading:
    """One document on its way from text to scenario, and what was wrong so far."""

    name: str
    text: str
    tree: Tree = field(default_factory=lambda: Tree(None))
    overrides: list[Override] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)

    def override(self, number: int, text: str) -> None:
        """Apply one ``--set``."""
        try:
            self.tree.data, override = apply(self.tree.data, number, text)
        except OverrideError as error:
            self.problems.append(Problem(label(number, text), None, None, "", str(error)))
            return
        self.overrides.append(override)

    def scenario(self, folder: FilePath, default_name: str | None) -> Scenario:
        """Validate; raises ScenarioError with all problems."""
        data = self.tree.data
        if data is None:
            message = "is empty; `tokenfleet init` writes a scenario to start from"
            raise ScenarioError([Problem(self.name, None, None, "", message)])
        for finding in find_traces(data, folder, self._is_overridden):
            self._add(finding)
        find_manifests(data, folder, self._is_overridden)
        try:
            scenario = Scenario.model_validate(_named(data, default_name))
        except ValidationError as error:
            for finding in (*findings(error, Scenario), *_references(data)):
                self._add(finding)
        if self.problems:
            raise ScenarioError(self.problems)
        return scenario

    def yaml_problem(self, error: YamlError) -> Problem:
        """Place a mistake in the YAML itself."""
        source = self._line(error.line)
        return Problem(self.name, error.line, error.column, "", error.message, source)

    def _add(self, finding: Finding) -> None:
        path, message = finding.path, finding.message
        if override := self._override_of(path):
            if finding.whole:
                message += f"; to replace all, --set '{dotted(path[:-1])}={{{path[-1]}: ...}}'"
            place = "" if path == override.path else dotted(path)
            self.problems.append(Problem(override.label, None, None, place, message))
            return
        line, column = self._place(path, finding.on_key)
        problem = Problem(self.name, line, column, dotted(path), message, self._line(line))
        self.problems.append(problem)

    def _place(self, path: Path, on_key: bool) -> tuple[int, int] | tuple[None, None]:
        """Return line and column of *path*, or of what should hold it, unless that is all."""
        for length in range(len(path), 0, -1):
            if place := self.tree.places.get(path[:length]):
                if on_key or length < len(path):  # what lacks a key is named by its own key
                    return place.key_line, place.key_column
                return place.line, place.column
        whole = self.tree.places.get(())
        return (whole.line, whole.column) if whole and not path else (None, None)

    def _override_of(self, path: Path) -> Override | None:
        """Return the last override that set *path*, a mapping around it, or all of it."""
        for override in reversed(self.overrides):
            if override.path == path[: len(override.path)]:
                return override
        return None

    def _is_overridden(self, path: Path) -> bool:
        return self._override_of(path) is not None

    def _line(self, number: int | None) -> str | None:
        if number is None:
            return None
        lines = lines_of(self.text, number)
        return lines[number - 1] if number <= len(lines) else None


def _references(data: Any) -> list[Finding]:
    return [Finding.of(fault) for fault in broken_references(data)]


def _named(data: Any, name: str | None) -> Any:
    """Give a document without a name that of its file, if it may be one."""
    if name is None or not isinstance(data, dict) or "name" in data:
        return data
    clean = "".join(c if c.isascii() and (c.isalnum() or c in "_.-") else "-" for c in name)[:100]
    return {"name": clean, **data} if clean[:1].isalnum() else data
