"""Broken scenarios: every file in tests/scenarios/broken is refused with just the text beside it.

``{...}`` in a text stands for a list of the catalog, which may grow.
"""

from pathlib import Path

import pytest

from sim.catalog.bill_prices import bill_prices
from sim.catalog.failures import failure_rates
from sim.catalog.gpus import gpus
from sim.catalog.models import models
from sim.catalog.prices import prices
from sim.catalog.startup import startups
from sim.catalog.workloads import day_curves, workloads
from sim.scenario.load import load
from sim.scenario.problem import ScenarioError

BROKEN = Path(__file__).parents[1] / "scenarios" / "broken"
NAMES = sorted(file.stem for file in BROKEN.glob("*.yaml"))


def lists() -> dict[str, list[str]]:
    by_gpu = {f"prices of {g.name}": [p.key for p in prices() if p.gpu == g.name] for g in gpus()}
    return by_gpu | {
        "prices of lambda": [p.key for p in prices() if p.provider == "lambda"],
        "bill prices": [row.key for row in bill_prices()],
        "models": [shape.name for shape in models()],
        "gpus": [card.name for card in gpus()],
        "workloads": [workload.name for workload in workloads()],
        "startups": [row.name for row in startups()],
        "failure rates": [rate.name for rate in failure_rates()],
        "day_curves": [curve.name for curve in day_curves()],
    }


def expected(name: str) -> str:
    text = (BROKEN / f"{name}.txt").read_text(encoding="utf-8")
    for key, names in lists().items():
        text = text.replace("{" + key + "}", ", ".join(names))
    return text


@pytest.mark.parametrize("name", NAMES)
def test_the_whole_message(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(BROKEN)
    with pytest.raises(ScenarioError) as caught:
        load(f"{name}.yaml")
    assert str(caught.value) + "\n" == expected(name)


def test_there_are_enough_and_none_is_left_over() -> None:
    assert len(NAMES) >= 10
    assert sorted(file.stem for file in BROKEN.glob("*.txt")) == NAMES
