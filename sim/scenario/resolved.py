"""Resolved: a scenario with nothing left to defaults, as data, JSON and YAML; knows no clock."""

from __future__ import annotations

from typing import Any

import yaml

from sim.scenario.document import Scenario
from sim.scenario.yaml12 import scalar

_HEAD = "# {name}, with every default filled in; it loads like any scenario.\n"


def resolved(scenario: Scenario) -> dict[str, Any]:
    """Return *scenario* as plain values with all defaults filled in, see `Scenario.resolved`."""
    return scenario.resolved()


def canonical_json(scenario: Scenario) -> str:
    """Return *scenario* as one line of JSON: equal text means equal scenarios."""
    return scenario.canonical_json()


def resolved_yaml(scenario: Scenario) -> str:
    """Return `resolved` as YAML text, which `loads` turns into an equal scenario."""
    body = yaml.dump(
        scenario.resolved(), Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=100
    )
    return _HEAD.format(name=scenario.name) + body


class _Dumper(yaml.SafeDumper):
    """Quotes all text that would not be read back as text, by YAML 1.1 or by YAML 1.2."""

    def ignore_aliases(self, data: Any) -> bool:  # equal values are written out, never linked
        return True


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    style = None if isinstance(scalar(text), str) else "'"
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _text)
