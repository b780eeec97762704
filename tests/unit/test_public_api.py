"""The public API: what `import sim` gives, lazily, and that it is what the studies do."""

from __future__ import annotations

import subprocess
import sys

import pytest

import sim
from sim.studies.compare import compared
from sim.studies.design import Choices

QUICKSTART = "scenarios/quickstart.yaml"
SHORT = ["horizon=1m", "warmup=0"]


def test_every_public_name_is_there_and_documented() -> None:
    for name in set(sim.__all__) - {"__version__"}:
        assert getattr(sim, name).__doc__
    assert sim.Choices is Choices


def test_an_unknown_name_is_refused() -> None:
    with pytest.raises(AttributeError, match="no attribute 'forecast'"):
        _ = sim.forecast


def test_importing_it_imports_nothing_heavy() -> None:
    code = "import sim, sys; print(*{m.split('.')[0] for m in sys.modules})"
    loaded = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.split()
    assert not {"numpy", "scipy", "matplotlib", "pydantic", "simpy"} & set(loaded)


def test_compare_pairs_what_two_runs_of_one_seed_do() -> None:
    before = sim.load(QUICKSTART, SHORT)
    after = sim.load(QUICKSTART, [*SHORT, "pools.main.replicas=2", "seed=99"])
    both = sim.compare(before, after, replications=2, resized=False)
    assert both.resized is None
    by_hand = compared(
        sim.run(before, replications=2), sim.run(after, seed=before.seed, replications=2)
    )
    path = "usd_per_month"
    assert both.same_fleet.of(path) == by_hand.of(path)


def test_gap_ends_at_the_price_of_the_run() -> None:
    result = sim.run(sim.load(QUICKSTART, SHORT), replications=1)
    ladder = sim.gap(result, requests=100).ladder
    assert ladder is not None
    price = result.summary()["cost"]["usd_per_million_useful_tokens"]["value"]
    assert ladder.levels[0] + sum(ladder.rungs) == pytest.approx(price)


def test_plan_hands_its_options_on(monkeypatch: pytest.MonkeyPatch) -> None:
    given: list[object] = []
    monkeypatch.setattr("sim.studies.plan.plan", lambda *a, **k: given.extend([*a, k]))
    scenario, choices = sim.load(QUICKSTART), Choices(gpus=("l40s",))
    sim.plan(scenario, choices, jobs=2)
    assert given == [scenario, choices, {"jobs": 2}]
