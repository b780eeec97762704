"""Data files of the catalog, read from inside the package (also from a zipped wheel); no clock."""

from __future__ import annotations

import json
from importlib import resources
from typing import Any


def read_text(name: str) -> str:
    """Return the text of ``data/<name>``."""
    return (resources.files("sim.catalog") / "data" / name).read_text(encoding="utf-8")


def read_json(name: str) -> dict[str, Any]:
    """Parse ``data/<name>``, a JSON object."""
    document: dict[str, Any] = json.loads(read_text(name))
    return document


def read_yaml(name: str) -> dict[str, Any]:
    """Parse ``data/<name>``, a YAML mapping; dates become `datetime.date`."""
    import yaml  # not at the top: the tables in JSON do without it

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # libyaml's, ten times faster, if built
    document: dict[str, Any] = yaml.load(read_text(name), Loader=loader)
    return document
