"""T1-T6, T10-T12: scenarios that are queues with a known answer, by the protocol."""

from __future__ import annotations

import pytest

from tests.laws.protocol import common_bias_p
from tests.laws.theory_cases import Case, Figure, cases

pytestmark = pytest.mark.slow

FIGURES = [
    pytest.param(case, figure, id=f"{case.key} {case.queue}: {figure.name}")
    for case in cases()
    for figure in case.every_figure
]

COMMON_BIAS_ALPHA = 0.001


@pytest.mark.parametrize(("case", "figure"), FIGURES)
def test_figure(case: Case, figure: Figure) -> None:
    verdict = case.settle(figure)
    assert verdict.agrees, verdict
    assert verdict.precise, verdict


def test_no_common_bias() -> None:
    """One figure of each case, in four independent parts, so that nothing is counted twice."""
    ts = [t for case in cases() for t in case.group_ts(case.figures[0])]
    assert len(ts) == 4 * len(cases())
    assert common_bias_p(ts) > COMMON_BIAS_ALPHA
