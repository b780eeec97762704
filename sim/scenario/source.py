"""Source: the text of a scenario file, whatever its bytes are; knows no clock."""

from __future__ import annotations

import codecs
from pathlib import Path

from sim.scenario.hint import did_you_mean

MAX_BYTES = 1024 * 1024
"""Largest scenario file that is read."""

_WIDE_BOMS = {
    codecs.BOM_UTF32_LE: "UTF-32",  # before UTF-16, whose mark it starts with
    codecs.BOM_UTF32_BE: "UTF-32",
    codecs.BOM_UTF16_LE: "UTF-16",
    codecs.BOM_UTF16_BE: "UTF-16",
}


class SourceError(ValueError):
    """A file that cannot be read as text; *line* from 1 where one is to blame."""

    def __init__(self, message: str, line: int | None = None) -> None:
        super().__init__(message)
        self.line = line


def read(path: Path) -> str:
    """Return the text of the file at *path*; raises SourceError."""
    try:
        if path.exists() and not path.is_file():
            raise SourceError("is no file" if not path.is_dir() else "is a folder, not a file")
        with path.open("rb") as stream:
            raw = stream.read(MAX_BYTES + 1)
    except FileNotFoundError:
        raise SourceError(f"no such file{_meant(path)}") from None
    except (OSError, ValueError) as error:
        if isinstance(error, SourceError):
            raise
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise SourceError(f"cannot be read: {reason}") from None
    return decode(raw)


def decode(raw: bytes) -> str:
    """Return *raw* as text: UTF-8, with or without a byte order mark; raises SourceError."""
    if len(raw) > MAX_BYTES:
        raise SourceError(
            "is larger than 1 MiB; a scenario is not (a trace belongs in its own file)"
        )
    for bom, name in _WIDE_BOMS.items():
        if raw.startswith(bom):
            raise SourceError(f"is {name}; save it as UTF-8")
    if b"\0" in raw[:4]:
        raise SourceError("is UTF-16 or binary; save it as UTF-8")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        byte = raw[error.start]
        raise SourceError(f"is not UTF-8: byte 0x{byte:02x}; save it as UTF-8", line) from None


def _meant(path: Path) -> str:
    try:
        names = [entry.name for entry in path.parent.iterdir() if entry.suffix in (".yaml", ".yml")]
    except OSError:
        return ""
    meant = did_you_mean(path.name, names)
    return f"; did you mean {str(path.parent / meant)!r}?" if meant else ""
