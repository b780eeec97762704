"""Trace text: what is written in a trace file, plain or gzip, decoded and bounded; no clock."""

from __future__ import annotations

import contextlib
import gzip
import io
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

MAX_DECOMPRESSED_BYTES = 8 * 2**30
"""A gzip file that unpacks to more is refused: a small file must not be able to fill a day."""

MAX_LINE_BYTES = 4 * 2**20
"""Longest line; Mooncake rows with 250 prefix blocks need some 2 KiB."""

MAX_DOCUMENT_BYTES = 512 * 2**20
"""Most text that is held as a whole, which a JSON document must be; tables are streamed."""

HEAD_BYTES = 65_536
"""How much of a file is looked at to tell its format."""

MAX_MESSAGE = 600
"""Longest description of a problem, in characters."""

_OTHER_FORMATS = (
    (b"PK\x03\x04", "a ZIP archive"),
    (b"\x28\xb5\x2f\xfd", "compressed with zstd"),
    (b"BZh", "compressed with bzip2"),
    (b"\xfd7zXZ\x00", "compressed with xz"),
    (b"PAR1", "a Parquet file"),
    (b"\xff\xfe", "UTF-16 text"),
    (b"\xfe\xff", "UTF-16 text"),
)


class TraceError(ValueError):
    """What is wrong with a trace: one line, `file:line: what, what is allowed`."""

    def __init__(self, path: Path, line: int | None, problem: str) -> None:
        super().__init__(path, line, problem)  # these, so that it survives pickling
        self.path = path
        self.line = line
        self.problem = problem

    def __str__(self) -> str:
        """Return the message; names and values of the file cannot act on a terminal."""
        safe = "".join(c if c.isprintable() else ascii(c)[1:-1] for c in self.problem)
        cut = safe if len(safe) <= MAX_MESSAGE else safe[: MAX_MESSAGE - 1] + "…"
        return f"{self.path}:{self.line}: {cut}" if self.line else f"{self.path}: {cut}"


def shown(value: object) -> str:
    """Return *value* as a message may show it: quoted, escaped, at most 60 characters.

    >>> shown("\\x1b[2J"), shown(396.5), len(shown("x" * 1000))
    ("'\\\\x1b[2J'", '396.5', 60)
    """
    text = ascii(value)
    return text if len(text) <= 60 else text[:59] + "…"


_Stream: TypeAlias = io.BufferedIOBase


def lines(path: Path) -> Iterator[str]:
    """Yield the decoded lines of *path* with their line ends; the file is never held as a whole.

    gzip is told by its first bytes, not by the name. Raises TraceError for what cannot be read,
    unpacked or decoded, for a line over 4 MiB and for a gzip file that unpacks to over 8 GiB.
    """
    with _opened(path) as (unpacked, limit, place):
        for number, raw in enumerate(_raw_lines(unpacked, MAX_LINE_BYTES), start=1):
            limit -= len(raw)
            if limit < 0:
                raise TraceError(
                    path, number, f"unpacks to over {MAX_DECOMPRESSED_BYTES} bytes, the limit"
                )
            place.line = number + 1
            yield _decode(path, number, raw)


def head(path: Path) -> str:
    """Return the first `HEAD_BYTES` of *path* or so, as far as they can be unpacked and decoded.

    Raises TraceError for what cannot be opened; damage is left to whoever reads on.
    """
    opening = b""
    with _opened(path) as (unpacked, _, _), contextlib.suppress(EOFError, OSError, zlib.error):
        while len(opening) < HEAD_BYTES and (piece := unpacked.read1(HEAD_BYTES)):
            opening += piece
    return opening.decode("utf-8-sig", errors="replace")


def whole(path: Path) -> str:
    """Return all of *path*, decoded. Raises TraceError, also for over `MAX_DOCUMENT_BYTES`."""
    pieces: list[str] = []
    with _opened(path) as (unpacked, _, place):
        left = MAX_DOCUMENT_BYTES
        for number, raw in enumerate(_raw_lines(unpacked, MAX_DOCUMENT_BYTES), start=1):
            left -= len(raw)
            if left < 0:
                raise TraceError(
                    path, number, f"is over {MAX_DOCUMENT_BYTES} bytes long, the limit for one "
                    "JSON document; allowed: any length as CSV or JSON lines"
                )  # fmt: skip
            place.line = number + 1
            pieces.append(_text(path, number, raw))
    return "".join(pieces)


@dataclass
class _Place:
    """The line that is being read."""

    line: int = 1


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[tuple[_Stream, float, _Place]]:
    """Yield the plain byte stream of *path*, how many bytes may come from it, and its place.

    What the reading raises becomes a TraceError.
    """
    place = _Place()
    try:
        with path.open("rb") as file:
            unpacked, limit = _unpack(path, file)
            yield unpacked, limit, place
    except EOFError:
        raise TraceError(
            path, place.line, "the gzip data ends too early; is the file a partial download?"
        ) from None
    except (gzip.BadGzipFile, zlib.error) as error:
        raise TraceError(path, place.line, f"the gzip data is damaged ({error})") from None
    except OSError as error:
        raise TraceError(path, None, f"cannot be read ({error.strerror or error})") from None


def _unpack(path: Path, file: io.BufferedReader) -> tuple[_Stream, float]:
    """Return the plain byte stream and how many bytes may come from it."""
    head = file.read(6)
    file.seek(0)
    for magic, name in _OTHER_FORMATS:
        if head.startswith(magic):
            raise TraceError(path, None, f"is {name}; allowed: UTF-8 text, plain or gzip")
    if head.startswith(b"\x1f\x8b"):
        return gzip.GzipFile(fileobj=file), MAX_DECOMPRESSED_BYTES
    return file, float("inf")


def _raw_lines(stream: _Stream, longest: int) -> Iterator[bytes]:
    while raw := stream.readline(longest + 1):
        yield raw


def _decode(path: Path, number: int, raw: bytes) -> str:
    if len(raw) > MAX_LINE_BYTES:
        raise TraceError(path, number, f"the line is over {MAX_LINE_BYTES} bytes long, the limit")
    return _text(path, number, raw)


def _text(path: Path, number: int, raw: bytes) -> str:
    try:
        return raw.decode("utf-8-sig" if number == 1 else "utf-8")
    except UnicodeDecodeError as error:
        raise TraceError(
            path, number, f"byte {error.start + 1} of the line is not UTF-8; allowed: UTF-8 text"
        ) from None
