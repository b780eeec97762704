import json
from datetime import date, timedelta

from sim.catalog.prices import prices
from sim.catalog.timings import tables
from sim.report.catalog_tables import SECTIONS, catalog_document, price_table, timing_table

TODAY = date(2026, 11, 24)


def test_every_section_has_rows() -> None:
    for makers in SECTIONS.values():
        for make in makers:
            made = make(TODAY)
            assert made.rows
            assert {len(row) for row in made.rows} == {len(made.columns)}


def test_prices_older_than_90_days_are_marked() -> None:
    row = prices()[0]
    ages = {
        days: {r[0]: r[3] for r in price_table(row.as_of + timedelta(days)).rows}[row.key]
        for days in (0, 90, 91)
    }
    assert ages == {0: "0 d", 90: "90 d", 91: "! 91 d"}
    assert "older than 90 days" in price_table(TODAY).note


def test_step_time_tables_show_their_errors() -> None:
    first = tables()[0]
    assert first.errors is not None
    row = timing_table(TODAY).rows[0]
    assert row[0] == first.model
    assert row[4] == f"{first.errors.decode.mape_pct:.1f} ({first.errors.decode.p90_pct:.1f})"


def test_document_is_json_and_complete() -> None:
    document = json.loads(json.dumps(catalog_document(SECTIONS, TODAY), allow_nan=False))
    assert set(document) == {*SECTIONS, "day_curves", "failure_rates", "repairs"}
    assert len(document["timings"]) == len(tables())
    assert document["timings"][0]["errors"]["decode"]["rows"] > 0
    price = document["prices"][0]
    assert price["age_days"] == (TODAY - date.fromisoformat(price["as_of"])).days
    assert price["stale"] is (price["age_days"] > 90)


def test_a_document_of_one_section() -> None:
    assert list(catalog_document(["hosts"], TODAY)) == ["hosts"]


def test_the_document_has_all_of_a_workload() -> None:
    rows = {row["name"]: row for row in catalog_document(["workloads"], TODAY)["workloads"]}
    planning = rows["agent-planning"]
    assert planning["assumption"] is True
    assert planning["arrivals"]["bursts"] == [{"variance": 0.038, "time_s": 1020}]
    assert planning["sessions"]["mean_turns"] == 4
    assert planning["reasoning"]
    conv = rows["azure-conv-2023"]
    assert len(conv["output_given_input"]) == 10
    assert len(conv["output_given_input"][0]) == len(conv["dependence_levels"])
    assert conv["evidence"][0] == {"figure": "gap CV", "preset": 1.1, "source": 1.09}
    assert conv["sessions"] is None
