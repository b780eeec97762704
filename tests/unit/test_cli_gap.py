"""The gap verb: what it prints, writes and refuses."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from sim.cli.gap import gap
from sim.cli.main import invoke
from sim.cli.run_files import directory_of, is_plain, sample_every_s
from sim.report.atomic import OutError
from sim.scenario.load import load

SCENARIO = """
horizon: 15m
warmup: 10s
routes:
  chat:
    pool: main
    arrivals: {rps: 1}
    input_tokens: {exponential: 100}
    output_tokens: {fixed: 10}
pools:
  main:
    timing: {knots_tokens: [1, 8192], knots_s: [0.01, 0.01]}
    kv_tokens: 100000
    engine: {max_num_seqs: 8}
    node: {gpus: 1, usd_per_hour: 3.6}
    redundancy: {spare_replicas: 1}
    startup: none
bill:
  - {line: "crew", driver: hours, usd: 1, kind: people}
"""


@pytest.fixture
def file(tmp_path: Path) -> str:
    path = tmp_path / "small.yaml"
    path.write_text(SCENARIO)
    return str(path)


@pytest.fixture(autouse=True)
def small_samples(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sim.studies.gap.SAMPLE", 100)


FEW = ("--replications", "2", "--jobs", "1")


def test_the_screen(file: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert invoke(["gap", file, *FEW, "--removal"]) == 0
    text = capsys.readouterr().out
    for words in ("small: From $", "whole replicas", "the order matters", "people", "without"):
        assert words in text
    assert "spares" in text
    assert max(map(len, text.splitlines())) <= 100


def test_json_and_nothing_else(file: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert invoke(["gap", file, *FEW, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)["gap"]
    keys = {"cause", "usd_per_million", "factor", "usd_per_month", "ci95", "thin", "sentence"}
    assert all(keys <= set(rung) for rung in found["rungs"])
    total = sum(rung["usd_per_million"] for rung in found["rungs"])
    assert total == pytest.approx(found["real"] - found["naive"], rel=1e-9)
    assert found["rungs"][0]["cause"] == "real_lengths"


def test_quiet_is_one_line(file: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert invoke(["gap", file, "--replications", "1", "--jobs", "1", "--quiet"]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 1


def test_files_with_the_waterfall(
    file: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sim.studies.curve.curve", lambda *_, **__: ())  # other runs, not ours
    out = tmp_path / "out"
    assert invoke(["gap", file, "--replications", "1", "--jobs", "1", "--out", str(out)]) == 0
    assert json.loads((out / "summary.json").read_text())["gap"]["rungs"]
    assert b"<svg" in (out / "figures" / "gap.svg").read_bytes()
    assert "The gap, rung by rung" in (out / "report.html").read_text()


def test_a_benchmark_of_ones_own(file: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert invoke(["gap", file, *FEW, "--benchmark", "1024/1024", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert "1,024 input and 1,024 output" in document["naive"]["source"]


def test_a_wrong_benchmark_is_said_in_a_line(
    file: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    wrong = tmp_path / "wrong.json"
    wrong.write_text("{}")
    assert invoke(["gap", file, "--benchmark", str(wrong)]) == 2
    error = capsys.readouterr().err
    assert "has no throughput in it" in error
    assert "Traceback" not in error


def test_what_files_need(file: str, tmp_path: Path) -> None:
    scenario = load(file)
    assert gap.name == "gap"
    assert not is_plain(scenario)
    assert sample_every_s(scenario, None) == 10.0
    assert directory_of(None) is None
    (tmp_path / "taken").mkdir()
    (tmp_path / "taken" / "letter.txt").write_text("mine")
    with pytest.raises(OutError):
        directory_of(str(tmp_path / "taken"))
