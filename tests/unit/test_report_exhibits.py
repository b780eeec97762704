import pytest

from sim.ledger.events import FleetEvent
from sim.report.exhibits import Exhibits, draw_figures, exhibition, exhibits_of
from sim.report.table import table
from tests.unit.summary_fixture import summary

SHOWN = Exhibits(
    timeseries=[{"t_s": 0.0, "pool": "main", "replicas_ready": 2.0, "ttft_p95_s": None}],
    events=[FleetEvent(1.5, "main", "scale", "because", 3, 2)],
    story=[table("What happened", ["<what", "n"], [("<b>", "1")], "a note", total=True)],
    starts_on="friday",
    curve=[{"scale": 1.0, "utilization": 0.1, "usd_per_million": 2.0, "factor": None}],
    latencies={"chat": {"ttft_s": [1, 2]}},
)


def test_what_is_written_is_read_again() -> None:
    again = exhibits_of(SHOWN.text())
    assert again.text() == SHOWN.text()
    assert again.events == list(SHOWN.events)
    assert again.story == list(SHOWN.story)


def test_the_page_shows_every_figure() -> None:
    exhibits = Exhibits(curve=SHOWN.curve)
    files = exhibition(summary(), exhibits)
    figures = draw_figures(summary(), exhibits)
    assert {f"figures/{name}.svg" for name in figures} | {"report.html"} == set(files)
    assert files["report.html"].count(b"<svg ") == len(figures)
    assert {"cost-by-route", "gpu-hours", "utilization-vs-cost"} <= set(figures)


@pytest.mark.parametrize("text", ["{}", "[]", "null", '{"events": 3}'])
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises((KeyError, TypeError, ValueError)):
        exhibits_of(text)
