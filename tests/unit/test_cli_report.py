from pathlib import Path

import pytest

from sim.cli.main import invoke
from tests.unit.test_cli_plan import TINY


def test_what_was_deleted_comes_back(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "tiny.yaml").write_text(TINY, encoding="utf-8")
    out = tmp_path / "out"
    run = ["plan", str(tmp_path / "tiny.yaml"), "--replications", "2", "--jobs", "1", "--quiet"]
    assert invoke([*run, "--out", str(out)]) == 0
    picture = out / "figures" / "frontier-main.svg"
    before = picture.read_bytes()
    picture.unlink()
    assert invoke(["report", str(out)]) == 0
    assert picture.read_bytes() == before
    assert "again" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("name", "said"), [("nowhere", "not a directory"), (".", "no run of ours")]
)
def test_what_is_not_ours_is_one_line(
    tmp_path: Path, name: str, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert invoke(["report", str(tmp_path / name)]) == 2
    assert said in capsys.readouterr().err
