"""Lever: one thing that could be changed about a scenario, and what changing it means; no clock."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from sim.scenario.document import Scenario
from sim.scenario.load import changed
from sim.scenario.problem import ScenarioError

Change = Callable[[Scenario], Scenario]
"""Makes the changed scenario of the one there is."""


@dataclass(frozen=True)
class Lever:
    """A change to one route, one pool, or the fleet (`where`), told in a `sentence`.

    `obstacle` says why it does not apply; it is empty where it does.
    """

    name: str
    where: str
    sentence: str
    change: Change
    obstacle: str = ""

    def applied(self, scenario: Scenario) -> Scenario | str:
        """The changed scenario, or why there is none."""
        if self.obstacle:
            return self.obstacle
        try:
            after = self.change(scenario)
        except ScenarioError as error:
            problem = error.problems[0]
            return f"{problem.path}: {problem.message}" if problem.path else problem.message
        return after if after != scenario else "it is so already"


def setting(*values: tuple[Sequence[str], Any]) -> Change:
    """A change that sets (path, value) pairs and validates the scenario again.

    Paths are given in steps, since names may hold dots.
    """
    texts = [f"{'.'.join(steps)}={json.dumps(value)}" for steps, value in values]

    def change(scenario: Scenario) -> Scenario:
        return changed(scenario, texts)

    return change


def impossible(name: str, where: str, sentence: str, obstacle: str) -> Lever:
    """A lever that is listed with the reason why it does not apply."""
    return Lever(name, where, sentence, lambda scenario: scenario, obstacle)
