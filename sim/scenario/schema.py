"""Schema: the JSON Schema of scenario files, for editors; knows no clock.

Names of the catalog are offered for completion, but other text is let through: with explicit
timing a model may be called anything, and loading checks the names anyway.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from sim.catalog.bill_prices import bill_prices
from sim.catalog.failures import failure_rates
from sim.catalog.gpus import gpus
from sim.catalog.models import models
from sim.catalog.prices import prices
from sim.catalog.startup import startups
from sim.catalog.workloads import day_curves, workloads
from sim.scenario.document import Scenario

_CATALOG: dict[str, Callable[[], list[str]]] = {
    "gpus": lambda: [card.name for card in gpus()],
    "models": lambda: [shape.name for shape in models()],
    "prices": lambda: [row.key for row in prices()],
    "bill_prices": lambda: [row.key for row in bill_prices()],
    "startups": lambda: [row.name for row in startups()],
    "failure_rates": lambda: [row.name for row in failure_rates()],
    "workloads": lambda: [workload.name for workload in workloads()],
    "day_curves": lambda: [curve.name for curve in day_curves()],
}

_BOUNDS = {"ge": "minimum", "gt": "exclusiveMinimum", "le": "maximum", "lt": "exclusiveMaximum"}


def json_schema() -> dict[str, Any]:
    """Return the JSON Schema (2020-12) of a scenario file; the same for the same catalog."""
    schema: dict[str, Any] = _bounded(Scenario.model_json_schema())
    for node in (schema, *schema["$defs"].values()):
        for name, field in node.get("properties", {}).items():
            node["properties"][name] = _tidy(field)
    head = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Tokenfleet scenario",
    }
    return head | {key: value for key, value in schema.items() if key != "title"}


def schema_text() -> str:
    """Return `json_schema` as the text of ``scenarios/scenario.schema.json``."""
    return json.dumps(json_schema(), indent=1, ensure_ascii=False) + "\n"


def _bounded(node: Any) -> Any:
    """Name bounds as JSON Schema does (pydantic leaves those behind a validator as ge, gt, le).

    Also closes dicts whose keys have a pattern, so that no other key passes.
    """
    if isinstance(node, dict):
        closed = {"additionalProperties": False} if "patternProperties" in node else {}
        return {_BOUNDS.get(key, key): _bounded(value) for key, value in node.items()} | closed
    return [_bounded(item) for item in node] if isinstance(node, list) else node


def _tidy(field: dict[str, Any]) -> dict[str, Any]:
    """Drop titles that repeat the key, and offer the catalog's names where a field takes them."""
    catalog = field.pop("x-catalog", None)
    tidy: dict[str, Any] = {key: value for key, value in field.items() if key != "title"}
    if catalog is None:
        return tidy
    names = {"enum": _CATALOG[catalog]()}
    described: dict[str, Any] = {
        key: tidy.pop(key) for key in ("description", "default") if key in tidy
    }
    return {"anyOf": [names, *tidy.pop("anyOf", [tidy])], **described}
