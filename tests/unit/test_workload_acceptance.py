"""Acceptance: every file of a folder has its rows or its problem, and nothing ever raises."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from sim.workload.acceptance import Acceptance, check
from sim.workload.rows import Row, missing

RNG = np.random.default_rng(20_260_105)
HEAD = "time_s,input_tokens,output_tokens\n"


def rows(times: np.ndarray, inputs: object = None, outputs: object = None) -> str:
    n = len(times)
    columns = (
        times,
        RNG.integers(1, 2000, n) if inputs is None else np.broadcast_to(inputs, n),  # type: ignore[call-overload]
        RNG.integers(1, 300, n) if outputs is None else np.broadcast_to(outputs, n),  # type: ignore[call-overload]
    )
    return HEAD + "".join(f"{t:.6f},{i},{o}\n" for t, i, o in zip(*columns, strict=True))


POISSON = np.cumsum(RNG.exponential(0.5, 600))

FILES = {
    "short.csv": rows(POISSON[:50]),
    "one.csv": rows(POISSON[:1]),
    "two.csv": rows(POISSON[:2]),
    "constant.csv": rows(POISSON, 500, 20),
    "instant.csv": rows(np.full(500, 7.0)),
    "seconds.csv": rows(np.floor(POISSON)),
    "minutes.csv": rows(np.floor(POISSON / 60) * 60),
    "regular.csv": rows(np.arange(600.0)),
    "pause.csv": rows(np.concatenate((POISSON[:150], POISSON[150:300] + 20_000.0))),
    "fast.csv": rows(POISSON / 5000.0),
    "faster.csv": rows(np.repeat([0.0, 1e-6], 300)),
    "month.csv": rows(np.sort(RNG.random(300)) * 30 * 86_400.0),
    "answered.csv": rows(POISSON[:300], None, np.arange(300) % 2),
    "lengths.csv": "input_tokens,output_tokens\n" + "5,6\n7,8\n" * 200,
    "rates.csv": "t_s,requests\n" + "".join(f"{600 * n},{5 + n % 3}\n" for n in range(500)),
    "dead.csv": "t_s,requests\n" + "".join(f"{600 * n},0\n" for n in range(500)),
    "pmf.csv": "value,prob\n1,0.5\n9,0.5\n",
}
BROKEN = {
    "empty.csv": "",
    "header.csv": HEAD,
    "words.csv": "hello\nworld\n",
    "list.json": "[1, 2, 3]",
    "zeros.csv": HEAD + "0,0,0\n",
    "disorder.csv": HEAD + "5,1,1\n3,1,1\n",
}


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Acceptance]:
    folder = tmp_path_factory.mktemp("traces")
    for name, text in (FILES | BROKEN).items():
        (folder / name).write_text(text)
    (folder / "README.md").write_text("not a trace")
    (folder / "inner").mkdir()
    told: list[tuple[str, int, int]] = []
    checked = check([folder], seeds=3, progress=lambda *step: told.append(step))
    assert [name for name, _, _ in told] == sorted(FILES | BROKEN)
    assert {total for _, _, total in told} == {len(FILES | BROKEN)}
    return {one.trace: one for one in checked}


@pytest.mark.parametrize("name", FILES)
def test_every_workload_has_rows_that_say_what_they_are(
    found: dict[str, Acceptance], name: str
) -> None:
    one = found[name]
    assert one.problem is None
    assert one.rows
    for row in one.rows:
        assert row.value is None or np.isfinite(row.value)
        assert row.met is None or row.ask
        assert row.note
        assert row.floor is None or np.isfinite(row.floor)
        assert row.band is None or row.band[0] <= row.band[1]


@pytest.mark.parametrize("name", BROKEN)
def test_every_broken_file_has_its_problem(found: dict[str, Acceptance], name: str) -> None:
    assert found[name].rows == ()
    assert name in (found[name].problem or "")
    assert not found[name].met


def test_what_is_too_small_is_not_judged(found: dict[str, Acceptance]) -> None:
    notes = {row.metric: row.note for row in found["short.csv"].rows if row.met is None}
    assert notes["E_IDC, held-out half"] == "50 requests are too few: needs 200"
    assert notes["joint CDF distance, held out"] == "50 requests are too few: each half needs 100"
    assert found["short.csv"].met


def test_services_and_files_are_taken_one_by_one(tmp_path: Path) -> None:
    path = tmp_path / "two.csv"
    path.write_text("service,t_s,rps\n" + "".join(f"{s},{n * 3600},5\n" for s in "ab"
                                                  for n in range(72)))  # fmt: skip
    assert [one.trace for one in check([path])] == ["two.csv [a]", "two.csv [b]"]
    (gone,) = check([tmp_path / "nowhere.csv"])
    assert "cannot be read" in (gone.problem or "")
    assert check([tmp_path / "inner"]) != []


def test_all_that_applies_must_be_met() -> None:
    good, bad = (Row("x", 1.0, "<= 1", None, None, met) for met in (True, False))
    assert Acceptance("x", (good, missing("y", "no"))).met
    assert not Acceptance("x", (good, bad)).met
