"""Traffic sample: what is written is the scenario's traffic, whole, once, and never by surprise."""

from __future__ import annotations

import gzip
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from sim.cli.main import invoke
from sim.cli.traffic_sample import sample
from sim.scenario.load import load
from sim.streams import Streams
from sim.traffic.source import batches
from sim.traffic.trace_writer import until
from sim.traffic.traces import Trace

SCENARIO = """
horizon: 10m
starts_on: friday
seed: 3
routes:
  chat:
    pool: main
    arrivals: {rps: 4}
    input_tokens: {exponential: 900}
    output_tokens: {exponential: 200}
    template_tokens: 600
  titles:
    pool: main
    arrivals: {rps: 1}
    input_tokens: {fixed: 300}
    output_tokens: {fixed: 9}
pools:
  main:
    model: llama-3.1-8b
    gpu: h100-sxm
    node: {usd_per_hour: 4}
"""


@pytest.fixture
def scenario(tmp_path: Path) -> str:
    path = tmp_path / "s.yaml"
    path.write_text(SCENARIO)
    return str(path)


def drawn(scenario: str, seed: int = 3, replication: int = 0) -> list[tuple[float, int, int]]:
    loaded = load(scenario)
    return [
        row
        for batch in until(batches(loaded, Streams(seed, replication), 0.0), loaded.horizon)
        for row in zip(batch.arrived_at_s, batch.input_tokens, batch.output_tokens, strict=True)
    ]


