"""Source: bytes of any kind become text or one clear refusal."""

import os
from pathlib import Path

import pytest

from sim.scenario.source import MAX_BYTES, SourceError, decode, read


def test_utf8_with_and_without_a_mark() -> None:
    assert decode("é\r\n".encode()) == "é\r\n"
    assert decode("\ufeffé".encode()) == "é"
    assert decode(b"") == ""


@pytest.mark.parametrize(
    ("raw", "message", "line"),
    [
        ("a".encode("utf-16"), "is UTF-16; save it as UTF-8", None),
        ("a".encode("utf-32"), "is UTF-32; save it as UTF-8", None),
        ("ab".encode("utf-16-le"), "is UTF-16 or binary; save it as UTF-8", None),
        (b"a: 1\nb: \xe9\n", "is not UTF-8: byte 0xe9; save it as UTF-8", 2),
        (b"x" * (MAX_BYTES + 1), "is larger than 1 MiB", None),
    ],
)
def test_other_bytes(raw: bytes, message: str, line: int | None) -> None:
    with pytest.raises(SourceError) as caught:
        decode(raw)
    assert str(caught.value).startswith(message)
    assert caught.value.line == line


def test_a_file_that_is_not_there_names_its_neighbour(tmp_path: Path) -> None:
    (tmp_path / "quickstart.yaml").write_text("")
    with pytest.raises(SourceError) as caught:
        read(tmp_path / "quikstart.yaml")
    assert str(caught.value) == f"no such file; did you mean '{tmp_path}/quickstart.yaml'?"
    with pytest.raises(SourceError) as caught:
        read(tmp_path / "nowhere" / "x.yaml")
    assert str(caught.value) == "no such file"


def test_what_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="is a folder, not a file"):
        read(tmp_path)
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(SourceError, match="is no file"):
        read(tmp_path / "pipe")
    with pytest.raises(SourceError, match="cannot be read: embedded null byte"):
        read(Path("a\0b"))
