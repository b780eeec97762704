from sim.report.interval_table import intervals
from sim.report.summary import Summary
from tests.unit.summary_fixture import summary


def test_a_figure_with_an_interval_has_a_row() -> None:
    document = summary()
    document["cost"]["usd_per_million_useful_tokens"] = {"value": 2.0, "ci95": [1.9, 2.1]}
    document["intervals"]["routes.chat.latency.ttft_s.p95"] = [0.2, 0.4]
    document["routes"]["chat"]["latency"]["ttft_s"]["p95"] = 0.3
    rows = intervals(Summary(document)).rows
    assert ("the fleet", "$ per 1M useful tokens", "$2.00", "$1.90", "$2.10", "5.0 %") in rows
    assert ("chat", "TTFT p95", "300 ms", "200 ms", "400 ms", "33.3 %") in rows


def test_without_intervals_there_is_nothing_to_say() -> None:
    document = summary()
    document["intervals"] = {}
    for part in (document["cost"], *(route["cost"] for route in document["routes"].values())):
        for value in part.values():
            if isinstance(value, dict) and "ci95" in value:
                value["ci95"] = None
    found = intervals(Summary(document))
    assert (found.rows, found.note) == ((), "")
