import io
import subprocess
import sys
from pathlib import Path

import click
import pytest

from sim.cli import main
from sim.cli.errors import DEBUG


def test_without_arguments_the_help_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    assert main.invoke([]) == 0
    out = capsys.readouterr().out
    assert all(verb in out for verb in main.VERBS)
    assert "Exit codes" in out


@pytest.mark.parametrize("verb", list(main.VERBS))
def test_every_verb_has_help(verb: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main.invoke([verb, "--help"]) == 0
    assert f"tokenfleet {verb}" in capsys.readouterr().out


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert main.invoke(["--version"]) == 0
    assert capsys.readouterr().out.startswith("tokenfleet 0.")


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["vlidate"], "did you mean validate?"),
        (["xyzzy"], "Verbs: run, "),
        (["--nope"], "No such option"),
        (["run"], "Missing argument 'FILE'"),
        (["run", "f", "--seed", "-1"], "'--seed': -1 is not in the range"),
        (["run", "f", "--replications", "0"], "'--replications': 0 is not in the range"),
        (["catalog", "nope"], "'nope' is not one of"),
    ],
)
def test_wrong_usage_is_one_error_and_2(
    arguments: list[str], text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main.invoke(arguments) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert text in err
    assert len(err.splitlines()) == 2  # what is wrong, and where the help is


def _fails_with(error: BaseException, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*args: object, **kwargs: object) -> None:
        raise error

    monkeypatch.setattr(main.tokenfleet, "main", broken)


def test_a_bug_is_a_short_message_and_1(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv(DEBUG, raising=False)
    _fails_with(KeyError("x\x1b[31m"), monkeypatch)
    assert main.invoke(["run", "f"]) == 1
    err = capsys.readouterr().err
    assert "a bug: KeyError" in err
    assert DEBUG in err
    assert "Traceback" not in err
    assert "\x1b" not in err


def test_debug_shows_the_traceback(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(DEBUG, "1")
    _fails_with(KeyError("x"), monkeypatch)
    assert main.invoke(["run", "f"]) == 1
    assert "Traceback" in capsys.readouterr().err


@pytest.mark.parametrize("error", [KeyboardInterrupt(), click.Abort()])
def test_interrupts_are_130(
    error: BaseException, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    _fails_with(error, monkeypatch)
    assert main.invoke(["run", "f"]) == 130
    assert capsys.readouterr().err == "tokenfleet: interrupted\n"


def test_a_terminal_without_unicode_gets_question_marks(monkeypatch: pytest.MonkeyPatch) -> None:
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding="ascii")
    monkeypatch.setattr(sys, "stdout", stream)
    main.invoke(["--version"])
    print("\u00b5", file=stream, flush=True)
    assert raw.getvalue().endswith(b"?\n")


def test_a_reader_that_leaves_is_no_error() -> None:
    root = Path(main.__file__).parents[2]
    command = f"{sys.executable} -m sim.cli.main catalog; echo $? >&2"
    ended = subprocess.run(
        ["bash", "-c", f"( {command} ) | head -1"], cwd=root, capture_output=True, text=True
    )
    assert ended.stderr == "0\n"
    assert ended.stdout == "GPUs\n"


@pytest.mark.parametrize("arguments", [["--help"], ["validate", "--help"]])
def test_help_needs_none_of_the_heavy_libraries(arguments: list[str]) -> None:
    heavy = "numpy scipy matplotlib pydantic simpy rich.table pyarrow jinja2"
    program = (
        f"import sys; from sim.cli.main import invoke; invoke({arguments!r});"
        f"sys.exit(' '.join(m for m in {heavy.split()!r} if m in sys.modules))"
    )
    root = Path(main.__file__).parents[2]
    ended = subprocess.run(
        [sys.executable, "-c", program], cwd=root, capture_output=True, text=True
    )
    assert ended.stderr.strip() == ""