@pytest.mark.parametrize(
    ("name", "exact_s"),
    [("x.csv", 1e-7), ("x.csv.gz", 1e-7), ("x.jsonl", 1e-3), ("x.jsonl.gz", 1e-3)],
)
def test_a_sample_reads_back_as_what_was_drawn(
    name: str, exact_s: float, scenario: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / name
    assert invoke(["traffic", "sample", scenario, "--out", str(path)]) == 0
    rows = drawn(scenario)
    read = list(Trace(path).requests())
    start_s = rows[0][0]
    assert [(r.input_tokens, r.output_tokens) for r in read] == [row[1:] for row in rows]
    assert [r.at_s for r in read] == pytest.approx([row[0] - start_s for row in rows], abs=exact_s)
    out, err = capsys.readouterr()
    assert out == ""
    format_ = "azure" if "csv" in name else "mooncake"
    assert err.endswith(f"Wrote {len(rows):,} requests to {path} ({format_})\n")
    assert (path.read_bytes()[:2] == b"\x1f\x8b") is name.endswith(".gz")


def test_templates_are_shared_in_mooncake_s_format(scenario: str, tmp_path: Path) -> None:
    path = tmp_path / "x.jsonl"
    assert invoke(["traffic", "sample", scenario, "--out", str(path), "--quiet"]) == 0
    heads = [r.hash_ids[0] for r in Trace(path).requests() if r.hash_ids and r.input_tokens > 600]
    assert len(heads) > 1_000
    assert len(set(heads)) == 1


def test_conversations_send_their_blocks_again(scenario: str, tmp_path: Path) -> None:
    path = tmp_path / "x.jsonl"
    sessions = "routes.chat.sessions={turns: {fixed: 4}, think_time: 20s}"
    options = ["--set", sessions, "--route", "chat", "--quiet"]
    assert invoke(["traffic", "sample", scenario, "--out", str(path), *options]) == 0
    seen: set[int | str] = set()
    again = asked = 0
    for request in Trace(path).requests():
        assert request.hash_ids is not None
        asked += len(request.hash_ids)
        again += sum(one in seen for one in request.hash_ids)
        seen.update(request.hash_ids)
    assert 0.5 < again / asked < 0.9  # a fourth turn has three fourths of its prompt from before


def test_a_replayed_trace_keeps_what_its_prompts_share(tmp_path: Path) -> None:
    rows = ([0, 1, 2], [0, 1, 3], [4])
    text = "".join(
        f'{{"timestamp": {n}, "input_length": {512 * len(ids) - 5}, "output_length": 7, '
        f'"hash_ids": {ids}}}\n'
        for n, ids in enumerate(rows)
    )
    (tmp_path / "t.jsonl").write_text(text)
    pools = SCENARIO.partition("pools:")[2]
    path, out = tmp_path / "replay.yaml", tmp_path / "x.jsonl"
    path.write_text(
        f"routes: {{chat: {{pool: main, arrivals: {{trace: t.jsonl}}}}}}\npools:{pools}"
    )
    assert invoke(["traffic", "sample", str(path), "--out", str(out), "--quiet"]) == 0
    one, two, three = (request.hash_ids or () for request in Trace(out).requests())
    assert [len(ids) for ids in (one, two, three)] == [3, 3, 1]
    assert one[:2] == two[:2]
    assert len({*one, *two, *three}) == 5


def test_equal_arguments_give_equal_bytes_and_others_do_not(scenario: str, tmp_path: Path) -> None:
    def written(*options: str) -> bytes:
        path = tmp_path / "x.csv.gz"
        arguments = ["traffic", "sample", scenario, "--out", str(path), "--force", *options]
        assert invoke([*arguments, "--quiet"]) == 0
        return path.read_bytes()

    plain = written()
    assert written() == plain == written("--seed", "3") == written("--replication", "0")
    assert len({plain, written("--seed", "4"), written("--replication", "1")}) == 3
    assert gzip.decompress(written("--set", "horizon=1m")).count(b"\n") < plain.count(b"\n") * 100


def test_one_route_is_its_part_of_all(
    scenario: str, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    def rows(*options: str) -> list[bytes]:
        arguments = ["traffic", "sample", scenario, "--out", "-", "--format", "azure"]
        assert invoke([*arguments, *options]) == 0
        out, err = capfdbinary.readouterr()
        assert b"Wrote " in err
        return out.splitlines()

    merged, chat, titles = rows(), rows("--route", "chat"), rows("--route", "titles")
    assert sorted(merged[1:]) == sorted(chat[1:] + titles[1:])
    assert all(row.endswith(b",300,9") for row in titles[1:])
    assert merged[1].startswith(b"2024-01-05 00:00:0")  # a Friday


CLOSED = "routes.chat.arrivals={concurrency: 3}"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--out", "x.txt"], "the name does not tell the format; end it in .csv or .jsonl"),
        (["--out", "-"], "--out -: the name does not tell the format"),
        (["--out", "absent/x.csv"], "there is no directory absent"),
        (["--out", "s.yaml", "--format", "azure"], "s.yaml exists; name another file, or"),
        (["--out", "x.csv", "--route", "chta"], "--route: there is no 'chta'; routes: chat, title"),
        (["--out", "x.csv", "--set", CLOSED], "routes.chat is closed-loop: its requests come when"),
        (["--out", "x.csv", "--set", "horizon=1ms"], "no request arrives within the horizon"),
        (["--out", "x.csv", "--set", "horizon=soon"], "--set #1"),
        (["--out", "x.csv", "--format", "csv"], "'csv' is not one of 'azure', 'mooncake'"),
        ([], "Missing option '--out'"),
    ],
)
def test_what_cannot_be_written_is_one_error_and_2(
    options: list[str],
    message: str,
    scenario: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(Path(scenario).parent)
    assert invoke(["traffic", "sample", "s.yaml", *options]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert message in err
    assert "Traceback" not in err
    assert [path.name for path in Path().iterdir()] == ["s.yaml"]


def test_an_open_route_beside_a_closed_one_can_be_sampled(scenario: str, tmp_path: Path) -> None:
    arguments = ["--out", str(tmp_path / "x.csv"), "--set", CLOSED, "--route", "titles", "--quiet"]
    assert invoke(["traffic", "sample", scenario, *arguments]) == 0


def test_a_broken_trace_leaves_nothing_behind(tmp_path: Path) -> None:
    rows = "".join(f"{second},10,20\n" for second in range(2000)) + "1,10,20\n"
    (tmp_path / "t.csv").write_text(f"time,input_tokens,output_tokens\n{rows}")
    path = tmp_path / "replay.yaml"
    pools = SCENARIO.partition("pools:")[2]
    path.write_text(f"routes: {{chat: {{pool: main, arrivals: {{trace: t.csv}}}}}}\npools:{pools}")
    before = set(tmp_path.iterdir())
    assert invoke(["traffic", "sample", str(path), "--out", str(tmp_path / "x.csv")]) == 2
    assert set(tmp_path.iterdir()) == before


def _heeding_interrupts() -> None:
    """Take an interrupt as a terminal's program does: a job in the background would ignore it."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


def test_an_interrupt_leaves_the_old_file(scenario: str, tmp_path: Path) -> None:
    target = tmp_path / "x.csv"
    target.write_text("old")
    arguments = ["--out", str(target), "--force", "--set", "horizon=400d", "--quiet"]
    command = [sys.executable, "-m", "sim.cli.main", "traffic", "sample", scenario]
    with subprocess.Popen([*command, *arguments], preexec_fn=_heeding_interrupts) as process:
        try:
            deadline = time.monotonic() + 8
            while not list(tmp_path.glob(".tokenfleet-*")) and time.monotonic() < deadline:
                time.sleep(0.02)
            process.send_signal(signal.SIGINT)
            assert process.wait(timeout=8) == 130
        finally:
            process.kill()
    assert target.read_text() == "old"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["s.yaml", "x.csv"]


def test_the_help_says_what_the_formats_are(capsys: pytest.CaptureFixture[str]) -> None:
    assert sample.name == "sample"
    assert invoke(["traffic", "sample", "--help"]) == 0
    assert "--format [azure|mooncake]" in capsys.readouterr().out
