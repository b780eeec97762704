import json
from pathlib import Path

import pytest

from sim.cli.main import invoke

MINIMAL = """
routes:
  chat:
    pool: main
    arrivals: {rps: 1}
    input_tokens: {fixed: 100}
    output_tokens: {fixed: 50}
pools:
  main:
    model: llama-3.1-8b
    gpu: h100-sxm
    node: {usd_per_hour: 4}
"""


@pytest.fixture
def good(tmp_path: Path) -> str:
    path = tmp_path / "good.yaml"
    path.write_text(MINIMAL)
    return str(path)


def test_valid(good: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert invoke(["validate", good]) == 0
    out, err = capsys.readouterr()
    assert out == f"{good} is valid: 1 route, 1 pool, 1 day.\n"
    assert err.startswith("warning: pools.main.gpu: ")


def test_overrides_are_validated_too(good: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert invoke(["validate", good, "--set", "horizon=2h"]) == 0
    assert "2 hours" in capsys.readouterr().out
    assert invoke(["validate", good, "--set", "routes.chat.arrivals.rps=-1"]) == 2
    assert "--set #1" in capsys.readouterr().err


def test_all_problems_at_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "bad.yaml"
    path.write_text(MINIMAL.replace("pool: main", "pool: mian").replace("rps: 1", "rps: fast"))
    assert invoke(["validate", str(path)]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert "routes.chat.pool" in err
    assert "routes.chat.arrivals" in err
    assert "Traceback" not in err


def test_json_of_a_good_and_a_bad_file(good: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert invoke(["validate", good, "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["valid"] is True
    assert document["warnings"][0]["path"] == "pools.main.gpu"
    assert invoke(["validate", good, "--json", "--set", "nope=1"]) == 2
    out, err = capsys.readouterr()
    assert err == ""
    document = json.loads(out)
    assert document["valid"] is False
    assert document["problems"][0]["message"]


@pytest.mark.parametrize("name", ["absent.yaml", "."])
def test_no_such_file_or_a_directory(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert invoke(["validate", str(tmp_path / name)]) == 2
    assert len(capsys.readouterr().err.splitlines()) == 1


def test_init_writes_a_file_that_is_valid_and_overwrites_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert invoke(["init"]) == 0
    assert invoke(["validate", "scenario.yaml"]) == 0
    (tmp_path / "scenario.yaml").write_text("mine")
    capsys.readouterr()
    assert invoke(["init"]) == 2
    assert "exists" in capsys.readouterr().err
    assert (tmp_path / "scenario.yaml").read_text() == "mine"
    assert invoke(["init", "absent/x.yaml"]) == 2
    assert capsys.readouterr().err == "tokenfleet: absent/x.yaml: No such file or directory\n"


def test_init_to_stdout_is_the_starter(capsys: pytest.CaptureFixture[str]) -> None:
    from sim.scenario.starter import starter_text

    assert invoke(["init", "-"]) == 0
    assert capsys.readouterr().out == starter_text()


def test_schema_is_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert invoke(["schema"]) == 0
    assert json.loads(capsys.readouterr().out)["title"] == "Tokenfleet scenario"


def _replay(tmp_path: Path, rows: str) -> str:
    (tmp_path / "trace.csv").write_text(
        f"arrived_at_s,input_tokens,output_tokens\n{rows}", encoding="utf-8"
    )
    path = tmp_path / "replay.yaml"
    path.write_text(
        "horizon: 10m\n"
        "routes: {chat: {pool: main, arrivals: {trace: trace.csv}}}\n"
        "pools: {main: {model: llama-3.1-8b, gpu: h100-sxm, node: {usd_per_hour: 4}}}\n",
        encoding="utf-8",
    )
    return str(path)


def test_what_a_trace_holds_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = _replay(tmp_path, "0,100,20\n30,100,0\n90,100,20\n")
    assert invoke(["validate", path]) == 0
    told = capsys.readouterr().out.splitlines()[1]
    assert told.startswith("routes.chat.arrivals.trace: 3 rows read, 2 used over ")
    assert "dropped: 1 " in told
    assert invoke(["validate", path, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)["traces"]["routes.chat.arrivals.trace"]
    assert (found["rows_read"], found["rows_used"]) == (3, 2)


def test_a_bad_row_of_a_trace_is_found_beforehand(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert invoke(["validate", _replay(tmp_path, "0,100,20\n1,many,20\n")]) == 2
    said = capsys.readouterr().err
    assert "trace.csv:3" in said
    assert "Traceback" not in said
