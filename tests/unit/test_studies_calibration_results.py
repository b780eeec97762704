import json
from pathlib import Path
from typing import Any

import pytest

from sim.scenario.load import loads
from sim.studies.calibration_results import Reading, defaults_of, read_results
from sim.studies.calibration_runs import BenchmarkRun, Load, Serving
from sim.traffic.trace_text import TraceError

RESULT: dict[str, Any] = {
    "label": "h100",
    "request_rate": 25.0,
    "burstiness": 1.0,
    "max_concurrency": None,
    "num_prompts": 3,
    "completed": 3,
    "total_input_tokens": 30,
    "total_output_tokens": 12,
    "output_throughput": 100.0,
    "median_ttft_ms": 50.0,
    "median_tpot_ms": 10.0,
    "mean_ttft_ms": 60.0,
    "mean_tpot_ms": 12.0,
}


def read(tmp_path: Path, *results: dict[str, Any], **reading: Any) -> list[BenchmarkRun]:
    file = tmp_path / "r.json"
    file.write_text("\n".join(json.dumps(one) for one in results))
    return read_results(file, Reading(("main",), **reading))


def test_a_result_is_a_run(tmp_path: Path) -> None:
    (run,) = read(tmp_path, RESULT)
    assert run == BenchmarkRun(
        "h100", "main", Load(3, 25.0, (10,), (4,)), Serving(100.0, 0.010, 0.050)
    )


def test_appended_results_are_several(tmp_path: Path) -> None:
    runs = read(tmp_path, RESULT, {**RESULT, "request_rate": "inf", "max_concurrency": 8})
    assert [run.rate for run in runs] == ["25", "inf (max 8)"]


def test_saved_lengths_and_instants_are_used(tmp_path: Path) -> None:
    detailed = {
        "input_lens": [5, 10, 15],
        "output_lens": [1, 1, 10],
        "start_times": [7.0, 8.5, 9.0],
    }
    (run,) = read(tmp_path, RESULT | detailed)
    assert (run.load.input_tokens, run.load.output_tokens) == ((5, 10, 15), (1, 1, 10))
    assert run.load.sent_at_s == (0.0, 1.5, 2.0)
    # A client that waits for answers sends when it may: its instants are those of one engine only.
    (held,) = read(tmp_path, RESULT | detailed | {"max_concurrency": 2})
    assert held.load.sent_at_s is None


def test_means_stand_in_for_medians(tmp_path: Path) -> None:
    without = {k: v for k, v in RESULT.items() if not k.startswith("median")}
    (run,) = read(tmp_path, without)
    assert (run.statistic, run.measured.ttft_s) == ("mean", 0.060)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"completed": 0}, "r.json:1: has completed 0; needed: a number of at least 1"),
        ({"completed": None}, "r.json:1: has completed None; needed: a number of at least 1"),
        ({"request_rate": -1}, "r.json:1: has request_rate -1; needed: a number of at least 1e-09"),
        ({"output_throughput": "x"}, "r.json:1: has output_throughput 'x'; needed: a number"),
        ({"ramp_up_strategy": "linear"}, "r.json:1: was run with a ramp-up, which is not replayed"),
    ],
)
def test_results_that_cannot_be_replayed(
    tmp_path: Path, change: dict[str, Any], message: str
) -> None:
    with pytest.raises(TraceError) as caught:
        read(tmp_path, RESULT | change)
    assert message in str(caught.value)


def test_a_pool_must_be_known(tmp_path: Path) -> None:
    file = tmp_path / "r.json"
    file.write_text(json.dumps(RESULT))
    with pytest.raises(TraceError, match=r"does not say of which pool it is; give --pool"):
        read_results(file, Reading(("a", "b")))
    assert read_results(file, Reading(("a", "b"), pool="b"))[0].pool == "b"


TABLE = """config,rps,tps_output,ttft_p50_ms,tpot_p50_ms
C1,1,255,38,6.5
C1,inf,6000,,60
A1,1,254,71,12.6
"""
SIZES = {"requests": 500.0, "input_tokens": 512.0, "output_tokens": 256.0}


def table(tmp_path: Path, text: str = TABLE, **reading: Any) -> list[BenchmarkRun]:
    file = tmp_path / "t.csv"
    file.write_text(text)
    return read_results(file, Reading(**{"pools": ("c1",), "defaults": SIZES, **reading}))


def test_rows_of_a_table_are_runs(tmp_path: Path) -> None:
    one, two = table(tmp_path, where={"config": "C1"})
    assert one.load == Load(500, 1.0, (512,), (256,))
    assert one.measured == Serving(255.0, 0.0065, 0.038)
    assert two.load.rps is None
    assert two.measured == Serving(6000.0, 0.060, None)


def test_a_column_may_name_the_pool_in_any_case(tmp_path: Path) -> None:
    found = table(tmp_path, pools=("c1", "a1"), columns={"pool": "config"})
    assert [run.pool for run in found] == ["c1", "c1", "a1"]


def test_heads_can_be_named(tmp_path: Path) -> None:
    text = "load,out,first_s,n\n5,100,0.25,7\n"
    names = {"rps": "load", "output_tokens_per_s": "out", "ttft": "first_s", "requests": "n"}
    (run,) = table(tmp_path, text, columns=names)
    assert run.measured == Serving(100.0, None, 0.25)
    assert run.load.requests == 7


@pytest.mark.parametrize(
    ("text", "reading", "message"),
    [
        ("a,b\n1,2\n", {}, "t.csv:1: has no column of the request rate (rps)"),
        ("rps,b\n1,2\n", {}, "has no column of output_tokens_per_s, tpot_p50_ms or ttft_p50_ms"),
        (TABLE, {"where": {"config": "X"}}, "t.csv: has no row with config=X"),
        (TABLE, {"where": {"x": "X"}}, "t.csv:1: has no column 'x'; there is config, rps"),
        (TABLE, {"columns": {"rps": "x"}}, "t.csv:1: has no column 'x'; there is config"),
        (TABLE, {"columns": {"ttft": "rps"}}, "column 'rps' must end with _ms or _s, its unit"),
        (TABLE, {"defaults": {}}, "t.csv:2: says no requests (1 to 1,000,000); give --requests"),
        (TABLE, {"columns": {"pool": "config"}}, "is of pool 'A1'; the scenario has c1"),
        ("rps,tps_output\n1,x\n", {}, "t.csv:2: tps_output is 'x'; needed: a number above 0"),
        ("rps,tps_output\n,5\n", {}, "t.csv:2: rps is empty"),
    ],
)
def test_tables_that_cannot_be_read(
    tmp_path: Path, text: str, reading: dict[str, Any], message: str
) -> None:
    with pytest.raises(TraceError) as caught:
        table(tmp_path, text, **reading)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_the_scenario_says_what_the_table_does_not() -> None:
    scenario = loads(
        """
routes:
  bench:
    pool: p
    arrivals: {rps: 1, count: 500}
    input_tokens: {fixed: 512}
    output_tokens: {fixed: 9}
pools:
  p: {model: llama-3.1-8b, gpu: h100-nvl, node: {usd_per_hour: 1}}
"""
    )
    assert defaults_of(scenario) == {"requests": 500, "input_tokens": 512, "output_tokens": 9}
