"""Traffic verbs: tables, JSON and pictures of traces and scenarios; errors are one line and 2."""

from __future__ import annotations

import json
import textwrap
from pathlib import Path

import pytest
import yaml

from sim.cli import traffic_input
from sim.cli.main import invoke
from sim.cli.traffic import traffic
from sim.cli.traffic_picture import check_pictures
from sim.report.atomic import OutError
from sim.scenario.load import loads
from sim.traffic.trace_formats import NAMES
from tests.unit.test_cli_traffic_sample import SCENARIO

SAMPLES = Path(__file__).resolve().parent.parent / "scenarios" / "traces"


def lengths(path: Path) -> str:
    """A table without times, which is fitted fast."""
    rows = "".join(f"{100 + n % 70},{20 + n % 90}\n" for n in range(200))
    path.write_text(f"input_tokens,output_tokens\n{rows}")
    return str(path)


@pytest.fixture
def scenario(tmp_path: Path) -> str:
    path = tmp_path / "s.yaml"
    path.write_text(SCENARIO)
    return str(path)


def minutes_of_traffic(path: Path, header: str = "time,input_tokens,output_tokens") -> str:
    rows = "".join(f"{n * 0.5},{100 + n % 70},{20 + n % 90}\n" for n in range(600))
    path.write_text(f"{header}\n{rows}")
    return str(path)


def test_the_formats_are_those_that_traces_have() -> None:
    assert traffic_input.FORMATS == NAMES


