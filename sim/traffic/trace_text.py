"""Trace text: the lines of a trace file, plain or gzip, decoded and bounded; knows no clock."""

from __future__ import annotations

import gzip
import io
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

MAX_DECOMPRESSED_BYTES = 8 * 2**30
"""A gzip file that unpacks to more is refused: a small file must not be able to fill a day."""

MAX_LINE_BYTES = 4 * 2**20
"""Longest line; Mooncake rows with 250 prefix blocks need some 2 KiB."""

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


def lines(path: Path) -> Iterator[str]:
    """Yield the decoded lines of *path* with their line ends; the file is never held as a whole.

    gzip is told by its first bytes, not by the name. Raises TraceError for what cannot be read,
    unpacked or decoded, for a line over 4 MiB and for a gzip file that unpacks to over 8 GiB.
    """
    number = 0
    try:
        with path.open("rb") as file:
            unpacked, limit = _unpack(path, file)
            for number, raw in enumerate(_raw_lines(unpacked), start=1):
                limit -= len(raw)
                if limit < 0:
                    raise TraceError(
                        path, number, f"unpacks to over {MAX_DECOMPRESSED_BYTES} bytes, the limit"
                    )
                yield _decode(path, number, raw)
    except EOFError:
        raise TraceError(
            path, number + 1, "the gzip data ends too early; is the file a partial download?"
        ) from None
    except (gzip.BadGzipFile, zlib.error) as error:
        raise TraceError(path, number + 1, f"the gzip data is damaged ({error})") from None
    except OSError as error:
        raise TraceError(path, None, f"cannot be read ({error.strerror or error})") from None


def _unpack(path: Path, file: BinaryIO) -> tuple[BinaryIO | io.BufferedIOBase, float]:
    """Return the plain byte stream and how many bytes may come from it."""
    head = file.read(6)
    file.seek(0)
    for magic, name in _OTHER_FORMATS:
        if head.startswith(magic):
            raise TraceError(path, None, f"is {name}; allowed: UTF-8 text, plain or gzip")
    if head.startswith(b"\x1f\x8b"):
        return gzip.GzipFile(fileobj=file), MAX_DECOMPRESSED_BYTES
    return file, float("inf")


def _raw_lines(stream: BinaryIO | io.BufferedIOBase) -> Iterator[bytes]:
    while raw := stream.readline(MAX_LINE_BYTES + 1):
        yield raw


def _decode(path: Path, number: int, raw: bytes) -> str:
    if len(raw) > MAX_LINE_BYTES:
        raise TraceError(path, number, f"the line is over {MAX_LINE_BYTES} bytes long, the limit")
    try:
        return raw.decode("utf-8-sig" if number == 1 else "utf-8")
    except UnicodeDecodeError as error:
        raise TraceError(
            path, number, f"byte {error.start + 1} of the line is not UTF-8; allowed: UTF-8 text"
        ) from None
