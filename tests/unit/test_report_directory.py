import errno
import json
import os
from pathlib import Path

import pytest

from sim.report.atomic import OutError
from sim.report.directory import FORMAT, MANIFEST, Directory, read_manifest


def _run(path: Path, files: dict[str, bytes]) -> None:
    directory = Directory(path)
    directory.open({"scenario": "s"})
    for name, content in files.items():
        directory.write(name, content)
    directory.close()


def test_new_nested_directory_and_manifest(tmp_path: Path) -> None:
    out = tmp_path / "a" / "b"
    _run(out, {"summary.json": b"{}", "figures/x.svg": b"<svg/>"})
    manifest = json.loads((out / MANIFEST).read_text())
    assert manifest["format"] == FORMAT
    assert manifest["complete"] is True
    assert manifest["scenario"] == "s"
    assert list(manifest["files"]) == ["figures/x.svg", "summary.json"]
    assert manifest["files"]["summary.json"]["bytes"] == 2
    assert (out / "figures" / "x.svg").read_bytes() == b"<svg/>"


def test_equal_content_gives_an_equal_directory(tmp_path: Path) -> None:
    for name in ("a", "b"):
        _run(tmp_path / name, {"summary.json": b"{}"})
    assert (tmp_path / "a" / MANIFEST).read_bytes() == (tmp_path / "b" / MANIFEST).read_bytes()


@pytest.mark.parametrize("manifest", [None, "", "[]", '{"format": "other/1"}', "\xff"])
def test_somebody_else_s_directory_is_refused_and_left_alone(
    tmp_path: Path, manifest: str | None
) -> None:
    (tmp_path / "thesis.txt").write_text("mine")
    if manifest is not None:
        (tmp_path / MANIFEST).write_text(manifest)
    before = {p.name: p.read_bytes() for p in tmp_path.iterdir()}
    with pytest.raises(OutError, match="not empty"):
        _run(tmp_path, {"summary.json": b"{}"})
    assert {p.name: p.read_bytes() for p in tmp_path.iterdir()} == before


def test_an_earlier_run_is_replaced_and_the_user_s_own_files_stay(tmp_path: Path) -> None:
    _run(tmp_path, {"summary.json": b"1", "requests.csv.gz": b"old", "old.svg": b"x"})
    (tmp_path / "notes.md").write_text("mine")
    (tmp_path / "old.svg").write_text("edited by the user")
    _run(tmp_path, {"summary.json": b"2"})
    assert sorted(p.name for p in tmp_path.iterdir()) == [
        MANIFEST, "notes.md", "old.svg", "summary.json"
    ]  # fmt: skip
    assert (tmp_path / "summary.json").read_bytes() == b"2"


def test_a_manifest_that_names_files_elsewhere_deletes_nothing(tmp_path: Path) -> None:
    out = tmp_path / "out"
    _run(out, {"summary.json": b"1"})
    victim = tmp_path / "victim"
    victim.write_bytes(b"1")
    manifest = json.loads((out / MANIFEST).read_text())
    manifest["files"]["../victim"] = manifest["files"]["summary.json"]
    manifest["files"][str(victim)] = manifest["files"]["summary.json"]
    (out / MANIFEST).write_text(json.dumps(manifest))
    _run(out, {"summary.json": b"2"})
    assert victim.read_bytes() == b"1"


def test_a_run_that_died_leaves_a_directory_that_the_next_may_use(tmp_path: Path) -> None:
    _run(tmp_path, {"a": b"1", "b": b"1"})
    died = Directory(tmp_path)
    died.open({})
    died.write("a", b"2")
    assert (read_manifest(tmp_path) or {})["complete"] is False
    _run(tmp_path, {"a": b"3"})
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a", MANIFEST]


def test_a_block_that_fails_leaves_the_old_file_and_no_temporary_one(tmp_path: Path) -> None:
    _run(tmp_path, {"a": b"old"})
    directory = Directory(tmp_path)
    directory.open({})
    with pytest.raises(TypeError), directory.file("a") as stream:
        stream.writelines([b"half", "no bytes"])  # type: ignore[list-item]
    assert (tmp_path / "a").read_bytes() == b"old"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a", MANIFEST]


def test_links_are_replaced_not_followed(tmp_path: Path) -> None:
    out, elsewhere = tmp_path / "out", tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "kept").write_bytes(b"kept")
    _run(out, {"a": b"1"})
    (out / "a").unlink()
    (out / "a").symlink_to(elsewhere / "kept")
    (out / "figures").symlink_to(elsewhere)
    with pytest.raises(OutError, match="link"):
        _run(out, {"a": b"2", "figures/x.svg": b""})
    assert (elsewhere / "kept").read_bytes() == b"kept"
    assert [p.name for p in elsewhere.iterdir()] == ["kept"]


def test_a_file_in_the_way(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OutError, match="is a file"):
        Directory(tmp_path / "file").check()
    with pytest.raises(OutError, match="not a directory"):
        Directory(tmp_path / "file" / "below").check()
    out = tmp_path / "out"
    _run(out, {"a": b""})
    (out / "b").mkdir()
    with pytest.raises(OutError, match=r"b: Is a directory"):
        _run(out, {"b": b""})


def test_no_permission(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "access", lambda path, mode: False)  # root may write everywhere
    with pytest.raises(OutError, match="no permission"):
        Directory(tmp_path / "new").check()
    with pytest.raises(OutError, match="no permission"):
        Directory(tmp_path).check()


def test_a_full_disk_is_one_line(tmp_path: Path) -> None:
    directory = Directory(tmp_path / "out")
    directory.open({})
    with pytest.raises(OutError, match=r"a: No space left on device$"), directory.file("a"):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_check_changes_nothing(tmp_path: Path) -> None:
    Directory(tmp_path / "new").check()
    assert list(tmp_path.iterdir()) == []


def test_scratch_is_inside_and_gone_afterwards(tmp_path: Path) -> None:
    directory = Directory(tmp_path / "out")
    with directory.scratch() as scratch:
        (scratch / "big").write_bytes(b"x")
        directory.check()  # what is being written is not in the way
        _run(tmp_path / "out", {"a": b"1"})
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == ["a", MANIFEST]


def test_scratch_of_a_run_that_failed_leaves_no_empty_directory(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), Directory(tmp_path / "out").scratch():
        raise ZeroDivisionError
    assert list(tmp_path.iterdir()) == []


def test_files_have_the_usual_permissions(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        _run(tmp_path / "out", {"a": b""})
    finally:
        os.umask(before)
    assert (tmp_path / "out" / "a").stat().st_mode & 0o777 == 0o640
