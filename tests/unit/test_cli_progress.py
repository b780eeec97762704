import io
import sys
import time

import pytest

from sim.cli import progress
from sim.cli.progress import Progress


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "AFTER_S", 0.02)


def _wait_for(stream: io.StringIO, text: str = "\n") -> str:
    deadline_s = time.monotonic() + 5.0
    while text not in stream.getvalue() and time.monotonic() < deadline_s:
        time.sleep(0.005)
    return stream.getvalue()


def test_short_work_says_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = io.StringIO()
    monkeypatch.setattr(sys, "stderr", stream)
    with Progress(quiet=False) as bar:
        bar.update("replications", 1, 5)
    time.sleep(0.06)
    assert stream.getvalue() == ""


def test_long_work_in_a_pipe_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = io.StringIO()
    monkeypatch.setattr(sys, "stderr", stream)
    with Progress(quiet=False) as bar:
        bar.update("replications", 1, 5)
        said = _wait_for(stream)
        bar.update("replications", 2, 5)
    assert said == "tokenfleet: replications: 1 of 5 done, 0 s\n"
    assert stream.getvalue() == said


def test_lines_come_again_after_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "EVERY_S", 0.0)
    stream = io.StringIO()
    monkeypatch.setattr(sys, "stderr", stream)
    with Progress(quiet=False) as bar:
        _wait_for(stream)
        bar.update("loads", 2, 5)
    assert stream.getvalue().endswith("tokenfleet: loads: 2 of 5 done, 0 s\n")


def test_quiet_is_quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = Terminal()
    monkeypatch.setattr(sys, "stderr", stream)
    with Progress(quiet=True):
        time.sleep(0.06)
    assert stream.getvalue() == ""


def test_a_terminal_gets_a_bar_that_names_what_is_done(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm-256color")
    stream = Terminal()
    monkeypatch.setattr(sys, "stderr", stream)
    with Progress(quiet=False) as bar:
        bar.update("replications", 1, 5)
        said = _wait_for(stream, "1/5")
    assert "replications" in said
    assert "1/5" in said
