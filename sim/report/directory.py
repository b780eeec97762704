"""Directory: where a run's files go, each written whole or not at all; knows no clock.

Only a directory that is new, empty or marked by our own manifest is written to, so nothing that
somebody else keeps there is lost.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO, Any

from sim.report.atomic import TEMPORARY, OutError, as_out_error, atomic

MANIFEST = "manifest.json"
FORMAT = "tokenfleet-run/1"


class Directory:
    """A run's `--out` directory.

    Use: `check` before the run, `open` when there is something to write, `write` for each file,
    `close` at the end. A run that dies between leaves a manifest that says so.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._files: dict[str, dict[str, Any]] = {}
        self._before: dict[str, Any] = {}
        self._about: dict[str, Any] = {}

    def check(self) -> None:
        """Raise `OutError` if the files could not or should not go here; changes nothing."""
        with as_out_error(self.path):
            if self.path.exists():
                self._check_existing()
                return
            parent = next(p for p in self.path.absolute().parents if p.exists())
            if not parent.is_dir():
                raise OutError(f"{self.path}: {parent} is not a directory")
            if not os.access(parent, os.W_OK | os.X_OK):
                raise OutError(f"{self.path}: no permission to create it in {parent}")

    def _check_existing(self) -> None:
        if not self.path.is_dir():
            raise OutError(f"{self.path} is a file, not a directory")
        if not os.access(self.path, os.W_OK | os.X_OK):
            raise OutError(f"{self.path}: no permission to write there")
        names = [p.name for p in self.path.iterdir() if not p.name.startswith(TEMPORARY)]
        if names and read_manifest(self.path) is None:
            raise OutError(
                f"{self.path} is not empty and holds no earlier run of ours (no {MANIFEST}); "
                "name another directory, or empty it"
            )

    def open(self, about: dict[str, Any]) -> None:
        """Create the directory and mark it ours, as unfinished; *about* goes into the manifest."""
        self.check()
        with as_out_error(self.path):
            self.path.mkdir(parents=True, exist_ok=True)
        self._before = (read_manifest(self.path) or {}).get("files") or {}
        self._about = about
        self._write_manifest(complete=False)

    @contextlib.contextmanager
    def scratch(self) -> Iterator[Path]:
        """A folder inside for large intermediate files, on the same disk, gone afterwards.

        So is the directory itself, if it is new and nothing was written to it.
        """
        with as_out_error(self.path):
            is_new = not self.path.exists()
            self.path.mkdir(parents=True, exist_ok=True)
            folder = tempfile.mkdtemp(prefix=TEMPORARY, dir=self.path)
        try:
            yield Path(folder)
        finally:
            shutil.rmtree(folder, ignore_errors=True)
            if is_new:
                with contextlib.suppress(OSError):  # not empty, as it should be
                    self.path.rmdir()

    def write(self, name: str, content: bytes) -> None:
        """Write one file, *name* relative and with `/`, over an earlier run's if there is one."""
        with self.file(name) as stream:
            stream.write(content)

    @contextlib.contextmanager
    def file(self, name: str) -> Iterator[IO[bytes]]:
        """A binary stream to what becomes *name* when the block ends without an error."""
        target = self.path / name
        with as_out_error(target):
            self._make_folder(target.parent)
        with atomic(target) as stream:
            yield stream
        with as_out_error(target):
            self._files[name] = _fingerprint(target)

    def _make_folder(self, folder: Path) -> None:
        if folder.is_symlink() and folder != self.path:
            raise OutError(f"{folder} is a link; files are written inside {self.path} only")
        folder.mkdir(exist_ok=True)

    def close(self) -> None:
        """Take away what an earlier run left and this one did not replace; finish the manifest."""
        for name, before in self._before.items():
            if name not in self._files:
                self._remove(name, before)
        self._write_manifest(complete=True)

    def rewrite(self, files: Mapping[str, bytes]) -> None:
        """Write *files* over those of an earlier run, whose other files stay as they are.

        Raises `OutError` if there is no earlier run.
        """
        manifest = read_manifest(self.path)
        if manifest is None:
            raise OutError(f"{self.path} holds no earlier run of ours (no {MANIFEST})")
        self._files = dict(manifest.get("files") or {})
        kept = ("format", "complete", "files")
        self._about = {key: value for key, value in manifest.items() if key not in kept}
        for name, content in files.items():
            self.write(name, content)
        self._write_manifest(complete=bool(manifest.get("complete")))

    def _remove(self, name: str, before: Any) -> None:
        """Delete a file of an earlier run, if it is still byte for byte what that run wrote."""
        path = self.path / name
        inside = ".." not in Path(name).parts and not Path(name).is_absolute()
        if inside and path.is_file() and not path.is_symlink() and _fingerprint(path) == before:
            path.unlink()

    def _write_manifest(self, *, complete: bool) -> None:
        files = dict(sorted(self._files.items()))
        # An unfinished manifest lists the earlier run's files, so that they can still be told.
        listed = files if complete else {**self._before, **files}
        content = {"format": FORMAT, "complete": complete, **self._about, "files": listed}
        self.write(MANIFEST, json.dumps(content, indent=2).encode() + b"\n")
        del self._files[MANIFEST]


def read_manifest(directory: Path) -> dict[str, Any] | None:
    """The manifest in *directory*, None if there is none of ours."""
    try:
        content = json.loads((directory / MANIFEST).read_bytes())
    except (OSError, ValueError):
        return None
    ours = isinstance(content, dict) and content.get("format") == FORMAT
    return content if ours else None


def _fingerprint(path: Path) -> dict[str, Any]:
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while piece := stream.read(1 << 20):
            digest.update(piece)
    return {"bytes": path.stat().st_size, "sha256": digest.hexdigest()}
