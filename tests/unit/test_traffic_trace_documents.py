"""JSON documents of a trace: one after another, or in an array, with the lines they begin on."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from sim.traffic import trace_text
from sim.traffic.trace_documents import documents, elements
from sim.traffic.trace_text import TraceError


def write(path: Path, text: str) -> Path:
    path.write_text(text, newline="")
    return path


def failure(read: object, path: Path) -> str:
    with pytest.raises(TraceError) as caught:
        list(read(path))  # type: ignore[operator]
    return str(caught.value).removeprefix(str(path))


def test_documents_follow_one_another_with_any_space_between(tmp_path: Path) -> None:
    path = write(tmp_path / "x", '\r\n{"a":\n1}\n{"a": 2} [3]\n\n')
    assert list(documents(path)) == [(2, {"a": 1}), (4, {"a": 2}), (4, [3])]
    assert list(documents(write(path, " \n"))) == []


def test_elements_of_an_array(tmp_path: Path) -> None:
    path = write(tmp_path / "x", ' [ {"a": [1, {}]},\n\n 7\n, null ]\n')
    assert list(elements(path)) == [(1, {"a": [1, {}]}), (3, 7), (4, None)]
    assert list(elements(write(path, "[]"))) == []


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", ":1: is not JSON ('[' expected, its end found)"),
        ("{}", ":1: is not JSON ('[' expected, '{' found)"),
        ("[1,\n2", ":2: is not JSON (']' expected, its end found)"),
        ("[1\n2]", ":2: is not JSON (']' expected, '2' found)"),
        ("[1,\n]", ":2: is not JSON (Expecting value)"),
        ("[1]\n\n[2]", ":3: has text after its array; allowed: one JSON array"),
        ("[" * 100_000, ":1: is not JSON (nested too deeply or a number too long)"),
        ("[" + "9" * 10_000 + "]", ":1: is not JSON (nested too deeply or a number too long)"),
    ],
)
def test_arrays_that_are_none(tmp_path: Path, text: str, message: str) -> None:
    assert failure(elements, write(tmp_path / "x", text)) == message


def test_a_document_that_is_cut_off(tmp_path: Path) -> None:
    path = write(tmp_path / "x", '{"a": 1}\n{"a": [1,\n 2, ')
    assert failure(documents, path).startswith(":3: is not JSON (Expecting value")


def test_packed_with_a_byte_order_mark(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_bytes(gzip.compress(b"\xef\xbb\xbf[1]"))
    assert list(elements(path)) == [(1, 1)]


def test_what_is_held_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trace_text, "MAX_DOCUMENT_BYTES", 1_000)
    path = tmp_path / "x"
    path.write_bytes(gzip.compress(json.dumps([1] * 100_000).encode()))
    assert failure(documents, path) == (
        ":1: is over 1000 bytes long, the limit for one JSON document; "
        "allowed: any length as CSV or JSON lines"
    )
