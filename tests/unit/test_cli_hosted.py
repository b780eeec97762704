import json
from pathlib import Path

import pytest

from sim.cli.main import invoke

SCENARIO = """
horizon: 5m
warmup: 10s
routes:
  chat:
    pool: main
    arrivals: {rps: 1}
    input_tokens: {fixed: 200}
    output_tokens: {fixed: 20}
  code:
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
API = "{usd_per_million_input: 2, usd_per_million_output: 20}"


@pytest.fixture
def file(tmp_path: Path) -> str:
    path = tmp_path / "s.yaml"
    path.write_text(SCENARIO)
    return str(path)


def test_everything_on_one_screen_and_in_one_document(
    file: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    api = ["--set", f"hosted={API}", "--jobs", "1", "--replications", "2", "--traffic", "0.5:4"]
    out = tmp_path / "out"
    assert invoke(["hosted", file, *api, "--out", str(out)]) == 0
    shown = capsys.readouterr().out
    for text in ("The same traffic at the API", "Break-even: all traffic", "Keep or send"):
        assert text in shown
    assert invoke(["hosted", file, *api, "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document == json.loads((out / "hosted.json").read_text())
    assert document["break_even"]["verdict"] == "from"
    assert [c["routes"] for c in document["keep_or_send"]["choices"]] == [
        ["chat"], ["code"], ["chat", "code"],
    ]  # fmt: skip
    assert b"own fleet" in (out / "figures" / "break-even.svg").read_bytes()
    assert json.loads((out / "manifest.json").read_text())["complete"] is True


def test_one_question_at_a_time(file: str, capsys: pytest.CaptureFixture[str]) -> None:
    some = ["--set", f"routes.chat.hosted={API}", "--jobs", "1", "--replications", "1"]
    assert invoke(["hosted", file, *some, "--ask", "routes", "--quiet"]) == 0
    shown = capsys.readouterr().out
    assert "Keep or send" in shown
    assert "Break-even" not in shown
    assert "The same traffic" not in shown


@pytest.mark.parametrize(
    ("options", "rule"),
    [
        ([], "names no API to compare with: give hosted:"),
        (["--set", f"routes.chat.hosted={API}"], "names no API for code"),
        (["--set", f"hosted={API}", "--traffic", "4:2"], "must rise"),
        (["--set", f"hosted={API}", "--traffic", "much"], "two numbers such as 0.1:100"),
        (["--set", "hosted={provider: openai, model: gpt-5-mnii}"], "did you mean 'gpt-5-mini'"),
    ],
)
def test_what_is_wrong_is_said_in_a_line(
    file: str, options: list[str], rule: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert invoke(["hosted", file, *options]) == 2
    told = capsys.readouterr()
    assert rule in told.err
    assert told.out == ""
