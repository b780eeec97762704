import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sim.ledger.events import FleetEvent
from sim.report.atomic import OutError
from sim.report.attempts import COLUMNS
from sim.report.directory import Directory
from sim.report.export import Findings, summary_json, write_out
from sim.report.table import Table
from sim.report.timeseries import RUNNING, WAITING
from tests.unit.summary_fixture import summary


def _attempts(n: int = 3) -> dict[str, Any]:
    whole = {k: np.arange(n) for k, t in COLUMNS.items() if t is int}
    real = {k: np.linspace(0, 1, n) for k, t in COLUMNS.items() if t is float and k != "usd"}
    words = {"route": "chat", "pool": "main", "outcome": "completed"}
    names = {name: np.array([word] * n) for name, word in words.items()}
    return {**whole, **real, **names}


def _findings(document: dict[str, Any] | None = None) -> Findings:
    return Findings(
        summary=summary() if document is None else document,
        scenario_yaml="name: support-assistant\n",
        attempts=[_attempts()],
        usd_of=lambda chunk: np.full(len(chunk["route"]), 0.25),
        timeseries=[
            {"t_s": t * 3600.0, "pool": "main", RUNNING: 3.0, WAITING: 0.0} for t in range(5)
        ],
        events=[FleetEvent(7200.0, "main", "crash", "replica 1 crashed", 2, 1)],
        story=[Table("What happened", (), (), note="1 failure")],
        starts_on="friday",
        curve=[
            {"scale": s, "utilization": 0.17 * s, "usd_per_million": 0.77 / s, "factor": None}
            for s in (0.5, 1.0, 2.0)
        ],
    )


def _hashes(path: Path) -> dict[str, str]:
    files = (p for p in path.rglob("*") if p.is_file())
    return {str(p.relative_to(path)): hashlib.sha256(p.read_bytes()).hexdigest() for p in files}


def test_the_contract_s_files_are_all_there(tmp_path: Path) -> None:
    write_out(Directory(tmp_path / "out"), _findings())
    assert {n for n in _hashes(tmp_path / "out") if not n.startswith("requests.")} == {
        "summary.json",
        "summary.csv",
        "scenario.resolved.yaml",
        "manifest.json",
        "timeseries.csv",
        "events.csv",
        "bill.csv",
        "chargeback.csv",
        "report.html",
        "exhibits.json",
        "figures/cost-by-route.svg",
        "figures/utilization-vs-cost.svg",
        "figures/gpu-hours.svg",
        "figures/timeline-main.svg",
    }
    assert json.loads((tmp_path / "out" / "summary.json").read_text()) == summary()
    page = (tmp_path / "out" / "report.html").read_text()
    assert page.count("<svg ") == 4
    assert "1 failure" in page


def test_the_timeline_has_the_events_and_the_day(tmp_path: Path) -> None:
    write_out(Directory(tmp_path / "out"), _findings())
    picture = (tmp_path / "out" / "figures" / "timeline-main.svg").read_text()
    assert "replica 1 crashed" in picture
    assert "Fri" in picture
    rows = (tmp_path / "out" / "events.csv").read_text().splitlines()
    assert rows[1] == "7200.0,main,crash,replica 1 crashed,2,1"


def test_equal_findings_give_equal_bytes_and_the_manifest_knows_them(tmp_path: Path) -> None:
    for name in ("a", "b"):
        write_out(Directory(tmp_path / name), _findings())
    hashes = _hashes(tmp_path / "a")
    assert hashes == _hashes(tmp_path / "b")
    manifest = json.loads((tmp_path / "a" / "manifest.json").read_text())
    del hashes["manifest.json"]
    assert {name: entry["sha256"] for name, entry in manifest["files"].items()} == hashes
    assert (manifest["scenario"], manifest["seed"]) == ("support-assistant", 7)


def test_a_second_run_takes_away_figures_that_it_has_not(tmp_path: Path) -> None:
    write_out(Directory(tmp_path / "out"), _findings())
    document = summary()
    document["gpu_hours"]["paid"] = 0.0
    write_out(Directory(tmp_path / "out"), _findings(document))
    assert not (tmp_path / "out" / "figures" / "gpu-hours.svg").exists()
    assert (tmp_path / "out" / "figures" / "timeline-main.svg").exists()


def test_nan_is_refused_and_leaves_no_summary(tmp_path: Path) -> None:
    document = summary()
    document["gap"]["factor"] = float("nan")
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_out(Directory(tmp_path / "out"), _findings(document))
    assert not (tmp_path / "out" / "summary.json").exists()


def test_somebody_s_directory_is_refused(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("mine")
    with pytest.raises(OutError):
        write_out(Directory(tmp_path), _findings())
    assert [p.name for p in tmp_path.iterdir()] == ["thesis.txt"]


def test_json_is_ascii() -> None:
    assert "\\u001b" in summary_json({"scenario": "\x1b"})
    assert summary_json({"a": "\u202e"}).isascii()
