"""Atomic files: written whole or not at all, whatever interrupts the writing; knows no clock."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO

TEMPORARY = ".tokenfleet-"
"""How the names of files and folders begin that exist only while something is being written."""


class OutError(ValueError):
    """A place that files cannot go to; the text says which and why, in one line."""


@contextlib.contextmanager
def atomic(target: Path) -> Iterator[IO[bytes]]:
    """A binary stream to what becomes *target* when the block ends without an error.

    Until then a file of that name stays as it was, and after an error (disk full, Ctrl-C) nothing
    is left behind. Raises `OutError` for what the operating system refuses.
    """
    with as_out_error(target):
        handle, temporary = tempfile.mkstemp(prefix=TEMPORARY, dir=target.parent)
        try:
            with os.fdopen(handle, "wb") as stream:
                yield stream
                stream.flush()
                os.fsync(stream.fileno())
            os.chmod(temporary, 0o666 & ~_umask())
            os.replace(temporary, target)
        except BaseException:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(temporary)
            raise


@contextlib.contextmanager
def as_out_error(path: Path) -> Iterator[None]:
    """Turn what the operating system says (disk full, read-only, no permission) into one line."""
    try:
        yield
    except OSError as error:
        raise OutError(f"{path}: {error.strerror or error}") from error


def check_new(target: Path, *, replace: bool) -> None:
    """Raise `OutError` if *target* could not or, unless *replace*, should not be written.

    Changes nothing; worth asking before work that takes long.
    """
    with as_out_error(target):
        if target.exists() and not target.is_file():
            raise OutError(f"{target} is no file; name a file, or - for stdout")
        if target.exists() and not replace:
            raise OutError(f"{target} exists; name another file, or replace it with --force")
        if not target.parent.is_dir():
            raise OutError(f"{target}: there is no directory {target.parent}")
        if not os.access(target.parent, os.W_OK | os.X_OK):
            raise OutError(f"{target}: no permission to write in {target.parent}")


def _umask() -> int:
    """The process's umask; there is no way to read it but to set it."""
    umask = os.umask(0o022)
    os.umask(umask)
    return umask
