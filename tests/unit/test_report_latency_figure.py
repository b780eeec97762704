from sim.report.latency_bins import BINS
from sim.report.latency_figure import latency_figure
from sim.report.summary import Summary
from tests.unit.summary_fixture import summary


def counts(at: int) -> dict[str, list[int]]:
    return {m: [10 if i == at else 0 for i in range(BINS)] for m in ("ttft_s", "tpot_s", "e2e_s")}


def test_a_line_per_route_and_a_cross_per_promise() -> None:
    drawn = latency_figure(Summary(summary()), {"chat": counts(120), "summaries": counts(140)})
    assert drawn is not None
    text = drawn.decode()
    for told in ("Time to first token", "chat", "summaries", "share of answers, %"):
        assert told in text
    document = summary()
    for route in document["routes"].values():
        route["slo"] = []
    without = latency_figure(Summary(document), {"chat": counts(120), "summaries": counts(140)})
    assert without is not None
    assert text.count("<use ") > without.decode().count("<use ")


def test_without_answers_there_is_no_picture() -> None:
    assert latency_figure(Summary(summary()), {}) is None
    assert latency_figure(Summary(summary()), {"chat": {"ttft_s": [0] * BINS}}) is None
