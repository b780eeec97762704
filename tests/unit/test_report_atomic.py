"""Atomic files: whole or not at all, and what is there already is safe."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from sim.report.atomic import OutError, atomic, check_new


def test_the_file_appears_when_all_was_written(tmp_path: Path) -> None:
    target = tmp_path / "x"
    with atomic(target) as stream:
        stream.write(b"new")
        assert not target.exists()
    assert target.read_bytes() == b"new"
    assert list(tmp_path.iterdir()) == [target]
    umask = os.umask(0o022)
    os.umask(umask)
    assert target.stat().st_mode & 0o777 == 0o666 & ~umask


def _interrupted(target: Path, error: BaseException) -> None:
    with atomic(target) as stream:
        stream.write(b"half of the new")
        raise error


@pytest.mark.parametrize("error", [KeyboardInterrupt(), ValueError(), SystemExit()])
def test_what_interrupts_the_writing_leaves_the_old_file(
    tmp_path: Path, error: BaseException
) -> None:
    target = tmp_path / "x"
    target.write_bytes(b"old")
    with pytest.raises(type(error)):
        _interrupted(target, error)
    assert target.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [target]


def test_a_full_disk_is_one_line(tmp_path: Path) -> None:
    target = tmp_path / "x"
    with pytest.raises(OutError) as caught:
        _interrupted(target, OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)))
    assert str(caught.value) == f"{target}: No space left on device"
    assert list(tmp_path.iterdir()) == []


def test_what_is_asked_before_the_work(tmp_path: Path) -> None:
    target = tmp_path / "x"
    check_new(target, replace=False)
    target.write_bytes(b"old")
    check_new(target, replace=True)
    with pytest.raises(OutError, match="x exists; name another file, or replace it with --force"):
        check_new(target, replace=False)
    with pytest.raises(OutError, match="is no file; name a file, or - for stdout"):
        check_new(tmp_path, replace=True)
    with pytest.raises(OutError, match="there is no directory"):
        check_new(tmp_path / "absent" / "x", replace=True)
    assert target.read_bytes() == b"old"
