"""Every figure of the catalog that a scenario uses is told with its source, the user's as yours."""

from __future__ import annotations

from pathlib import Path

import sim
from sim.catalog.gpus import gpu
from sim.studies.assumptions import YOURS, Assumption, assumptions

SCENARIOS = Path(__file__).resolve().parents[2] / "scenarios"


def told(name: str, *changes: str) -> dict[str, Assumption]:
    return {a.path: a for a in assumptions(sim.load(str(SCENARIOS / name), list(changes)))}


def test_the_catalog_is_named_with_source_and_doubt() -> None:
    found = told("support-assistant.yaml")
    card = found["pools.main.gpu"]
    low, high = gpu("h100-sxm").compute_factor_range
    assert card.doubt == f"{low:g} to {high:g}"
    assert "guess" in card.source
    assert "held-out rows" in found["pools.main.timing"].doubt
    assert "AzureLLMInferenceTrace_conv.csv" in found["routes.chat.input_tokens"].source
    assert found["routes.chat.arrivals.mean_rps"].source == YOURS


def test_a_price_is_that_of_a_row_or_yours() -> None:
    assert "(" in told("support-assistant.yaml")["pools.main.node"].source
    pool = "pools.main.node"
    own = told("quickstart.yaml", f"{pool}.price=4.5")
    assert own[pool].source == YOURS
    assert own[pool].says.startswith("$4.5 per node-hour")


def test_explicit_numbers_are_the_users() -> None:
    found = told("contract-engine.yaml")
    assert {a.source for path, a in found.items() if path.startswith("pools.")} == {YOURS}


def test_a_published_rate_of_failures_is_told_from_an_own_one() -> None:
    start = "pools.main.failures.mtbf"
    assert told("quickstart.yaml", f"{start}=typical")[start].source != YOURS
    own = told("quickstart.yaml", f"{start}=123d")[start]
    assert (own.source, own.says) == (YOURS, "a mean of 123 days between failures")


def test_a_cold_start_is_told_only_where_there_is_one() -> None:
    assert "pools.main.startup" not in told("quickstart.yaml")
    assert "min on average" in told("launch-day.yaml")["pools.main.startup"].says
