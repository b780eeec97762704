import re
from typing import Any
from xml.etree import ElementTree

import pytest

from sim.report.curve_figure import curve_figure
from sim.report.summary import Summary
from tests.unit.summary_fixture import summary


def _points(*pairs: tuple[float, float]) -> list[dict[str, Any]]:
    return [
        {"scale": i + 1.0, "utilization": u, "usd_per_million": usd, "factor": None}
        for i, (u, usd) in enumerate(pairs)
    ]


def _texts(svg: bytes | None) -> list[str]:
    assert svg is not None
    return [
        "".join(e.itertext()) for e in ElementTree.fromstring(svg).iter() if e.tag.endswith("}text")
    ]


def _ticks(texts: list[str]) -> list[str]:
    return [t for t in texts if re.fullmatch(r"\$[\d.,]+", t)]


WIDE = _points((0.05, 4.0), (0.1, 2.0), (0.3, 0.7), (0.6, 0.3), (0.9, 0.15))


def test_run_naive_curve_and_axes_are_labelled() -> None:
    texts = _texts(curve_figure(Summary(summary()), WIDE))
    assert "this run: $0.770 at 17.4 %" in texts
    assert "naive benchmark: $0.0738" in texts
    assert {"2x", "3x", "4x", "5x"} <= set(texts)
    assert "$ per 1M useful tokens" in texts
    assert any("utilization" in t for t in texts)


def test_a_wide_range_of_prices_gets_a_logarithmic_axis() -> None:
    assert _ticks(_texts(curve_figure(Summary(summary()), WIDE)))[:3] == ["$0.05", "$0.1", "$0.2"]


def test_a_narrow_range_starts_at_zero() -> None:
    document = summary()
    document["naive"]["usd_per_million_tokens"] = 0.4
    figure = curve_figure(Summary(document), _points((0.5, 0.9), (0.8, 0.5)))
    assert _ticks(_texts(figure))[0] == "$0"


def test_points_without_figures_are_left_out() -> None:
    points = [*WIDE, {"scale": 99.0, "utilization": None, "usd_per_million": None, "factor": None}]
    assert "99x" not in _texts(curve_figure(Summary(summary()), points))


def test_without_a_naive_price_or_any_point_there_is_no_figure() -> None:
    document = summary()
    document["naive"]["usd_per_million_tokens"] = None
    assert curve_figure(Summary(document), WIDE) is None
    document = summary()
    document["utilization"]["benchmark"] = None
    assert curve_figure(Summary(document), []) is None


@pytest.mark.parametrize("utilization", [1e-5, 0.97, 1.4])
def test_extreme_utilizations(utilization: float) -> None:
    document = summary()
    document["utilization"]["benchmark"] = utilization
    assert any("this run" in t for t in _texts(curve_figure(Summary(document), [])))
