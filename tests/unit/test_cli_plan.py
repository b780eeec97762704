import json
from pathlib import Path

import pytest

from sim.cli.main import invoke

TINY = """
horizon: 10m
warmup: 1m
slo_windows: 0.5
routes:
  chat:
    pool: main
    arrivals: {rps: 0.7}
    input_tokens: {fixed: 100}
    output_tokens: {exponential: 20}
    slo: {ttft_p95: 8s}
pools:
  main:
    timing: {knots_tokens: [1, 256], knots_s: [0.2, 0.6]}
    engine: {max_num_seqs: 4, max_num_batched_tokens: 256}
    kv_tokens: 20k
    replicas: 3
    naive: {input_tokens: 100, output_tokens: 20}
    node: {usd_per_hour: 2.0}
"""


@pytest.fixture
def file(tmp_path: Path) -> str:
    path = tmp_path / "tiny.yaml"
    path.write_text(TINY, encoding="utf-8")
    return str(path)


def test_a_plan_from_file_to_files(
    file: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    plan = ["plan", file, "--replications", "2", "--jobs", "1", "--growth", "3"]
    assert invoke([*plan, "--out", str(out)]) == 0
    screen = capsys.readouterr().out
    assert "The plan" in screen
    assert "x today's traffic" in screen
    document = json.loads((out / "plan.json").read_text(encoding="utf-8"))
    assert document["pools"]["main"]["choice"]["met"]
    planned = out / "scenario.planned.yaml"
    assert invoke(["validate", str(planned)]) == 0
    capsys.readouterr()
    assert invoke([*plan, "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == document


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--gpus", "h1000"], "h1000"),
        (["--precisions", "fp4"], "fp4"),
        (["--tensor-parallel", "0"], "at least 1"),
        (["--max-num-seqs", "many"], "whole numbers"),
        (["--price", "h100-sxm"], "h100-sxm=2.50"),
        (["--price", "h100-sxm=-1"], "h100-sxm=2.50"),
        (["--price", "h1000=1"], "h1000"),
        (["--set", "routes.chat.slo=null"], "no route has an slo"),
    ],
)
def test_bad_input_is_one_line(
    file: str, arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert invoke(["plan", file, *arguments]) == 2
    error = capsys.readouterr().err
    assert said in error
    assert "Traceback" not in error


def test_no_such_fleet_can_be_an_error(file: str, capsys: pytest.CaptureFixture[str]) -> None:
    impossible = ["--set", "routes.chat.slo={tpot_p95: 1ms}", "--replications", "2"]
    assert invoke(["plan", file, *impossible, "--jobs", "1", "--fail-on-slo", "--quiet"]) == 3
    assert "no design was found" in " ".join(capsys.readouterr().out.split())
