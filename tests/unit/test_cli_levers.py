import json
from pathlib import Path

import pytest

from sim.cli.compare import compare
from sim.cli.levers import levers
from sim.cli.main import invoke
from sim.cli.pairing import jobs_of
from sim.studies import doubts as doubts_module

TEXT = """
horizon: 120s
warmup: 0s
routes:
  chat:
    pool: main
    arrivals: {rps: 1.0}
    input_tokens: {fixed: 100}
    output_tokens: {fixed: 10}
    template_tokens: 100
    slo: {ttft_p95: 5s}
pools:
  main:
    timing: {knots_tokens: [1, 256], knots_s: [0.02, 0.06]}
    engine: {max_num_seqs: 4, max_num_batched_tokens: 256}
    kv_tokens: 20000
    naive: {input_tokens: 200, output_tokens: 10}
    node: {usd_per_hour: 3.6}
    replicas: 2
"""


@pytest.fixture
def file(tmp_path: Path) -> str:
    path = tmp_path / "small.yaml"
    path.write_text(TEXT, encoding="utf-8")
    return str(path)


QUICK = ["--replications", "2", "--jobs", "1"]


def test_the_seed_question_is_one_command(
    file: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    out = tmp_path / "out"
    assert invoke(["levers", file, "--template", "+2000", *QUICK, "--out", str(out)]) == 0
    shown = capsys.readouterr().out
    assert "chat: add 2,000 tokens to the hidden template (100 now) - on the same fleet" in shown
    assert "fleets resized to their SLOs" in shown
    assert "$ per 1,000 requests" in shown
    tree = json.loads((out / "levers.json").read_text(encoding="utf-8"))
    assert tree["levers"][0]["lever"] == "template"
    assert (out / "levers.csv").read_text(encoding="utf-8").startswith("lever,where,change")


def test_levers_can_be_chosen(file: str, capsys: pytest.CaptureFixture[str]) -> None:
    argv = ["levers", file, "--only", "template", "--route", "chat", "--json", *QUICK]
    assert invoke(argv) == 0
    tree = json.loads(capsys.readouterr().out)
    assert [lever["lever"] for lever in tree["levers"]] == ["template"]
    assert tree["left_out"] == []


def test_p95_in_dollars(file: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert invoke(["levers", file, "--slo", "0.5x,2x", *QUICK]) == 0
    shown = capsys.readouterr().out
    assert [line.split()[0] for line in shown.splitlines()[2:5]] == ["0.5x", "1x", "2x"]
    assert "chat.ttft p95 5.00 s" in shown


def test_sensitivity_draws_its_tornado(
    file: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    some = doubts_module.doubts

    def first(scenario: object) -> object:
        return (d for d in some(scenario) if d.name in ("node prices", "failures"))  # type: ignore[arg-type]

    monkeypatch.setattr(doubts_module, "doubts", first)
    out = tmp_path / "out"
    assert invoke(["levers", file, "--sensitivity", *QUICK, "--out", str(out)]) == 0
    assert "node prices" in capsys.readouterr().out
    assert (out / "figures" / "tornado.svg").read_bytes().startswith(b"<?xml")
    assert (out / "sensitivity.csv").exists()


def test_two_sides_are_compared(file: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert invoke(["compare", file, "--set", "pools.main.replicas=3", *QUICK]) == 0
    shown = capsys.readouterr().out
    assert "Each fleet resized to its SLOs" in shown
    assert "+$2,628" in shown
    assert "always the same" in shown
    assert invoke(["compare", file, file, "--same-fleet-only", "--json", *QUICK]) == 0
    tree = json.loads(capsys.readouterr().out)
    assert tree["resized"] is None
    assert not any(f["shown"] for f in tree["same_fleet"]["figures"].values() if f)


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        (["compare", "FILE"], "needs a second file"),
        (["compare", "FILE", "FILE", "FILE"], "compares two files (got 3)"),
        (["compare", "FILE", "--set", "horizon=60s"], "must have the same horizon"),
        (["levers", "FILE", "--template", "lots"], "give e.g. +2000"),
        (["levers", "FILE", "--slo", "0"], "must be within"),
        (["levers", "FILE", "--slo", "fast"], "must be multiples such as"),
        (["levers", "FILE", "--slo", "2x", "--sensitivity"], "give only one of"),
        (["levers", "FILE", "--only", "templat"], "did you mean 'template'"),
        (["levers", "FILE", "--only", "x"], "there is template, cap-output"),
        (["plan", "FILE", "--gpus", ","], "must be names with commas between"),
        (["levers", "FILE", "--route", "chatt"], "no route is called 'chatt'"),
        (["levers", "FILE", "--slo", "2x", "--set", "routes.chat.slo=null"], "no route has an slo"),
    ],
)
def test_what_cannot_be_asked(
    argv: list[str], said: str, file: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert invoke([file if a == "FILE" else a for a in argv]) == 2
    assert said in capsys.readouterr().err


def test_both_verbs_take_the_same_options() -> None:
    shared = {"seed", "replications", "jobs", "out", "as_json", "quiet", "overrides"}
    for command in (compare, levers):
        assert shared <= {option.name for option in command.params}
    assert jobs_of(3) == 3
    assert jobs_of(None) >= 1


def test_an_interrupt_ends_it_cleanly(
    file: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupt(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("sim.studies.paired_runs.simulate", interrupt)
    assert invoke(["levers", file, *QUICK]) == 130
    assert "interrupted" in capsys.readouterr().err
