"""Schema: the committed file is fresh, describes every key, and agrees with loading."""

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from sim.catalog.models import models
from sim.scenario.load import loads
from sim.scenario.problem import ScenarioError
from sim.scenario.schema import json_schema, schema_text
from sim.scenario.starter import starter_text

SCENARIOS = Path(__file__).parents[2] / "scenarios"
VALIDATOR = jsonschema.Draft202012Validator(json_schema())


def test_the_committed_schema_is_fresh() -> None:
    committed = (SCENARIOS / "scenario.schema.json").read_text(encoding="utf-8")
    remedy = "write sim.scenario.schema.schema_text() to scenarios/scenario.schema.json"
    assert committed == schema_text(), remedy


def test_the_schema_is_one() -> None:
    jsonschema.Draft202012Validator.check_schema(json_schema())
    assert schema_text() == schema_text()


def test_every_key_is_described() -> None:
    schema = json_schema()
    mappings = {name: node for name, node in schema["$defs"].items() if "properties" in node}
    assert set(schema["$defs"]) - set(mappings) == {"FixedDuration"}  # a value, not a mapping
    for name, node in (("Scenario", schema), *mappings.items()):
        assert node["additionalProperties"] is False, name
        for key, field in node["properties"].items():
            assert field.get("description"), f"{name}.{key}"


def test_bounds_are_named_as_json_schema_names_them() -> None:
    rps = json_schema()["$defs"]["PoissonArrivals"]["properties"]["rps"]
    assert (rps["exclusiveMinimum"], rps["maximum"]) == (0, 1e6)


def test_names_of_the_catalog_are_offered() -> None:
    model = json_schema()["$defs"]["Pool"]["properties"]["model"]
    assert model["anyOf"][0] == {"enum": [shape.name for shape in models()]}


@pytest.mark.parametrize("file", sorted(SCENARIOS.glob("*.yaml")), ids=lambda p: p.name)
def test_shipped_scenarios_fit(file: Path) -> None:
    VALIDATOR.validate(yaml.safe_load(file.read_text(encoding="utf-8")))


def test_the_starter_fits() -> None:
    VALIDATOR.validate(yaml.safe_load(starter_text()))


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("horizon",), "soon"),
        (("horizon",), 3600),
        (("horizon",), "1h30m"),
        (("horizn",), "1h"),
        (("seed",), 1.5),
        (("routes", "chat", "arrivals"), {"rps": 1, "mean_rps": 2}),
        (("routes", "chat", "arrivals"), {}),
        (("routes", "chat", "arrivals"), {"concurrency": 5, "think_time": "10s"}),
        (("routes", "chat", "input_tokens"), {"fixed": "8k"}),
        (("routes", "chat", "input_tokens"), {"fixed": "8q"}),
        (("routes", "chat", "input_tokens"), {"quantiles": {"0": 1, "1": "4k"}}),
        (("routes", "chat", "slo", "ttft_p95"), True),
        (("routes", "a b"), {"pool": "main"}),
        (("pools", "main", "node"), {"usd_per_hour": -1}),
        (("pools", "main", "node"), {"price": 4}),
        (("pools", "main", "router"), "random"),
        (("pools", "main", "host"), {"per_step_s": 1e-3}),
        (("pools", "main", "host"), "vllm"),
        (("pools", "main", "engine"), {"async_scheduling": False}),
        (("pools", "main", "naive"), {"total_tokens_per_s": 1e4}),
        (("pools", "main", "queue_limit"), {"0": 512, "5": 100}),
        (("pools", "main", "queue_limit"), "many"),
        (("pools", "main", "replicas"), {"min": 1, "max": 0}),
        (("pools", "main", "replicas"), "3"),
        (("pools", "main", "startup"), "warm"),
        (("pools", "main", "startup"), {"load": {"gb_per_s": 2}}),
        (("pools", "main", "startup"), {"load": {"gb_per_s": 0}}),
        (("pools", "main", "startup"), {"provison": "4m"}),
        (("pools", "main", "failures"), {"mtbf": "typical", "lemons": {"share": "1%"}}),
        (("pools", "main", "failures"), {"request_errors": "200"}),
        (("pools", "main", "failures"), {"request_errors": 2}),
        (("pools", "main", "failures"), {"outages": [{"at": "1h", "for": 60, "share": "80%"}]}),
        (("pools", "main", "rollouts"), {"every": "7d", "sigterm": "kill"}),
        (("pools", "main", "rollouts"), {"every": "7d", "drain": "30s"}),
        (("routes", "chat", "patience"), "60s"),
        (("routes", "chat", "patience"), {"exponential": "60s"}),
        (("routes", "chat", "patience"), {"exponentail": "60s"}),
        (("routes", "chat", "retries"), {"max": "unlimited", "budget": "none"}),
        (("routes", "chat", "retries"), {"max": "unlimited", "budget": "nune"}),
        (("routes", "chat", "retries"), {"on": ["timeout"]}),
        (("bill", 0, "driver"), "token"),
        (("bill",), []),
    ],
)
def test_schema_and_loading_agree(path: tuple[str | int, ...], value: object) -> None:
    document = yaml.safe_load(starter_text())
    target: Any = document
    for step in path[:-1]:
        target = target[step]
    target[path[-1]] = value
    try:
        loads(json.dumps(document))
        loaded = True
    except ScenarioError:
        loaded = False
    assert VALIDATOR.is_valid(document) == loaded
