"""Scenario files: the shipped ones load, help editors, and say what their comments say."""

import subprocess
import sys
from pathlib import Path

import pytest

from sim.scenario.arrivals import PoissonArrivals
from sim.scenario.load import load
from sim.scenario.problem import ScenarioError
from sim.scenario.timing import ExplicitTiming

ROOT = Path(__file__).parents[2]
SCENARIOS = ROOT / "scenarios"
FILES = sorted(SCENARIOS.glob("*.yaml"))


@pytest.mark.parametrize("file", FILES, ids=lambda p: p.name)
def test_the_first_line_is_for_editors(file: Path) -> None:
    first = file.read_text(encoding="utf-8").splitlines()[0]
    assert first == "# yaml-language-server: $schema=./scenario.schema.json"


@pytest.mark.parametrize(
    "file", [f for f in FILES if f.name != "azure-conv-replay.yaml"], ids=lambda p: p.name
)
def test_it_loads_under_its_own_name(file: Path) -> None:
    assert load(file).name == file.stem


def test_the_replay_says_how_to_bring_a_trace(tmp_path: Path) -> None:
    with pytest.raises(ScenarioError) as caught:
        load(SCENARIOS / "azure-conv-replay.yaml")
    (problem,) = caught.value.problems
    assert problem.path == "routes.chat.arrivals.trace"
    assert problem.message == (
        "the trace 'put-your-trace-here.csv' does not exist; give the path of yours with "
        "--set routes.chat.arrivals.trace=PATH"
    )
    trace = tmp_path / "mine.csv"
    trace.write_text("TIMESTAMP,ContextTokens,GeneratedTokens\n")
    replay = load(SCENARIOS / "azure-conv-replay.yaml", [f"routes.chat.arrivals.trace={trace}"])
    assert replay.routes["chat"].input_tokens is None


def test_the_measured_run_is_configuration_c1() -> None:
    run = load(SCENARIOS / "measured-vllm.yaml", ["routes.bench.arrivals.rps=25"])
    pool, arrivals = run.pools["c1"], run.routes["bench"].arrivals
    assert arrivals == PoissonArrivals(rps=25.0, count=500)
    assert (pool.model, pool.gpu, pool.precision) == ("llama-3.1-8b", "h100-nvl", "bf16")
    assert not pool.resolved_engine().prefix_caching
    assert pool.node.usd_per_node_hour == 6.98
    assert run.horizon >= 500 / 1.0  # the slowest rate that was measured is 1 a second


def test_the_arithmetic_in_the_contract_engine_is_right() -> None:
    pool = load(SCENARIOS / "contract-engine.yaml").pools["bench"]
    timing = pool.timing
    assert isinstance(timing, ExplicitTiming)
    slope = (timing.knots_s[2] - timing.knots_s[1]) / (8192 - 256)
    prefill_s = timing.knots_s[1] + (512 - 256) * slope + timing.per_attention_pair_s * 512 * 256
    tpot_s = timing.knots_s[0] + timing.per_context_token_s * 639
    assert prefill_s == pytest.approx(0.015877, abs=5e-7)
    assert tpot_s == pytest.approx(0.006026, abs=5e-7)
    assert prefill_s + 255 * tpot_s == pytest.approx(1.552395, abs=5e-7)
    assert sum(range(512, 767)) / 255 == 639
    assert pool.resolved_kv_tokens() // 16 // -(-767 // 16) == 520
    assert pool.node.usd_per_node_hour == 4.0
    assert pool.node.usd_per_node_hour / (7200 * 768 / 1e6) == pytest.approx(0.723, abs=5e-4)
    assert not pool.resolved_engine().async_scheduling


def test_reading_a_scenario_needs_no_heavy_library() -> None:
    code = (
        "import sys; from sim.scenario.load import load; load(sys.argv[1]); "
        "print([m for m in ('scipy', 'matplotlib', 'rich', 'simpy', 'numpy') if m in sys.modules])"
    )
    run = subprocess.run(
        [sys.executable, "-c", code, str(SCENARIOS / "quickstart.yaml")],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert run.stdout.strip() == "[]"
