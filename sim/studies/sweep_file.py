"""Sweep file: what a sweep varies, as a user writes it in YAML; knows no clock."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import Field, Strict, ValidationError, model_validator

from sim.scenario.explain import dotted, findings
from sim.scenario.problem import Problem, ScenarioError
from sim.scenario.scalar import Count, Number
from sim.scenario.source import SourceError, read
from sim.scenario.spec import Fault, Spec
from sim.scenario.yaml12 import Tree, YamlError, lines_of, parse
from sim.studies.grid import Design, DesignError, Point, Range, crossed, grid, spread, zipped

KEY = "vary"
"""The key that tells a sweep file from a scenario."""


class RangeSpec(Spec):
    """The values from `low` to `high`, spread evenly over them or, `scale: log`, their ratios."""

    low: Number = Field(description="The least value.")
    high: Number = Field(description="The greatest value.")
    scale: Literal["linear", "log"] = Field(default="linear", description="What is spread evenly.")
    whole: bool = Field(default=False, description="Whole numbers only.")

    @property
    def range(self) -> Range:
        """The same without its file."""
        return Range(self.low, self.high, self.scale, self.whole)


class SpreadSpec(Spec):
    """So many points that fill a box evenly."""

    points: Annotated[Count, Field(ge=1)] = Field(description="How many points.")
    seed: Count = Field(default=0, description="Another one scrambles the points another way.")
    ranges: dict[str, RangeSpec] = Field(min_length=1, description="Ranges by path.")


class VarySpec(Spec):
    """Designs, crossed with each other where several are given."""

    grid: dict[str, tuple[Any, ...]] | None = Field(default=None, description="All combinations.")
    zip: dict[str, tuple[Any, ...]] | None = Field(
        default=None, description="First with first, ..."
    )
    list: Annotated[tuple[dict[str, Any], ...], Strict(False)] | None = Field(
        default=None, description="Points, one by one."
    )
    sobol: SpreadSpec | None = Field(default=None, description="Sobol's sequence.")
    lhs: SpreadSpec | None = Field(default=None, description="A Latin hypercube.")

    def points(self) -> Sequence[Point]:
        """All points. Raises DesignError."""
        designs: list[Design] = []
        if self.grid is not None:
            designs.append(grid(self.grid))
        if self.zip is not None:
            designs.append(zipped(self.zip))
        if self.list is not None:
            designs.append(_listed(self.list))
        if self.sobol is not None:
            designs.append(_spread("sobol", self.sobol))
        if self.lhs is not None:
            designs.append(_spread("lhs", self.lhs))
        if not designs:
            raise DesignError("nothing is varied: give grid, zip, list, sobol or lhs")
        return crossed(designs)


def _spread(kind: Literal["sobol", "lhs"], spec: SpreadSpec) -> Design:
    return spread(kind, spec.points, {path: r.range for path, r in spec.ranges.items()}, spec.seed)


def _listed(points: Sequence[Point]) -> Design:
    for number, point in enumerate(points, 1):
        if set(point) != set(points[0]) or not point:
            raise DesignError(
                f"point {number} of the list does not set the same paths as the first"
            )
    if not points:
        raise DesignError("the list has no points")
    return points


class SweepSpec(Spec):
    """A sweep: a scenario, what is set in it for all points, and what varies between them."""

    scenario: str = Field(description="The scenario's file, relative to this one.")
    set: dict[str, Any] = Field(default={}, description="Values for all points, by path.")
    replications: Annotated[Count, Field(ge=1, le=1000)] = Field(
        default=5, description="Repetitions of each point."
    )
    seed: Annotated[Count, Field(ge=0, le=2**63 - 1)] | None = Field(
        default=None, description="Seed of all points instead of the scenario's own."
    )
    vary: VarySpec = Field(description="What varies.")

    @model_validator(mode="after")
    def _has_points(self) -> Self:
        try:
            self.vary.points()
        except DesignError as error:
            raise Fault(str(error), KEY) from None
        return self


def is_sweep(text: str) -> bool:
    """Whether *text* is that of a sweep file; False also for what is no YAML at all."""
    try:
        data = parse(text).data
    except YamlError:
        return False
    return isinstance(data, dict) and KEY in data


def load_sweep(path: Path) -> SweepSpec:
    """The sweep in the file at *path*, its scenario's path completed.

    Raises ScenarioError with every problem and its line.
    """
    try:
        text = read(path)
    except SourceError as error:
        raise ScenarioError([Problem(str(path), error.line, None, "", str(error))]) from None
    try:
        tree = parse(text)
    except YamlError as error:
        problem = Problem(str(path), error.line, error.column, "", error.message)
        raise ScenarioError([problem]) from None
    twins = [Problem(str(path), t.line, t.column, "", t.message) for t in tree.twins]
    try:
        spec = SweepSpec.model_validate(tree.data)
    except ValidationError as error:
        raise ScenarioError([*twins, *_problems(error, path, text, tree)]) from None
    if twins:
        raise ScenarioError(twins)
    return spec.model_copy(update={"scenario": str(path.parent / spec.scenario)})


def _problems(error: ValidationError, path: Path, text: str, tree: Tree) -> list[Problem]:
    found = []
    for finding in findings(error, SweepSpec):
        steps = finding.path
        while steps and steps not in tree.places:
            steps = steps[:-1]
        line = column = source = None
        if place := tree.places.get(steps):
            on_key = finding.on_key or steps != finding.path
            line, column = (
                (place.key_line, place.key_column) if on_key else (place.line, place.column)
            )
            source = lines_of(text, line)[line - 1]
        named = dotted(finding.path)
        found.append(Problem(str(path), line, column, named, finding.message, source))
    return found
