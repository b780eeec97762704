import pytest

from sim.scenario.load import loads
from sim.studies.coverage import ONE_SLOT, Case, Study, cases, coverage, held, holds
from sim.studies.replications import run


def test_the_truth_is_that_of_long_runs() -> None:
    """Within a tenth of each truth, which a slip in a formula would not be."""
    result = run(loads(ONE_SLOT, overrides=["horizon=1h"]), replications=2)
    summary = result.summary()
    for case in cases():
        value = summary
        for key in case.path.split("."):
            value = value[key]
        if isinstance(value, dict):
            value = value["value"]
        scale = 30 if case.name.startswith("requests") else 1
        assert value == pytest.approx(case.truth * scale, rel=0.1), case


def test_what_is_held() -> None:
    of = [Case("in", "a", 1.0), Case("out", "b", 1.0), Case("none", "c", 1.0)]
    intervals = {"a": [0.5, 1.5], "b": [1.1, 1.5], "c": None}
    assert holds(intervals, of) == {"in": True, "out": False, "none": False}


def test_the_share_is_of_studies() -> None:
    studies = [Study(seed, 2) for seed in range(4)]
    assert coverage(studies, 1, lambda study: {"odd": bool(study.seed % 2)}) == {"odd": 0.5}


def test_most_intervals_of_a_few_studies_hold() -> None:
    """Four studies of six figures: of 95 % intervals hardly ever more than a third miss."""
    found = [held(Study(seed, 3)) for seed in range(4)]
    assert sum(sum(one.values()) for one in found) >= 16


def test_a_study_may_go_on_to_a_precision() -> None:
    assert set(held(Study(1, 2, precision=0.5))) == {case.name for case in cases()}
