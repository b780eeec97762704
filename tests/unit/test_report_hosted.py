from dataclasses import asdict, replace
from datetime import date
from typing import Any

import pytest

from sim.catalog.api_prices import api_prices
from sim.report.catalog_apis import api_table, plain
from sim.report.curve_figure import curve_figure
from sim.report.headline import headline
from sim.report.hosted_answers import answer, break_even_table, choices_table, opening
from sim.report.hosted_figure import break_even_figure
from sim.report.hosted_tables import api_line, at_the_api
from sim.report.summary import Summary
from sim.studies.hosted_document import _break_even, _choices
from sim.studies.intervals import Interval
from sim.studies.keep_or_send import Choices, RouteChoice
from tests.unit.break_even_fixture import found
from tests.unit.summary_fixture import summary

API = {
    "provider": "openai", "model": "gpt-5-mini", "requests": 100.0, "tokens": 2e6,
    "cached_share": 0.25, "usd": 4.0, "usd_per_million_useful_tokens": 2.0,
    "cache_write_usd": 0.0,
}  # fmt: skip
HOSTED: dict[str, Any] = {
    "usd": 10.0, "usd_per_month": 300.0, "usd_per_million_useful_tokens": 2.5,
    "tokens_usd": 8.0, "remaining_usd": 2.0, "arrived_usd": 11.0, "factor": 0.4,
    "by_route": {"chat": API, "summaries": {**API, "model": "gpt-5"}},
    "missing": [], "source": "openai.com, via x", "as_of": "2026-11-24",
}  # fmt: skip


def told(**changes: Any) -> Summary:
    document = {**summary(), "hosted": {**HOSTED, **changes}}
    document["intervals"] = {**document["intervals"], "hosted.factor": [0.3, 0.5]}
    return Summary(document)


def answers(verdict: str = "from") -> Summary:
    return Summary({**summary(), "break_even": _break_even(found(verdict))})


def test_the_table_prices_every_route_what_remains_and_all() -> None:
    shown = at_the_api(told())
    assert [row[0] for row in shown.rows] == ["chat", "summaries", "what remains (people)", "all"]
    assert shown.rows[0][1:6] == ("openai gpt-5-mini", "100", "25.0 %", "$4.00", "$2.00")
    assert shown.rows[-1][4:6] == ("$10.00", "$2.50")
    assert "all that arrived: $11.00" in shown.note
    assert "Prices: openai.com, via x, as of 2026-11-24." in shown.note


def test_half_a_comparison_says_so_and_compares_no_totals() -> None:
    half = told(missing=["summaries"], factor=None, by_route={"chat": API})
    shown = at_the_api(half)
    assert shown.rows[-1][-1] == ""
    assert "No API is named for summaries." in shown.note
    assert "this fleet" not in shown.note.partition("A month:")[2]
    line = api_line(half)
    assert line is not None
    assert "of routes that have one" in line[1]


def test_without_an_api_there_is_no_table_and_no_line() -> None:
    plain_run = Summary(summary())
    assert at_the_api(plain_run).rows == ()
    assert headline(plain_run).hosted is None


def test_the_headline_has_the_apis_price_with_its_interval() -> None:
    assert headline(told()).hosted == (
        "$2.50",
        "the same traffic at the API (2 models; "
        "the real price is 0.400 times that, 0.300 to 0.500)",
    )


def test_the_curve_has_the_apis_line() -> None:
    points = [{"scale": 1.0, "utilization": 0.4, "usd_per_million": 1.0}]
    assert b"the same traffic at the API: $2.50" in (curve_figure(told(), points) or b"")
    assert b"at the API" not in (curve_figure(Summary(summary()), points) or b"")


def test_the_answer_says_from_where_on_and_how_sure_that_is() -> None:
    text = " ".join(answer(answers().part_of("break_even")))
    assert "Today's fleet costs $130.00 a month, resized $105.00." in text
    assert "From 3 x the traffic on (6.00 requests per s, 285M tokens a day)" in text
    assert "That is arithmetic: so much traffic was not simulated" in text
    seen = found()
    simulated = replace(seen, levels=tuple(replace(lv, simulated=True) for lv in seen.levels))
    known = Summary({"break_even": _break_even(simulated)}).part_of("break_even")
    assert "surely cheaper up to 1 x, the fleet surely from 4 x; between" in " ".join(answer(known))


@pytest.mark.parametrize(
    ("verdict", "text"),
    [("never", "Up to 2 x the traffic the API is cheaper"), ("always", "cheaper at every level")],
)
def test_never_and_always_are_said(verdict: str, text: str) -> None:
    assert text in " ".join(answer(answers(verdict).part_of("break_even")))


def test_levels_are_told_with_their_interval() -> None:
    shown = break_even_table(answers())
    assert [row[0] for row in shown.rows] == ["1 x", "2 x", "3 x", "4 x"]
    assert shown.rows[0][1:] == ("2.00", "95.0", "1.00", "$105.00", "$100.00", "$5.00 ± $1.00")
    assert "Main: no SLO, so it keeps its utilization." in shown.note


@pytest.mark.parametrize("verdict", ["from", "never", "always"])
def test_the_figure_has_both_lines_and_todays_fleet(verdict: str) -> None:
    drawn = break_even_figure(answers(verdict))
    assert drawn == break_even_figure(answers(verdict))
    for text in (
        b"the API",
        b"own fleet, resized",
        b"M useful tokens a day",
        b"today's fleet: $130",
    ):
        assert text in drawn
    assert (b"cheaper for good from" in drawn) == (verdict == "from")


def test_routes_are_told_with_their_advice() -> None:
    def choice(*names: str, saved: float) -> RouteChoice:
        interval = Interval(saved - 1, saved + 1)
        return RouteChoice(names, 10.0, None, 10.0 - saved, saved, interval, {"main": (2.0, 1.0)})

    class Whole:
        met = True

    both = Choices(Whole(), (choice("a", saved=5.0), choice("a", "b", saved=-5.0)), ())  # type: ignore[arg-type]
    shown = choices_table(Summary({"keep_or_send": _choices(both)}))
    assert shown.rows == (
        ("a", "2.00 / 1.00", "$10.00", "$5.00", "$5.00 ± $1.00", "send"),
        ("a + b", "2.00 / 1.00", "$10.00", "$15.00", "-$5.00 ± $1.00", "keep"),
    )


def test_the_opening_names_the_scenario() -> None:
    assert "hosted API or a fleet of one's own" in opening(Summary(summary()))


def test_the_catalog_lists_every_price_and_tier_with_its_age() -> None:
    today = date(2027, 6, 1)
    table, documents = api_table(today), [plain(row, today) for row in api_prices()]
    assert len(table.rows) == sum(len(document["tiers"]) for document in documents)
    assert table.rows[0] == ("openai", "gpt-5.5", "", "$5.00", "$0.500", "", "$30.00",
                             "! 2026-11-24")  # fmt: skip
    assert table.rows[1][2] == "272k"
    assert all(document["stale"] for document in documents)
    assert documents[0]["tiers"][1]["usd_per_million_output"] == 45.0
    assert asdict(api_prices()[0])["source"] == documents[0]["source"]
