"""Resolved: all defaults are there, and what is written loads again to an equal scenario."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from sim.scenario.load import load, loads
from sim.scenario.resolved import canonical_json, resolved, resolved_yaml
from sim.scenario.starter import starter_text

SCENARIOS = Path(__file__).parents[2] / "scenarios"
LOADABLE = sorted(p.name for p in SCENARIOS.glob("*.yaml") if p.name != "azure-conv-replay.yaml")

ODD = """
name: "1e3"
horizon: 0.1
routes:
  no: {pool: "0x1f", arrivals: {rps: 0.1}, input_tokens: {quantiles: {0: 1, 0.5: 5, 1: 9}},
       output_tokens: {lognormal: {mean: 5, cv: 1}, max: 9}}
pools:
  0x1f:
    timing: {knots_tokens: [1, 2.5], knots_s: [1e-5, 0.1]}
    kv_tokens: 8Ki
    node: {price: 4}
    model: "null"
bill:
  - {line: "yes", driver: months, usd: 1e-3}
  - {line: "1:30", driver: requests, usd: 0.1, route: "no"}
  - {line: "Büro: # 'x'", driver: hours, usd: 1}
"""


def texts() -> dict[str, str]:
    return {"starter": starter_text(), "odd": ODD} | {
        name: (SCENARIOS / name).read_text(encoding="utf-8") for name in LOADABLE
    }


@pytest.mark.parametrize("name", ["starter", "odd", *LOADABLE])
def test_the_way_out_leads_back_in(name: str) -> None:
    scenario = loads(texts()[name])
    again = loads(resolved_yaml(scenario))
    assert again == scenario
    assert canonical_json(again) == canonical_json(scenario)
    assert resolved_yaml(again) == resolved_yaml(scenario)
    assert list(again.routes) == list(scenario.routes)


def test_everything_is_filled_in() -> None:
    pool = resolved(load(SCENARIOS / "quickstart.yaml"))["pools"]["main"]
    assert pool["engine"] == {
        "max_num_seqs": 1024,
        "max_num_batched_tokens": 8192,
        "block_tokens": 16,
        "prefix_caching": True,
        "async_scheduling": True,
        "reserve_full_input": True,
    }
    assert pool["kv_tokens"] == 431_496  # as sim.catalog.kvcapacity says for this pair
    assert pool["host"] == "vllm-0.19"


def test_only_plain_values_come_out() -> None:
    def check(value: Any) -> None:
        assert type(value) in (dict, list, str, int, float, bool)
        for inner in (
            value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
        ):
            check(inner)

    check(resolved(loads(ODD)))


def test_text_that_looks_like_something_else_is_quoted() -> None:
    text = resolved_yaml(loads(ODD))
    assert "name: '1e3'" in text
    assert "line: 'yes'" in text
    assert yaml.safe_load(text)["bill"][1]["line"] == "1:30"  # for readers of YAML 1.1, too
