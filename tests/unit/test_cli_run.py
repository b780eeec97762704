import io
import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from sim.cli.main import invoke
from tests.unit.summary_fixture import summary

SCENARIO = """
horizon: 5m
warmup: 10s
routes:
  chat:
    pool: main
    arrivals: {rps: 1}
    input_tokens: {fixed: 200}
    output_tokens: {fixed: 20}
    slo: {ttft_p95: 1s}
pools:
  main:
    timing: {knots_tokens: [1, 256, 8192], knots_s: [0.006, 0.009, 0.21]}
    kv_tokens: 40k
    naive: {total_tokens_per_s: 10000}
    node: {usd_per_hour: 4}
"""


@dataclass(frozen=True)
class Told:
    """A result whose summary is the fixture's."""

    document: dict[str, Any]
    notices: tuple[Any, ...] = ()

    def summary(self) -> dict[str, Any]:
        return self.document


@pytest.fixture
def file(tmp_path: Path) -> str:
    path = tmp_path / "s.yaml"
    path.write_text(SCENARIO)
    return str(path)


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Make `run` find *document* instead of simulating; returns it and what was asked for."""
    asked: dict[str, Any] = {"document": summary()}

    def replicate(scenario: Any, **options: Any) -> Told:
        asked.update(options, scenario=scenario)
        return Told(asked["document"])

    monkeypatch.setattr("sim.studies.replications.run", replicate)
    return asked


def test_options_reach_the_study(
    file: str, told: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    options = ["--seed", "9", "--replications", "3", "--jobs", "2", "--set", "horizon=10m"]
    assert invoke(["run", file, *options]) == 0
    assert (told["seed"], told["replications"], told["jobs"]) == (9, 3, 2)
    assert told["scenario"].horizon == 600.0
    assert "$0.770" in capsys.readouterr().out


def test_json_is_one_document_and_nothing_else(
    file: str, told: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    assert invoke(["run", file, "--json"]) == 0
    out, err = capsys.readouterr()
    assert json.loads(out) == told["document"]
    assert err == ""


def test_quiet_is_the_headline(
    file: str, told: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    assert invoke(["run", file, "--quiet"]) == 0
    out, err = capsys.readouterr()
    assert "$0.770" in out
    assert "Prices" not in out
    assert err == ""


@pytest.mark.parametrize(("met", "code"), [(True, 0), (False, 3), (None, 3)])
def test_fail_on_slo(
    met: bool | None,
    code: int,
    file: str,
    told: dict[str, Any],
    capsys: pytest.CaptureFixture[str],
) -> None:
    for row in told["document"]["slo"]:
        row["met"] = True
    told["document"]["slo"][0]["met"] = met
    assert invoke(["run", file, "--fail-on-slo"]) == code
    err = capsys.readouterr().err
    assert err.count("SLO missed: chat TTFT p95 within 1.00 s") == (0 if met else 1)
    assert invoke(["run", file]) == 0


def test_fail_on_slo_without_any_slo_is_bad_input(
    file: str, told: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    assert invoke(["run", file, "--fail-on-slo", "--set", "routes.chat.slo=null"]) == 2
    assert "no route" in capsys.readouterr().err
    assert "scenario" not in told  # nothing was simulated in vain


def test_out_is_checked_before_anything_is_simulated(
    file: str, told: dict[str, Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert invoke(["run", file, "--out", file]) == 2
    assert invoke(["run", file, "--out", str(tmp_path)]) == 2  # the scenario is in there
    assert "scenario" not in told
    assert len(capsys.readouterr().err.splitlines()) == 2


def test_bad_scenarios_are_2(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert invoke(["run", str(tmp_path / "absent.yaml")]) == 2
    assert invoke(["run", str(tmp_path)]) == 2
    assert "Traceback" not in capsys.readouterr().err


def test_interrupted_runs_are_130_and_leave_nothing(
    file: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def replicate(scenario: Any, **options: Any) -> Told:
        (options["spool"] / "000.npz").write_bytes(b"x")
        raise KeyboardInterrupt

    monkeypatch.setattr("sim.studies.replications.run", replicate)
    assert invoke(["run", file, "--out", str(tmp_path / "out")]) == 130
    assert not (tmp_path / "out").exists()
    assert "interrupted" in capsys.readouterr().err


def test_a_trace_that_turns_out_bad_is_2(
    file: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    trace = tmp_path / "t.csv"
    trace.write_text("TIMESTAMP,ContextTokens,GeneratedTokens\n2023-11-16 18:15:46,1,x\n")
    text = SCENARIO.replace("{rps: 1}", f"{{trace: {trace}}}")
    text = "\n".join(line for line in text.splitlines() if "{fixed:" not in line)
    Path(file).write_text(text)
    assert invoke(["run", file, "--replications", "1"]) == 2
    err = capsys.readouterr().err
    assert f"{trace}:2:" in err
    assert "Traceback" not in err


def test_a_real_run_from_file_to_files(
    file: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    assert invoke(["run", file, "--replications", "2", "--jobs", "1", "--out", str(out)]) == 0
    printed, err = capsys.readouterr()
    assert f"start with {out / 'report.html'}" in err
    document = json.loads((out / "summary.json").read_text())
    real = document["cost"]["usd_per_million_useful_tokens"]["value"]
    assert real == pytest.approx(4.0 / document["tokens"]["useful_per_hour"] * 1e6)
    assert f"${real:.3g}" in printed or f"${real:.2f}" in printed
    assert invoke(["validate", str(out / "scenario.resolved.yaml")]) == 0
    assert {p.name for p in (out / "figures").iterdir()} == {
        "cost-by-route.svg",
        "utilization-vs-cost.svg",
        "gpu-hours.svg",
        "latency.svg",
        "timeline-main.svg",
    }
    first = {p.name: p.read_bytes() for p in out.iterdir() if p.is_file()}
    assert invoke(["run", file, "--replications", "2", "--jobs", "2", "--out", str(out)]) == 0
    assert {p.name: p.read_bytes() for p in out.iterdir() if p.is_file()} == first


def test_what_happened_to_a_fleet_is_told_with_and_without_files(
    file: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    happens = [
        "--set",
        "pools.main.rollouts={every: 7d, first: 1m}",
        "--set",
        "pools.main.startup=none",
    ]
    options = ["run", file, "--replications", "1", *happens]
    assert invoke(options) == 0
    told = capsys.readouterr().out
    assert "What happened in pool main" in told
    assert "1.0 min" in told
    assert invoke([*options, "--out", str(tmp_path / "out")]) == 0
    assert "What happened in pool main" in capsys.readouterr().out
    rows = (tmp_path / "out" / "events.csv").read_text().splitlines()
    assert rows[1].startswith("60.0,main,rollout,")
    assert "What happened in pool main" in (tmp_path / "out" / "report.html").read_text()
    assert invoke(["run", file, "--replications", "1"]) == 0
    assert "What happened" not in capsys.readouterr().out


def test_attempts_in_the_file_come_to_the_bill(file: str, tmp_path: Path) -> None:
    pq = pytest.importorskip("pyarrow.parquet")
    out = tmp_path / "out"
    assert invoke(["run", file, "--replications", "1", "--quiet", "--out", str(out)]) == 0
    table = pq.read_table(out / "requests.parquet")
    document = json.loads((out / "summary.json").read_text())
    assert table.num_rows == document["requests"]["attempts"]
    assert sum(table["usd"].to_pylist()) == pytest.approx(document["bill"]["total_usd"], rel=0.02)


def test_a_terminal_sees_no_control_characters_of_the_file(
    file: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    Path(file).write_text(SCENARIO + 'bill:\n  - {line: "a\\e[2Jb", driver: hours, usd: 1}\n')
    stream = io.StringIO()
    monkeypatch.setattr(sys, "stdout", stream)
    assert invoke(["run", file, "--replications", "1"]) in (0, 2)
    assert "\x1b" not in stream.getvalue()
    assert "\x1b" not in capsys.readouterr().err


def test_a_precision_reaches_the_study(file: str, told: dict[str, Any]) -> None:
    asked = ["--precision", "2%", "--precision-p95", "5%", "--max-replications", "40"]
    assert invoke(["run", file, "--quiet", *asked]) == 0
    assert (told["precision"].cost, told["precision"].p95, told["precision"].most) == (
        0.02,
        0.05,
        40,
    )
    assert told["replications"] == 10
    assert invoke(["run", file, "--quiet"]) == 0
    assert (told["precision"], told["replications"]) == (None, 5)


def test_what_has_not_converged_is_said_aloud(
    file: str, told: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    told["document"]["precision"] = {"converged": False}
    assert invoke(["run", file, "--quiet", "--precision", "2%"]) == 0
    assert "NOT CONVERGED" in capsys.readouterr().out


@pytest.mark.parametrize(
    "options",
    [["--precision", "2"], ["--precision", "0%"], ["--precision", "x"], ["--precision-p95", "5%"]],
)
def test_a_precision_is_a_percentage(
    options: list[str], file: str, told: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    assert invoke(["run", file, *options]) == 2
    assert "--precision" in capsys.readouterr().err
    assert "scenario" not in told
