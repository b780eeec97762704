from typing import Any

from sim.report.headline import headline, notable, warnings
from sim.report.summary import Summary
from tests.unit.summary_fixture import summary


def _notes(document: dict[str, Any]) -> dict[str, str]:
    return dict(headline(Summary(document)).notes)


def test_both_prices_their_factor_and_the_interval() -> None:
    top = headline(Summary(summary()))
    assert (top.real, top.naive, top.factor) == ("$0.770", "$0.0738", "10.4 times")
    assert top.interval == "95 % interval $0.760 to $0.780"
    assert top.subtitle == "7 days, 5 replications, seed 7"


def test_formulas_show_their_operands() -> None:
    notes = _notes(summary())
    assert notes["real"] == "$28.91 per hour / 37.6M useful tokens per hour = $0.770 per 1M"
    start = "$3.99 per replica-hour / 54.1M tokens per hour (15,020 per s, never idle) = $0.0738"
    assert notes["naive"].startswith(start)
    assert notes["1,000 requests"] == "$1.83 ($1.81 to $1.85); naive $0.175"


def test_naive_of_several_pools_has_a_formula_for_each() -> None:
    document = summary()
    document["pools"]["other"] = document["pools"]["main"]
    notes = _notes(document)
    assert notes["naive"] == "$0.0738 per 1M, the pools weighted by their tokens"
    assert notes["  main"] == notes["  other"]
    assert notes["  main"].startswith("$3.99 per replica-hour / 54.1M tokens per hour")


def test_without_any_useful_token_nothing_is_zero() -> None:
    document = summary()
    document["cost"]["usd_per_million_useful_tokens"] = {"value": None, "ci95": None}
    document["gap"] = {"naive": None, "real": None, "factor": None, "rungs": []}
    document["naive"] = dict.fromkeys(document["naive"])
    document["pools"]["main"]["naive"] = document["naive"]
    document["replications"] = 1
    document["intervals"] = {}
    top = headline(Summary(document))
    assert (top.real, top.naive, top.factor) == ("n/a", "n/a", "")
    assert top.interval == "no useful tokens"
    assert dict(top.notes)["naive"].startswith("n/a: nobody asked")


def test_why_there_is_no_interval() -> None:
    document = summary()
    document["intervals"] = {}
    document["cost"]["usd_per_million_useful_tokens"]["ci95"] = None
    assert headline(Summary(document)).interval == "the same in every replication"
    document["replications"] = 1
    assert headline(Summary(document)).interval == "no interval from one replication"


def test_goodput_of_nobody_is_said_in_words() -> None:
    document = summary()
    document["cost"]["usd_per_million_goodput_tokens"]["value"] = None
    assert _notes(document)["goodput"].startswith("n/a: no request")


def test_nulls_that_a_report_does_not_show_are_not_explained_there() -> None:
    seen = {"code": "undefined", "path": "cost.usd_per_million_useful_tokens.value", "text": "a"}
    unseen = [
        {"code": "no-hosted", "path": "hosted", "text": "b"},
        {"code": "thin-tail", "path": "routes.chat.latency.ttft_s.p99", "text": "c"},
        {"code": "undefined", "path": "routes.r.cost.usd_per_million_input_tokens", "text": "d"},
    ]
    other = {"code": "stale-price", "path": "hosted", "text": "e"}
    assert notable([seen, *unseen, other]) == [seen, other]


def test_warnings_are_said_once_with_their_places() -> None:
    rows = [{"path": f"routes.r{i}", "text": "thin"} for i in range(5)]
    rows += [{"path": "", "text": "other\x1b[31m"}, {"path": "routes.r0", "text": "thin"}]
    thin, other = warnings(rows)
    assert thin == "thin (routes.r0, routes.r1, routes.r2 and 2 more)"
    assert "\x1b" not in other
