import csv
import io
import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from sim.cli.main import invoke

SCENARIO = """
name: small
horizon: 1m
warmup: 0s
seed: 5
routes:
  chat:
    pool: main
    arrivals: {rps: 1}
    input_tokens: {fixed: 200}
    output_tokens: {exponential: 20}
    slo: {ttft_p95: 1s}
pools:
  main:
    timing: {knots_tokens: [1, 256, 8192], knots_s: [0.006, 0.009, 0.21]}
    kv_tokens: 40k
    naive: {total_tokens_per_s: 10000}
    node: {usd_per_hour: 4}
"""
SWEEP = """
scenario: s.yaml
replications: 1
vary:
  grid: {pools.main.replicas: [1, 2, 3], routes.chat.arrivals.rps: [1, 2, 3, 4]}
"""
FAST = ["--replications", "1", "--jobs", "1"]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "s.yaml").write_text(SCENARIO)
    (tmp_path / "sweep.yaml").write_text(SWEEP)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def results(path: Path) -> list[Any]:
    """Everything in a store but when it was made."""
    with sqlite3.connect(path) as connection:
        tables = ("about", "points", "results")
        found = [connection.execute(f"SELECT * FROM {t} ORDER BY 1").fetchall() for t in tables]
    connection.close()
    return found


def test_from_options_to_a_table_and_files(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = ["--vary", "pools.main.replicas=1,2", "--vary", "routes.chat.arrivals.rps=1,2"]
    assert invoke(["sweep", "s.yaml", *options, *FAST, "--out", "out"]) == 0
    out, err = capsys.readouterr()
    assert "small: 4 points, 1 replications each, seed 5" in out
    assert "the cheapest that meets every SLO: #2" in out
    assert "Kept in s.results.sqlite" in err
    rows = list(csv.DictReader(io.StringIO((folder / "out" / "sweep.csv").read_text())))
    assert [(r["pools.main.replicas"], r["routes.chat.arrivals.rps"]) for r in rows] == [
        ("1", "1"), ("1", "2"), ("2", "1"), ("2", "2"),
    ]  # fmt: skip
    document = json.loads((folder / "out" / "sweep.json").read_text())
    assert (document["best"], document["ok"], document["failed"]) == (2, 4, 0)
    assert (
        float(rows[1]["usd_per_million"])
        == (document["points"][1]["figures"]["usd_per_million"]["value"])
    )
    assert (folder / "out" / "figures" / "cost-map.svg").is_file()
    assert invoke(["sweep", "--show", "s.results.sqlite", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == document


def test_a_sweep_file_and_jobs_change_nothing(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert invoke(["sweep", "sweep.yaml", "--jobs", "1", "--store", "a", "--quiet"]) == 0
    out, err = capsys.readouterr()
    assert out.startswith("the cheapest that meets every SLO: #4")
    assert err == ""
    grid = ["--vary", "pools.main.replicas=1,2,3", "--vary", "routes.chat.arrivals.rps=1,2,3,4"]
    options = ["sweep", "s.yaml", *grid, "--replications", "1", "--jobs", "2", "--store", "b"]
    assert invoke(options) == 0
    assert results(folder / "a") == results(folder / "b")


def test_ranges_and_zip(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    ranges = ["--range", "routes.chat.arrivals.rps=1..4:log", "--sobol", "4"]
    assert invoke(["sweep", "s.yaml", *ranges, *FAST, "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    rates = [p["parameters"]["routes.chat.arrivals.rps"] for p in document["points"]]
    assert len(set(rates)) == 4
    assert all(1 <= rate <= 4 for rate in rates)
    pairs = ["--zip", "--vary", "seed=1,2", "--vary", "pools.main.replicas=1,2"]
    assert invoke(["sweep", "s.yaml", *pairs, *FAST, "--json"]) == 0
    assert len(json.loads(capsys.readouterr().out)["points"]) == 2


def test_failed_points_are_4_and_told(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert invoke(["sweep", "s.yaml", "--vary", "pools.main.replicas=0,1", *FAST]) == 4
    out = capsys.readouterr().out
    assert "Failed; the same command tries again" in out
    assert "must be at least 1" in out
    assert invoke(["sweep", "--show", "s.results.sqlite"]) == 4


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ([], "name a scenario or a sweep file"),
        (["s.yaml"], "nothing is varied"),
        (["absent.yaml", "--vary", "seed=1,2"], "no such file"),
        (["s.yaml", "--vary", "pools.main.replica=1,2"], "did you mean 'replicas'"),
        (["s.yaml", "--vary", "seed"], "must look like path=1,2,3"),
        (["s.yaml", "--vary", "seed=1", "--vary", "seed=2"], "given twice"),
        (["s.yaml", "--range", "seed=1..2"], "--range goes with"),
        (["s.yaml", "--sobol", "4"], "--range goes with"),
        (["s.yaml", "--range", "seed=1-2", "--lhs", "4"], "must look like 1..8"),
        (["s.yaml", "--vary", "seed=1,2", "--scheduler", "tcp://a:1"], "--executor dask"),
        (["s.yaml", "--vary", "seed=1,2", "--store", "s.yaml"], "no file of sweep results"),
        (["--show", "absent.sqlite"], "no such file"),
    ],
)
def test_bad_input_is_2_and_one_line(
    options: list[str], told: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert invoke(["sweep", *options]) == 2
    err = capsys.readouterr().err
    assert told in err
    assert "Traceback" not in err
    assert (folder / "s.yaml").read_text() == SCENARIO


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_read_only_folder_is_one_error(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder.chmod(0o555)
    try:
        assert invoke(["sweep", "s.yaml", "--vary", "seed=1,2", *FAST]) == 2
    finally:
        folder.chmod(0o755)
    assert len(capsys.readouterr().err.splitlines()) == 1


def test_a_sweep_that_is_killed_goes_on_as_if_nothing_had_been(folder: Path) -> None:
    command = [
        sys.executable,
        "-m",
        "sim.cli.main",
        "sweep",
        "sweep.yaml",
        "--jobs",
        "1",
        "--quiet",
    ]
    root = Path(__file__).resolve().parents[2]
    environment = {**os.environ, "PYTHONPATH": str(root)}
    process = subprocess.Popen([*command, "--store", "killed"], env=environment)
    deadline_s = time.monotonic() + 60.0
    while process.poll() is None and time.monotonic() < deadline_s:
        if (folder / "killed").exists() and kept(folder / "killed"):
            process.send_signal(signal.SIGKILL)
            break
        time.sleep(0.01)
    process.wait()
    assert 0 < kept(folder / "killed") < 12
    assert invoke(["sweep", "sweep.yaml", "--jobs", "1", "--quiet", "--store", "killed"]) == 0
    assert invoke(["sweep", "sweep.yaml", "--jobs", "1", "--quiet", "--store", "whole"]) == 0
    assert results(folder / "killed") == results(folder / "whole")


def kept(path: Path) -> int:
    try:
        with sqlite3.connect(path) as connection:
            (count,) = connection.execute("SELECT count(*) FROM results").fetchone()
        connection.close()
    except sqlite3.Error:
        return 0
    return int(count)


def test_an_interrupt_says_that_nothing_is_lost(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("sim.studies.sweep.run_sweep", interrupted)
    assert invoke(["sweep", "s.yaml", "--vary", "seed=1,2", *FAST]) == 130
    assert "results so far are kept in s.results.sqlite" in capsys.readouterr().err
