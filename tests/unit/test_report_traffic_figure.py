"""Traffic figure: the panels that there is data for, as text that can be searched."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest

from sim.report.traffic_figure import traffic_figure
from sim.workload.description import Description
from sim.workload.parts import Part
from sim.workload.requests import Requests
from sim.workload.start import Start
from sim.workload.tables import Rates, Weights
from tests.unit.traffic_fixture import description, requests

TITLES = ("Rate", "Bursts", "Lengths", "Outputs by inputs")


def texts(picture: bytes) -> list[str]:
    return re.findall(r"<text[^>]*>([^<]+)</text>", picture.decode())


def titles(picture: bytes) -> list[str]:
    return [title for title in TITLES for text in texts(picture) if text.startswith(title)]


LENGTHS = np.array([3, 9, 27])


@pytest.mark.parametrize(
    ("part", "found", "panels"),
    [
        (requests(), description(), TITLES),
        (requests(), replace(description(), dependence=None), TITLES[:3]),
        (Requests("x", LENGTHS, LENGTHS), Description("x", "lengths"), ("Lengths",)),
        (Rates("x", 60.0, np.array([1.0, np.nan, 2.0])), Description("x", "rates"), ("Rate",)),
        (Weights("x", "input", LENGTHS, np.ones(3) / 3), Description("x", "weights"), ("Lengths",)),
        (
            replace(requests(), arrived_at_s=np.zeros(1_200), span_s=0.0),
            description(),
            TITLES[2:],
        ),
    ],
)
def test_there_is_a_panel_for_what_is_known(
    part: Part, found: Description, panels: tuple[str, ...]
) -> None:
    assert tuple(titles(traffic_figure(part, found))) == panels


def test_what_the_panels_say() -> None:
    found = texts(traffic_figure(requests(), description()))
    assert "conv.csv" in found
    assert "Outputs by inputs (rank correlation 0.06)" in found
    assert "mean of all: 55" in found
    assert {"day curve", "every 5 s", "input", "output", "Poisson (90 % of such traces)"} <= {
        *found
    }
    assert "mean 2.00" in texts(traffic_figure(requests(), replace(description(), hours=None)))


def test_equal_input_gives_equal_bytes_and_names_cannot_break_it() -> None:
    found = replace(description(), source="<b>&\x1b[1m$x$")
    one, two = (traffic_figure(requests(), found) for _ in range(2))
    assert one == two
    assert b"<b>" not in one
    assert traffic_figure(requests(), found, "png").startswith(b"\x89PNG")


def test_a_week_has_days_on_its_axis() -> None:
    hours = np.arange(168)
    part = Rates("x", 3_600.0, 5.0 + np.sin(hours / 12), start=Start(0.0, 0, "UTC"))
    assert "days since the start" in texts(traffic_figure(part, description()))
