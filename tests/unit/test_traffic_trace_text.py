"""Trace text: unpacking, decoding, and the bounds on what a file may hold."""

from __future__ import annotations

import gzip
import pickle
from pathlib import Path

import pytest

from sim.traffic import trace_text
from sim.traffic.trace_text import HEAD_BYTES, TraceError, head, lines, shown, whole


def failure(path: Path) -> str:
    with pytest.raises(TraceError) as caught:
        list(lines(path))
    return str(caught.value)


def test_gzip_is_told_by_its_first_bytes(tmp_path: Path) -> None:
    text = b"a,b\r\n1,2\n"
    plain, packed, members = (tmp_path / name for name in ("x.gz", "x.csv", "y.csv"))
    plain.write_bytes(text)
    packed.write_bytes(gzip.compress(text))
    members.write_bytes(gzip.compress(text[:4]) + gzip.compress(text[4:]))
    for path in (plain, packed, members):
        assert list(lines(path)) == ["a,b\r\n", "1,2\n"]


def test_a_byte_order_mark_is_not_text(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_bytes(b"\xef\xbb\xbfa\nb")
    assert list(lines(path)) == ["a\n", "b"]


def test_a_gzip_bomb_is_stopped_at_the_limit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trace_text, "MAX_DECOMPRESSED_BYTES", 10_000)
    path = tmp_path / "bomb.gz"
    path.write_bytes(gzip.compress(b"0,1,1\n" * 100_000))
    assert failure(path) == f"{path}:1667: unpacks to over 10000 bytes, the limit"
    path.write_bytes(b"0,1,1\n" * 100_000)  # a plain file fills its own disk
    assert len(list(lines(path))) == 100_000


def test_a_line_without_an_end_is_stopped_at_the_limit(tmp_path: Path) -> None:
    path = tmp_path / "bomb.gz"
    path.write_bytes(gzip.compress(b"ok\n" + b"0" * 50_000_000))
    assert failure(path) == f"{path}:2: the line is over 4194304 bytes long, the limit"


def test_the_head_is_told_however_the_rest_is_damaged(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_bytes(b"\xef\xbb\xbfa,b\n\xff" + b"0" * HEAD_BYTES)
    assert head(path).startswith("a,b\n\ufffd000")
    assert len(head(path)) < 2 * HEAD_BYTES
    packed = gzip.compress(b"a,b\n" + bytes(range(256)) * 40)
    path.write_bytes(packed[: len(packed) // 2])
    assert head(path).startswith("a,b\n")
    path.write_bytes(packed[:10])
    assert head(path) == ""
    with pytest.raises(TraceError, match="cannot be read"):
        head(tmp_path / "absent")


def test_a_whole_file_is_its_lines_and_its_errors_have_their_line(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_bytes(b"\xef\xbb\xbf{\r\n}\n")
    assert whole(path) == "".join(lines(path)) == "{\r\n}\n"
    path.write_bytes(b"{\n\xff}")
    with pytest.raises(TraceError, match=r"x:2: byte 1 of the line is not UTF-8"):
        whole(path)
    packed = gzip.compress(b"{\n}\n" + bytes(range(128)) * 40)
    path.write_bytes(packed[:-12])
    with pytest.raises(TraceError, match="the gzip data ends too early"):
        whole(path)


def test_what_cannot_be_read_is_said_with_its_path(tmp_path: Path) -> None:
    missing = tmp_path / "missing.csv"
    assert failure(missing) == f"{missing}: cannot be read (No such file or directory)"
    assert failure(tmp_path).startswith(f"{tmp_path}: cannot be read (")


def test_an_error_knows_its_parts(tmp_path: Path) -> None:
    error = TraceError(tmp_path / "x.csv", 3, "is wrong")
    assert (error.path, error.line, error.problem) == (tmp_path / "x.csv", 3, "is wrong")
    assert isinstance(error, ValueError)
    copied = pickle.loads(pickle.dumps(error))  # from a worker process
    assert str(copied) == str(error) == f"{tmp_path / 'x.csv'}:3: is wrong"


def test_messages_cannot_act_on_a_terminal_or_fill_it() -> None:
    error = TraceError(Path("x.csv"), 1, "no \x1b[2J \u202e\n" + "y" * 5000)
    assert str(error).startswith("x.csv:1: no \\x1b[2J \\u202e\\nyyy")
    assert len(str(error)) < 620


def test_values_are_shown_escaped_and_short() -> None:
    assert shown("\x1b[31m\u202e") == "'\\x1b[31m\\u202e'"
    assert len(shown("x" * 1000)) == 60
    assert shown(396.5) == "396.5"
