"""Scenarios that are queues with a known answer, by the protocol."""

from __future__ import annotations

import pytest

from sim.scenario.load import load
from tests.laws.protocol import common_bias_p
from tests.laws.theory_case import Case
from tests.laws.theory_cases import cases, settled
from tests.laws.theory_figures import Figure
from tests.laws.theory_sample import FOLDER

FIGURES = [
    pytest.param(case, figure, id=f"{case.key} {case.queue}: {figure.name}")
    for case in cases()
    for figure in case.every_figure
]

COMMON_BIAS_ALPHA = 0.001


@pytest.mark.slow
@pytest.mark.parametrize(("case", "figure"), FIGURES)
def test_figure(case: Case, figure: Figure) -> None:
    verdict = settled(case, figure)
    assert verdict.agrees, verdict
    assert verdict.precise, verdict


@pytest.mark.slow
def test_no_common_bias() -> None:
    """One figure of each case, in four independent parts, so that nothing is counted twice."""
    ts = [t for case in cases() for t in case.group_ts(case.figures[0])]
    assert len(ts) == 4 * len(cases())
    assert common_bias_p(ts) > COMMON_BIAS_ALPHA


def test_seeds_are_the_places_in_the_list_and_no_scenario_is_left_out() -> None:
    seeds = {case.file: load(FOLDER / case.file).seed for case in cases()}
    assert list(seeds.values()) == [1000 * place for place in range(1, len(cases()) + 1)]
    assert set(seeds) == {path.name for path in FOLDER.iterdir()}
