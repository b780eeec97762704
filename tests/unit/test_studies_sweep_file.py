from pathlib import Path

import pytest

from sim.scenario.problem import ScenarioError
from sim.studies.sweep_file import is_sweep, load_sweep

TEXT = """
scenario: base.yaml
replications: 3
set: {horizon: 1h}
vary:
  grid: {pools.main.replicas: [1, 2]}
  zip: {a: [1, 2], b: [3, 4]}
  list: [{c: 1, d: 2}]
  lhs: {points: 4, ranges: {e: {low: 1, high: 8, whole: true}}}
"""


def write(folder: Path, text: str) -> Path:
    path = folder / "sweep.yaml"
    path.write_text(text)
    return path


def test_designs_are_crossed_and_the_scenario_is_beside_the_file(tmp_path: Path) -> None:
    spec = load_sweep(write(tmp_path, TEXT))
    points = spec.vary.points()
    assert len(points) == 2 * 2 * 1 * 4
    assert list(points[0]) == ["pools.main.replicas", "a", "b", "c", "d", "e"]
    assert spec.scenario == str(tmp_path / "base.yaml")
    assert (spec.replications, spec.seed, spec.set) == (3, None, {"horizon": "1h"})


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("replications", "replication", "did you mean 'replications'"),
        ("points: 4", "points: 0", "vary.lhs.points: must be at least 1"),
        ("low: 1", "low: 9", "e: the range 9 to 8"),
        ("[1, 2]}\n  zip", "[]}\n  zip", "pools.main.replicas has no values"),
        ("b: [3, 4]", "b: [3]", "a has 2, b has 1"),
        ("{c: 1, d: 2}", "{c: 1}, {d: 2}", "point 2 of the list"),
        ("[{c: 1, d: 2}]", "[]", "the list has no points"),
        ("{c: 1, d: 2}", "{c: 1, a: 2}", "a and a are varied apart"),
        ("scenario: base.yaml", "", "scenario: is missing"),
        ("  grid", "   grid", "not valid YAML"),
    ],
)
def test_each_mistake_is_told_with_its_line(old: str, new: str, told: str, tmp_path: Path) -> None:
    assert old in TEXT
    with pytest.raises(ScenarioError) as caught:
        load_sweep(write(tmp_path, TEXT.replace(old, new, 1)))
    assert told in str(caught.value)
    assert str(caught.value).startswith(str(tmp_path / "sweep.yaml"))


def test_nothing_varied(tmp_path: Path) -> None:
    with pytest.raises(ScenarioError, match="give grid, zip, list, sobol or lhs"):
        load_sweep(write(tmp_path, "scenario: a.yaml\nvary: {}\n"))
    with pytest.raises(ScenarioError, match="no such file"):
        load_sweep(tmp_path / "absent.yaml")


def test_a_scenario_is_no_sweep() -> None:
    assert is_sweep(TEXT)
    assert not is_sweep("routes: {}\npools: {}\n")
    assert not is_sweep("- vary")
    assert not is_sweep("a: [")
