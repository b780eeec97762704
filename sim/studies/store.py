"""Store: the results of a sweep in one SQLite file, safe from whatever ends the process.

Knows no simulated clock. One process writes, one transaction per result: whatever kills it, what
was stored before stays, and a later run adds what is missing. Others may read meanwhile (WAL).
Results hold nothing of when they were made; timings are in a table of their own.
"""

from __future__ import annotations

import contextlib
import json
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from sim.studies.refusals import StoreError
from sim.studies.sweep_point import COLUMNS, Entry, unpacked

APPLICATION = 0x544F4B46
"""SQLite's `application_id` of our files: "TOKF"."""

FORMAT = 1
"""SQLite's `user_version` of our files."""

_FIGURES = ", ".join(f"{column} REAL" for column in COLUMNS)
_SCHEMA = f"""
CREATE TABLE about (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE points (number INTEGER PRIMARY KEY, key TEXT NOT NULL, parameters TEXT NOT NULL);
CREATE TABLE results (
    key TEXT PRIMARY KEY, status TEXT NOT NULL, error TEXT, meets_slos INTEGER, {_FIGURES},
    summary BLOB
);
CREATE TABLE timings (key TEXT PRIMARY KEY, ended_at TEXT NOT NULL, wall_s REAL NOT NULL);
"""


@dataclass(frozen=True)
class Row:
    """A point of the sweep and what is known of it; `status` is ok, failed or missing."""

    number: int
    key: str
    parameters: Mapping[str, Any]
    status: str
    error: str | None
    meets_slos: bool | None
    figures: Mapping[str, float | None]