@pytest.mark.parametrize("verb", ["describe", "fit", "check", "sample"])
def test_every_verb_has_help(verb: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert verb in traffic.commands
    assert invoke(["traffic", verb, "--help"]) == 0
    assert f"tokenfleet traffic {verb}" in capsys.readouterr().out


def test_a_trace_is_described_in_tables(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert invoke(["traffic", "describe", minutes_of_traffic(tmp_path / "x.csv"), "--quiet"]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    assert out.startswith("x.csv\n")
    assert all(title in out for title in ("Bursts", "Lengths", "Output tokens by input length"))
    assert max(len(line) for line in out.splitlines()) <= 100


@pytest.mark.parametrize("name", ["burstgpt.csv", "litellm_array.json", "vllm_bench.json"])
def test_every_format_is_described(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert invoke(["traffic", "describe", str(SAMPLES / name), "--json"]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    (found,) = json.loads(out)["workloads"]
    assert found["kind"] == "requests"
    assert found["source"] == name
    assert found["requests"] in (2, 3)


def test_columns_and_units_can_be_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = minutes_of_traffic(tmp_path / "x.csv", "wann,hinein,heraus")
    columns = ["--time-column", "wann", "--input-column", "hinein", "--output-column", "heraus"]
    assert invoke(["traffic", "describe", file, *columns, "--time-unit", "ms", "--json"]) == 0
    (found,) = json.loads(capsys.readouterr().out)["workloads"]
    assert found["span_s"] == pytest.approx(0.3, rel=0.01)
    assert invoke(["traffic", "describe", file, "--time-column", "wenn"]) == 2
    assert "no column 'wenn' (columns.time), did you mean 'wann'?" in capsys.readouterr().err


def test_a_scenario_s_routes_are_described_one_by_one(
    scenario: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert invoke(["traffic", "describe", scenario, "--json"]) == 0
    chat, titles = json.loads(capsys.readouterr().out)["workloads"]
    assert chat["span_s"] == titles["span_s"] == 600.0
    assert chat["requests"] == pytest.approx(2_400, abs=250)
    assert titles["input"]["mean"] == 300.0
    one = [
        "--route",
        "titles",
        "--for",
        "1m",
        "--seed",
        "9",
        "--set",
        "routes.titles.arrivals.rps=9",
    ]
    assert invoke(["traffic", "describe", scenario, "--json", *one]) == 0
    (titles,) = json.loads(capsys.readouterr().out)["workloads"]
    assert titles["span_s"] == 60.0
    assert titles["requests"] == pytest.approx(540, abs=120)


def test_closed_loop_routes_are_left_out_unless_they_are_asked_for(
    scenario: str, capsys: pytest.CaptureFixture[str]
) -> None:
    closed = ["--set", "routes.chat.arrivals={concurrency: 3}"]
    assert invoke(["traffic", "describe", scenario, "--json", *closed]) == 0
    assert len(json.loads(capsys.readouterr().out)["workloads"]) == 1
    assert invoke(["traffic", "describe", scenario, *closed, "--route", "chat"]) == 2
    assert "routes.chat waits for answers" in capsys.readouterr().err


@pytest.mark.parametrize(("form", "head"), [("svg", b"<?xml"), ("png", b"\x89PNG")])
def test_the_picture_goes_where_it_is_told(
    form: str, head: bytes, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file, target = minutes_of_traffic(tmp_path / "x.csv"), tmp_path / f"y.{form}"
    assert invoke(["traffic", "describe", file, "--out", str(target)]) == 0
    assert target.read_bytes().startswith(head)
    assert capsys.readouterr().err.endswith(f"Wrote {target}\n")
    assert invoke(["traffic", "describe", file, "--out", str(target)]) == 2
    assert "exists; name another file, or replace it with --force" in capsys.readouterr().err
    assert invoke(["traffic", "describe", file, "--out", str(target), "--force", "--quiet"]) == 0
    assert capsys.readouterr().err == ""


def test_several_workloads_get_a_picture_each(scenario: str, tmp_path: Path) -> None:
    out = tmp_path / "pictures"
    assert (
        invoke(["traffic", "describe", scenario, "--for", "1m", "--out", str(out), "--json"]) == 0
    )
    assert sorted(path.name for path in out.iterdir()) == ["traffic-chat.svg", "traffic-titles.svg"]


def test_names_of_pictures_are_safe_and_asked_for_before_the_work(tmp_path: Path) -> None:
    made = check_pictures(str(tmp_path / "x.svg"), ["../a b", "c"], replace=False)
    assert [path.name for path in made] == ["x-.._a_b.svg", "x-c.svg"]
    assert check_pictures(None, ["a"], replace=False) == []
    assert check_pictures(str(tmp_path), ["a"], replace=False) == [tmp_path / "traffic.svg"]
    with pytest.raises(OutError, match="there is no directory"):
        check_pictures(str(tmp_path / "no" / "x.svg"), ["a"], replace=False)
    with pytest.raises(OutError, match="there is no directory"):
        check_pictures(str(tmp_path / "no" / "folder"), ["a"], replace=False)


def test_a_fit_is_a_block_to_paste_and_nothing_else_on_stdout(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = minutes_of_traffic(tmp_path / "x.csv")
    assert invoke(["traffic", "fit", file, "--seeds", "2"]) == 0
    out, err = capsys.readouterr()
    assert "x.csv: goodness of fit" in err
    route = yaml.safe_load(out)
    assert set(route) == {"arrivals", "input_tokens", "output_tokens"}
    pools = SCENARIO.partition("pools:")[2]
    chat = textwrap.indent(f"pool: main\n{out}", "    ")
    pasted = loads(f"routes:\n  chat:\n{chat}\npools:{pools}")
    assert pasted.routes["chat"].arrivals.mean_rps == pytest.approx(2.0, rel=0.01)


def test_a_fit_can_be_written_to_a_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file, target = lengths(tmp_path / "x.csv"), tmp_path / "block.yaml"
    assert invoke(["traffic", "fit", file, "--seeds", "2", "--quiet"]) == 0
    block, err = capsys.readouterr()
    assert (block[:1], err) == ("#", "")
    arguments = ["traffic", "fit", file, "--seeds", "2", "--out", str(target)]
    assert invoke(arguments) == 0
    out, err = capsys.readouterr()
    assert out == ""
    assert err.endswith(f"Wrote {target}\n")
    assert target.read_text() == block
    assert invoke(arguments) == 2
    assert invoke([*arguments, "--force", "--quiet"]) == 0


def test_one_service_of_several_is_fitted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "x.csv"
    rows = (f"{600 * n},{name},{60 + n % 7}\n" for name in "ab" for n in range(300))
    path.write_text("t_s,service,requests\n" + "".join(rows))
    assert invoke(["traffic", "fit", str(path), "--service", "b", "--quiet"]) == 0
    assert "x.csv [b]" in capsys.readouterr().out


def test_the_check_shows_tables_and_what_could_not_be_used(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "traces"
    folder.mkdir()
    lengths(folder / "x.csv")
    (folder / "y.csv").write_bytes((SAMPLES / "utf16.csv").read_bytes())
    assert invoke(["traffic", "check", str(folder), "--seeds", "2", "--quiet"]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    assert out.startswith("x.csv: the generator beside the trace\n")
    assert out.partition("Not used\n")[2].split("\n")[1].startswith("  y.csv")
    assert invoke(["traffic", "check", str(folder / "x.csv"), "--seeds", "2", "--json"]) == 0
    (found,) = json.loads(capsys.readouterr().out)["traces"]
    assert found["trace"] == "x.csv"
    assert {"metric", "value", "ask", "floor", "band", "met", "note"} == set(found["rows"][0])
    broken = [str(SAMPLES / name) for name in ("utf16.csv", "zipped.csv")]
    assert invoke(["traffic", "check", *broken]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.endswith("plain or gzip (and 1 more files, likewise)")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["describe", "absent.csv"], "absent.csv: cannot be read (No such file or directory)"),
        (["describe", "absent.yaml"], "absent.yaml: no such file"),
        (["describe", str(SAMPLES / "unsorted.csv")], "unsorted.csv:4: the time"),
        (["describe", str(SAMPLES / "utf16.csv")], "utf16.csv: is UTF-16 text"),
        (["describe", "s.yaml", "--for", "soon"], "--for soon: "),
        (["describe", "s.yaml", "--for", "0s"], "--for 0s: must be more than 0"),
        (["describe", "s.yaml", "--for", "1ms"], "gets no request in 0.001 s"),
        (["describe", "s.yaml", "--route", "chta"], "s.yaml: s has no route 'chta'"),
        (["describe", "s.yaml", "--out", "x.pdf"], "--out x.pdf: allowed: a name in .svg or .png"),
        (["describe", "s.yaml", "--set", "horizon=x"], "--set #1"),
        (["fit", "s.yaml"], "s.yaml is a scenario; give a trace"),
        (["fit", "absent.csv"], "absent.csv: cannot be read"),
        (["fit", "x.csv", "--out", "s.yaml"], "s.yaml exists; name another file"),
        (["fit", "two.csv"], "two.csv has several services; choose one with --service: a, b"),
        (["fit", "two.csv", "--service", "c"], "--service: two.csv has no 'c'; services: a, b"),
        (["check", "absent.csv"], "absent.csv"),
        (["check"], "Missing argument 'PATH...'"),
    ],
)
def test_what_cannot_be_used_is_one_error_and_2(
    arguments: list[str],
    message: str,
    scenario: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    folder = Path(scenario).parent
    (folder / "two.csv").write_text("t_s,service,requests\n" + "0,a,1\n60,a,2\n0,b,1\n60,b,2\n")
    monkeypatch.chdir(folder)
    assert invoke(["traffic", *arguments]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert message in err
    assert "Traceback" not in err
