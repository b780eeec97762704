import json
from pathlib import Path

import pytest

from sim.cli.main import invoke
from sim.studies.backtest_actual import EXAMPLE

SCENARIO = """
horizon: 5m
warmup: 10s
routes:
  chat:
    pool: main
    arrivals: {rps: 1}
    input_tokens: {fixed: 200}
    output_tokens: {fixed: 20}
pools:
  main:
    timing: {knots_tokens: [1, 256, 8192], knots_s: [0.006, 0.009, 0.21]}
    kv_tokens: 40k
    naive: {total_tokens_per_s: 10000}
    node: {usd_per_hour: 4}
"""
ACTUAL = "period: 1h\nrequests: 3600\nbill_usd: 4\nroutes:\n  chat: {ttft_p50: 20ms}\n"


@pytest.fixture
def files(tmp_path: Path) -> list[str]:
    (tmp_path / "s.yaml").write_text(SCENARIO)
    (tmp_path / "a.yaml").write_text(ACTUAL)
    return [str(tmp_path / "s.yaml"), "--actual", str(tmp_path / "a.yaml"), "--jobs", "1"]


def test_last_month_beside_what_happened(
    files: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    change = ["--change", "routes.chat.arrivals.rps=2"]
    assert invoke(["backtest", *files, "--replications", "3", *change, "--out", str(out)]) == 0
    told = capsys.readouterr().out
    assert "Backtest" in told
    assert "Forecast" in told
    found = json.loads((out / "backtest.json").read_text())
    requests, bill, ttft = found["figures"]
    assert abs(requests["error_pct"]) < 10
    assert bill["simulated"] == pytest.approx(4.0)  # twelve times five minutes at $4 an hour
    assert bill["error_pct"] == pytest.approx(0.0)
    assert ttft["route"] == "chat"
    ahead = found["forecast"]["figures"][0]
    assert ahead["simulated"] == pytest.approx(2 * requests["simulated"], rel=0.15)
    assert ahead["backtest_error_pct"] == requests["error_pct"]


def test_json_alone(files: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert invoke(["backtest", *files, "--replications", "1", "--json", "--quiet"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["forecast"] is None
    assert found["figures"][0]["interval"] is None


def test_the_example_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert invoke(["backtest", "--example"]) == 0
    assert capsys.readouterr().out == EXAMPLE


@pytest.mark.parametrize(
    ("extra", "message"),
    [
        (["--forecast", "x.yaml", "--change", "a=b"], "two ways to say the same; give one"),
        (["--actual", "nowhere.yaml"], "nowhere.yaml: "),
    ],
)
def test_what_cannot_be_done(
    files: list[str], extra: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert invoke(["backtest", *files, *extra, "--quiet"]) == 2
    assert message in capsys.readouterr().err


def test_without_files(capsys: pytest.CaptureFixture[str]) -> None:
    assert invoke(["backtest"]) == 2
    assert "needs a scenario and --actual FILE" in capsys.readouterr().err
