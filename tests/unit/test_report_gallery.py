"""Every figure can be drawn again from what a verb wrote; damaged files are one clear error."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from sim.report.atomic import OutError
from sim.report.directory import Directory, read_manifest
from sim.report.exhibits import EXHIBITS, Exhibits, exhibition
from sim.report.gallery import redrawn
from tests.unit.summary_fixture import summary


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    directory = Directory(tmp_path / "out")
    directory.open({"scenario": "x"})
    directory.write("summary.json", json.dumps(summary()).encode())
    directory.write(EXHIBITS, Exhibits().text().encode())
    for name, content in exhibition(summary(), Exhibits()).items():
        directory.write(name, content)
    directory.close()
    return tmp_path / "out"


def test_the_same_data_give_the_same_bytes(folder: Path) -> None:
    found = redrawn(folder)
    assert "report.html" in found
    assert all((folder / name).read_bytes() == content for name, content in found.items())


def test_other_data_give_another_page(folder: Path) -> None:
    changed = {**summary(), "scenario": "renamed"}
    (folder / "summary.json").write_text(json.dumps(changed), encoding="utf-8")
    assert b"renamed" in redrawn(folder)["report.html"]


def test_rewriting_keeps_the_data_and_the_manifest_true(folder: Path) -> None:
    before = read_manifest(folder)
    Directory(folder).rewrite({"report.html": b"new"})
    after = read_manifest(folder)
    assert before is not None
    assert after is not None
    assert set(after["files"]) == set(before["files"])
    assert after["files"]["report.html"]["bytes"] == 3
    assert after["files"]["summary.json"] == before["files"]["summary.json"]
    assert after["scenario"] == "x"


def test_a_sweep_and_a_tornado_are_drawn_too(tmp_path: Path) -> None:
    bar = {"name": "price", "low": 1.0, "high": 3.0, "low_label": "-", "high_label": "+"}
    tornado = {"title": "t", "unit": "$", "centre": 2.0, "bars": [bar], "interval": None}
    (tmp_path / "sensitivity.json").write_text(json.dumps({"tornado": tornado}), encoding="utf-8")
    (tmp_path / "sweep.json").write_text(json.dumps({"points": []}), encoding="utf-8")
    assert set(redrawn(tmp_path)) == {"figures/tornado.svg"}
    (tmp_path / "sensitivity.json").write_text('{"tornado": null}', encoding="utf-8")
    assert redrawn(tmp_path) == {}


def test_a_folder_of_others_is_not_touched(tmp_path: Path) -> None:
    with pytest.raises(OutError, match=r"holds none of summary\.json"):
        redrawn(tmp_path)
    with pytest.raises(OutError, match="no earlier run"):
        Directory(tmp_path).rewrite({"report.html": b"new"})


@pytest.mark.parametrize("name", ["summary.json", EXHIBITS])
def test_a_damaged_file_is_one_error(folder: Path, name: str) -> None:
    (folder / name).write_text("[1, 2", encoding="utf-8")
    with pytest.raises(OutError, match="damaged"):
        redrawn(folder)


def test_a_missing_part_is_one_error(folder: Path) -> None:
    (folder / EXHIBITS).unlink()
    with pytest.raises(OutError, match=EXHIBITS):
        redrawn(folder)