class Store:
    """An open store. Use as a context; see `create` and `read`."""

    def __init__(self, path: Path, connection: sqlite3.Connection, lock: Lock | None) -> None:
        self.path = path
        self._connection = connection
        self._lock = lock

    @classmethod
    def create(cls, path: Path) -> Self:
        """Open the store at *path* for writing, a new one if there is none.

        Raises StoreError if another process writes to it, or it cannot be written.
        """
        with _explained(path):
            if path.is_dir() or not path.parent.is_dir():
                why = "is a directory" if path.is_dir() else f"there is no folder {path.parent}"
                raise StoreError(f"{path}: {why}; name a file such as results.sqlite")
            lock = Lock.take(path)
            try:
                connection = _connected(path, "rwc")
                try:
                    _prepare(path, connection)
                except BaseException:
                    connection.close()
                    raise
            except BaseException:
                lock.release()
                raise
        return cls(path, connection, lock)

    @classmethod
    def read(cls, path: Path) -> Self:
        """Open the store at *path* for reading, also while a sweep writes. Raises StoreError."""
        if not path.is_file():
            raise StoreError(f"{path}: no such file")
        with _explained(path):
            connection = _connected(path, "ro")
            try:
                _check(path, connection)
            except BaseException:
                connection.close()
                raise
        return cls(path, connection, None)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file, which folds its journal into it, and let others write."""
        with contextlib.suppress(sqlite3.Error):  # a full disk: the journal stays beside the file
            self._connection.close()
        if self._lock is not None:
            self._lock.release()

    def plan(
        self, points: Sequence[tuple[str, Mapping[str, Any]]], about: Mapping[str, Any]
    ) -> None:
        """Note which points, as (key, parameters) from number 1 on, are wanted from now on.

        Results of earlier plans stay. Raises StoreError.
        """
        rows = [(i, key, _json(parameters)) for i, (key, parameters) in enumerate(points, 1)]
        with _explained(self.path), self._connection as connection:
            connection.execute("DELETE FROM points")
            connection.executemany("INSERT INTO points VALUES (?, ?, ?)", rows)
            connection.execute("DELETE FROM about")
            connection.executemany(
                "INSERT INTO about VALUES (?, ?)", [(k, _json(v)) for k, v in about.items()]
            )

    def about(self) -> dict[str, Any]:
        """What `plan` was told. Raises StoreError."""
        with _explained(self.path):
            return {k: json.loads(v) for k, v in self._connection.execute("SELECT * FROM about")}

    def done(self) -> set[str]:
        """Keys of results that are there; failed ones are not. Raises StoreError."""
        with _explained(self.path):
            query = "SELECT key FROM results WHERE status = 'ok'"
            return {key for (key,) in self._connection.execute(query)}

    def add(self, entry: Entry, *, ended_at: str, wall_s: float) -> None:
        """Keep a result, durably; it takes the place of an earlier one. Raises StoreError."""
        figures = [entry.figures.get(column) for column in COLUMNS]
        met = None if entry.meets_slos is None else int(entry.meets_slos)
        row = (entry.key, entry.status, entry.error, met, *figures, entry.packed)
        marks = ", ".join("?" * len(row))
        with _explained(self.path), self._connection as connection:
            connection.execute(f"INSERT OR REPLACE INTO results VALUES ({marks})", row)
            connection.execute(
                "INSERT OR REPLACE INTO timings VALUES (?, ?, ?)", (entry.key, ended_at, wall_s)
            )

    def rows(self) -> list[Row]:
        """All points of the plan, in order. Raises StoreError."""
        columns = ", ".join(COLUMNS)
        query = (
            f"SELECT number, key, parameters, status, error, meets_slos, {columns}"
            " FROM points LEFT JOIN results USING (key) ORDER BY number"
        )
        with _explained(self.path):
            return [_row(*row) for row in self._connection.execute(query)]

    def summary(self, key: str) -> dict[str, Any] | None:
        """The whole summary of a result; None if it is not there. Raises StoreError."""
        with _explained(self.path):
            query = "SELECT summary FROM results WHERE key = ?"
            found = self._connection.execute(query, (key,)).fetchone()
        return None if found is None or found[0] is None else unpacked(found[0])

    def wall_s(self) -> float:
        """Seconds that the results of the plan took, summed over all workers."""
        query = "SELECT total(wall_s) FROM timings WHERE key IN (SELECT key FROM points)"
        with _explained(self.path):
            return float(self._connection.execute(query).fetchone()[0])


class Lock:
    """The right to write to a store; the operating system takes it back when its process dies.

    It is SQLite's own lock, on an empty database beside the store: one on the store itself would
    keep readers out.
    """

    def __init__(self, path: Path, connection: sqlite3.Connection) -> None:
        self._path, self._connection = path, connection

    @classmethod
    def take(cls, store: Path) -> Self:
        """Lock *store*; raises StoreError if it is locked already."""
        path = store.with_name(f"{store.name}.lock")
        while True:
            path.touch()
            opened = path.stat().st_ino
            connection = sqlite3.connect(path, timeout=0.0, isolation_level=None)
            try:
                connection.execute("BEGIN EXCLUSIVE")
            except sqlite3.OperationalError as error:
                connection.close()
                if "locked" not in str(error):
                    raise
                told = "another sweep is writing to it; wait for its end, or name another store"
                raise StoreError(f"{store}: {told}") from None
            if path.exists() and path.stat().st_ino == opened:
                return cls(path, connection)
            connection.close()  # its last holder has just taken the file away: not what we locked

    def release(self) -> None:
        """Let others write."""
        self._path.unlink(missing_ok=True)
        self._connection.close()


def _connected(path: Path, mode: str) -> sqlite3.Connection:
    uri = f"{path.absolute().as_uri()}?mode={mode}"
    return sqlite3.connect(uri, uri=True, timeout=30.0)


def _prepare(path: Path, connection: sqlite3.Connection) -> None:
    """Make an empty file ours, or see that it is."""
    (tables,) = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    if tables:
        _check(path, connection)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    if not tables:
        connection.executescript(
            f"BEGIN; {_SCHEMA} PRAGMA application_id = {APPLICATION};"
            f" PRAGMA user_version = {FORMAT}; COMMIT;"
        )


def _check(path: Path, connection: sqlite3.Connection) -> None:
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if application != APPLICATION:
        raise StoreError(f"{path}: is a database, but not one of sweep results; name another file")
    if version != FORMAT:
        raise StoreError(f"{path}: is of format {version}, this Tokenfleet reads {FORMAT}")


@contextlib.contextmanager
def _explained(path: Path) -> Iterator[None]:
    """Turn what SQLite and the operating system say into one line."""
    try:
        yield
    except sqlite3.Error as error:
        raise StoreError(f"{path}: {_reason(str(error))}") from error
    except OSError as error:
        raise StoreError(f"{path}: {error.strerror or error}") from error


def _reason(text: str) -> str:
    kept = "results so far are kept, and the same command goes on from them"
    if "full" in text or "disk I/O" in text:
        return f"cannot be written, the disk is full or refuses ({text}); {kept}"
    if "readonly" in text or "unable to open" in text:
        return f"no permission to write there ({text})"
    if "not a database" in text or "malformed" in text:
        return f"is no file of sweep results ({text}); name another file"
    return text


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def _row(
    number: int, key: str, parameters: str, status: str | None, error: str | None, met: int | None,
    *figures: float | None,
) -> Row:  # fmt: skip
    return Row(
        number,
        key,
        json.loads(parameters),
        status or "missing",
        error,
        None if met is None else bool(met),
        dict(zip(COLUMNS, figures, strict=True)),
    )
