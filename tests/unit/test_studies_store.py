import random
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from sim.studies.refusals import ClusterError, StoreError
from sim.studies.store import Store
from sim.studies.sweep_point import COLUMNS, Entry

POINTS = [("k1", {"a": 1}), ("k2", {"a": "é"}), ("k1", {"a": 3})]


def entry(key: str, usd: float = 0.5, **changes: object) -> Entry:
    figures = {**dict.fromkeys(COLUMNS), "usd_per_million": usd, "usd_per_million_low": 0.4}
    return Entry(key, **{"meets_slos": True, "figures": figures, "summary": "{}", **changes})  # type: ignore[arg-type]


def add(store: Store, made: Entry) -> None:
    store.add(made, ended_at="2026-01-01T00:00:00", wall_s=1.5)


def test_what_was_kept_is_there_again(tmp_path: Path) -> None:
    path = tmp_path / "r.sqlite"
    with Store.create(path) as store:
        store.plan(POINTS, {"scenario": "s", "seed": 2**60})
        add(store, entry("k1", summary='{"x":1}'))
        add(store, Entry("k2", error="ValueError: no"))
        assert store.done() == {"k1"}
    assert [p.name for p in tmp_path.iterdir()] == ["r.sqlite"]  # no journal, no lock is left
    with Store.read(path) as store:
        assert store.about() == {"scenario": "s", "seed": 2**60}
        first, second, third = store.rows()
        assert (first.number, first.parameters, first.status) == (1, {"a": 1}, "ok")
        assert first.figures["usd_per_million"] == 0.5
        assert first.figures["usd_per_million_high"] is None
        assert first.meets_slos is True
        assert (second.parameters, second.status) == ({"a": "é"}, "failed")
        assert second.error == "ValueError: no"
        assert third.figures == first.figures  # the same scenario twice is one result
        assert store.summary("k1") == {"x": 1}
        assert store.summary("k2") is store.summary("k3") is None
        assert store.wall_s() == 3.0


def test_a_new_plan_keeps_old_results(tmp_path: Path) -> None:
    with Store.create(tmp_path / "r.sqlite") as store:
        store.plan(POINTS, {})
        add(store, entry("k1"))
        store.plan([("k9", {"b": 1}), ("k1", {"b": 2})], {})
        assert [row.status for row in store.rows()] == ["missing", "ok"]


def test_a_result_takes_the_place_of_a_failure(tmp_path: Path) -> None:
    with Store.create(tmp_path / "r.sqlite") as store:
        store.plan(POINTS, {})
        add(store, Entry("k1", error="died"))
        assert store.done() == set()
        add(store, entry("k1"))
        assert store.rows()[0].error is None


def test_two_writers_are_one_too_many_and_readers_are_welcome(tmp_path: Path) -> None:
    path = tmp_path / "r.sqlite"
    with Store.create(path) as store:
        store.plan(POINTS, {})
        with pytest.raises(StoreError, match="another sweep is writing"):
            Store.create(path)
        add(store, entry("k1"))
        with Store.read(path) as reader:
            assert reader.rows()[0].status == "ok"
    Store.create(path).close()


def test_the_lock_dies_with_its_process(tmp_path: Path) -> None:
    path = tmp_path / "r.sqlite"
    code = (
        "import os; from pathlib import Path; from sim.studies.store import Store;"
        f"s = Store.create(Path({str(path)!r})); s.plan([('k', {{}})], {{}});"
        "os.kill(os.getpid(), 9)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == -9
    assert (tmp_path / "r.sqlite.lock").exists()
    with Store.create(path) as store:
        assert len(store.rows()) == 1


def test_a_full_disk_is_one_error_and_loses_nothing(tmp_path: Path) -> None:
    path = tmp_path / "r.sqlite"
    noise = "".join(random.Random(1).choices("abcdefgh", k=400_000))
    with Store.create(path) as store:
        store.plan(POINTS, {})
        add(store, entry("k1"))
        pages = store._connection.execute("PRAGMA page_count").fetchone()[0]
        store._connection.execute(f"PRAGMA max_page_count = {pages}")
        with pytest.raises(StoreError, match=r"disk is full .* goes on from them"):
            add(store, entry("k2", summary=f'"{noise}"'))
        assert store.rows()[0].status == "ok"
    with Store.read(path) as store:
        assert store.rows()[0].status == "ok"


def test_other_files_are_left_alone(tmp_path: Path) -> None:
    text, foreign, future = (tmp_path / name for name in ("t", "f", "n"))
    text.write_text("routes: {}\n" * 100)
    with sqlite3.connect(foreign) as connection:
        connection.execute("CREATE TABLE results (x)")
    connection.close()
    Store.create(future).close()
    with sqlite3.connect(future) as connection:
        connection.execute("PRAGMA user_version = 9")
    connection.close()
    for path, told in (
        (text, "no file of sweep results"),
        (foreign, "not one of sweep results"),
        (future, "is of format 9"),
        (tmp_path, "is a directory"),
        (tmp_path / "no" / "r", "there is no folder"),
    ):
        before = path.read_bytes() if path.is_file() else b""
        with pytest.raises(StoreError, match=told):
            Store.create(path)
        assert not path.is_file() or path.read_bytes() == before
    with pytest.raises(StoreError, match="no such file"):
        Store.read(tmp_path / "absent")


def test_refusals_are_the_users_to_mend() -> None:
    assert issubclass(StoreError, ValueError)
    assert issubclass(ClusterError, ValueError)
