"""Scenario: bounds of the document, frozen depths, and equality by what it means."""

import json
import math
import pickle
from typing import Any

import pytest
from pydantic import ValidationError

from sim.scenario.document import Scenario

DATA: dict[str, Any] = {
    "name": "small",
    "horizon": "1h",
    "routes": {
        "chat": {
            "pool": "main",
            "arrivals": {"rps": 4},
            "input_tokens": {"fixed": 500},
            "output_tokens": {"fixed": 200},
        }
    },
    "pools": {"main": {"model": "llama-3.1-8b", "gpu": "h100-sxm", "node": {"usd_per_hour": 4}}},
}


def scenario(**changes: Any) -> Scenario:
    return Scenario.model_validate(DATA | changes)


def refusal(**changes: Any) -> str:
    with pytest.raises(ValidationError) as caught:
        scenario(**changes)
    (error,) = caught.value.errors()
    return f"{error['loc'][0]}: {error.get('ctx', {}).get('error', error['msg'])}"


def test_defaults() -> None:
    least = Scenario.model_validate({"routes": DATA["routes"], "pools": DATA["pools"]})
    assert (least.version, least.name, least.horizon, least.warmup) == (
        1,
        "scenario",
        86400.0,
        3600.0,
    )
    assert (least.seed, least.starts_on, least.slo_windows, least.bill) == (0, "monday", 0.99, ())


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"horizon": 0}, "horizon: must be more than 0 (got 0s)"),
        ({"horizon": "401d"}, "horizon: must be at most 400d (got 401d)"),
        ({"horizon": math.nan}, "horizon: must be a finite duration (got nan)"),
        ({"warmup": "401d"}, "warmup: must be at most 400d (got 401d)"),
    ],
)
def test_times_out_of_range(change: dict[str, Any], message: str) -> None:
    assert refusal(**change) == message


@pytest.mark.parametrize(
    "change",
    [
        {"version": 2},
        {"version": True},
        {"seed": -1},
        {"seed": 2**63},
        {"starts_on": "Monday"},
        {"slo_windows": 1.01},
        {"routes": {}},
        {"pools": {}},
        {"name": "a b"},
        {"bill": {}},
    ],
)
def test_values_out_of_range(change: dict[str, Any]) -> None:
    refusal(**change)


def test_the_largest_seed_is_kept_exactly() -> None:
    assert scenario(seed=2**63 - 1).seed == 2**63 - 1


def test_references_are_checked_without_a_file_too() -> None:
    with pytest.raises(ValidationError, match="no pool is called 'mian'"):
        scenario(routes={"chat": DATA["routes"]["chat"] | {"pool": "mian"}})


def test_nothing_inside_can_be_changed() -> None:
    frozen = scenario()
    with pytest.raises(TypeError, match="frozen"):
        frozen.routes["chat"] = frozen.routes["chat"]
    with pytest.raises(ValidationError, match="frozen"):
        frozen.pools["main"].replicas = 3  # type: ignore[misc]


def test_scenarios_are_equal_if_they_mean_the_same() -> None:
    spelt = DATA["pools"]["main"] | {"engine": {"max_num_seqs": 1024}, "host": "vllm-0.19"}
    twin = scenario(pools={"main": spelt}, horizon=3600)
    assert twin == scenario()
    assert hash(twin) == hash(scenario())
    assert scenario(seed=1) != scenario()
    assert scenario() != "small"


def test_the_order_of_keys_means_nothing() -> None:
    turned = Scenario.model_validate(dict(reversed(DATA.items())))
    assert turned.canonical_json() == scenario().canonical_json()


def test_scenarios_pickle() -> None:
    twin = pickle.loads(pickle.dumps(scenario()))
    assert twin == scenario()
    assert list(twin.routes) == ["chat"]


def test_canonical_json_is_json() -> None:
    assert json.loads(scenario().canonical_json()) == scenario().resolved()
