import json
from pathlib import Path

import pytest

from sim.cli.calibrate_steps import from_aiconfigurator
from sim.cli.errors import InputError
from sim.cli.main import invoke
from sim.cli.pairs import pairs
from sim.scenario.load import load

SCENARIO = """
horizon: 5m
warmup: 0s
routes:
  bench:
    pool: main
    arrivals: {rps: 1, count: 20}
    input_tokens: {fixed: 200}
    output_tokens: {fixed: 20}
pools:
  main: {model: llama-3.1-8b, gpu: h100-nvl, node: {usd_per_hour: 4}}
"""
TABLE = "rps,tpot_p50_ms,ttft_p50_ms\n1,9,60\n5,10,62\n20,12,70\n100,20,120\n"


@pytest.fixture
def files(tmp_path: Path) -> list[str]:
    (tmp_path / "s.yaml").write_text(SCENARIO)
    (tmp_path / "t.csv").write_text(TABLE)
    return [str(tmp_path / "s.yaml"), str(tmp_path / "t.csv")]


QUICK = ["--replications", "2", "--jobs", "1", "--keep", "per_prefill_step_s", "--keep",
         "per_sequence_s", "--keep", "compute_factor"]  # fmt: skip


def test_the_block_on_the_screen_can_be_pasted(
    files: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    assert invoke(["calibrate", *files, *QUICK, "--out", str(out)]) == 0
    told = capsys.readouterr().out
    for words in ("Fitted numbers", "Measured and simulated", "Errors in short", "To paste"):
        assert words in told
    names = {p.name for p in out.iterdir()}
    assert names == {"calibration.json", "calibration.yaml", "calibration.svg", "manifest.json"}
    document = json.loads((out / "calibration.json").read_text())
    (tmp_path / "fitted.yaml").write_text(
        SCENARIO.partition("pools:")[0] + document["yaml"].replace(
            "  main:", "  main:\n    model: llama-3.1-8b\n    gpu: h100-nvl\n    "
            "node: {usd_per_hour: 4}"
        )
    )  # fmt: skip
    host = load(tmp_path / "fitted.yaml").pools["main"].host
    fitted = {p["name"]: p["value"] for p in document["parameters"]}
    assert getattr(host, "first_token_s", None) == pytest.approx(fitted["first_token_s"], rel=5e-3)
    assert getattr(host, "per_sequence_s", None) == 26e-6


def test_json_alone(files: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    options = [*QUICK, "--hold-out", "none", "--json", "--quiet"]
    assert invoke(["calibrate", *files, *options]) == 0
    document = json.loads(capsys.readouterr().out)
    assert [run["rate"] for run in document["runs"]] == ["1", "5", "20", "100"]
    assert document["parameters_without_held_out"] is None


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "needs a scenario and at least one file of results"),
        (["{s}"], "needs a scenario and at least one file of results"),
        (["{s}", "{t}", "--pool", "x"], "--pool x: the scenario has main"),
        (["{s}", "{t}", "--column", "speed=x"], "--column speed=...: unknown; allowed: rps"),
        (["{s}", "{t}", "--where", "x"], "--where x: must look like NAME=VALUE"),
        (["{s}", "{t}", "--hold-out", "7"], "hold-out '7': no run has the rate 7"),
        (["{s}", "{t}", "--steps", "{t}"], "only one of them"),
        (["{s}", "nowhere.csv"], "nowhere.csv: "),
        (["--steps", "{t}"], "has no column latency_s"),
        (["--from", "aiconfigurator"], "--from aiconfigurator needs --model and --gpu"),
    ],
)
def test_what_cannot_be_done_is_told_in_a_line(
    files: list[str], arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    given = [a.format(s=files[0], t=files[1]) for a in arguments]
    assert invoke(["calibrate", *given, "--quiet"]) == 2
    error = capsys.readouterr().err
    assert message in error
    assert len(error.strip().splitlines()) == 1


def test_step_times_of_a_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    head = "latency_s,prefill_seqs,prefill_new_tokens,prefill_context_tokens,decode_seqs,"
    rows = [f"{0.006 + 1e-5 * b},0,0,0,{b},{100 * b}" for b in range(1, 40)]
    file = tmp_path / "steps.csv"
    file.write_text("\n".join([f"{head}decode_context_tokens", *rows]))
    assert invoke(["calibrate", "--steps", str(file)]) == 0
    told = capsys.readouterr().out
    assert "Step times" in told
    assert "\ntiming:\n  knots_tokens: [1" in told


def test_pairs() -> None:
    assert pairs("--x", ("a=1", "b=c=d")) == {"a": "1", "b": "c=d"}
    with pytest.raises(InputError, match="--x a: must look like NAME=VALUE"):
        pairs("--x", ("a",))


def test_a_package_is_asked_for_a_model_on_a_card() -> None:
    with pytest.raises(InputError, match="needs --model and --gpu"):
        from_aiconfigurator({"model": "a/b", "gpu": None, "tensor_parallel": 1})
