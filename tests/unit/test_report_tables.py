import math
from typing import Any

import pytest

from sim.report.bill_table import bill
from sim.report.capacity_tables import STATES, gpu_hours, pools, utilization
from sim.report.cost_tables import prices, routes_money
from sim.report.service_tables import budgets, requests, routes_speed, slo_name, slos
from sim.report.summary import Summary
from sim.report.table import Table, table
from sim.report.tables import all_tables
from sim.report.waste_table import waste, waste_usd
from tests.unit.summary_fixture import summary


def _rows(made: Table) -> dict[str, tuple[str, ...]]:
    return {row[0]: row[1:] for row in made.rows}


def _empty() -> dict[str, Any]:
    """A summary of a run that nobody came to: every figure null or 0."""

    def nothing(value: Any) -> Any:
        if isinstance(value, dict):
            return {k: nothing(v) for k, v in value.items()}
        return [] if isinstance(value, list) else None

    document: dict[str, Any] = nothing(summary())
    document["requests"] = dict.fromkeys(document["requests"], 0)
    return document


def test_prices_per_million_and_per_thousand_requests_add_up() -> None:
    s = Summary(summary())
    parts = _rows(prices(s))
    dollars_per_1k = [
        float(parts[k][2][1:]) for k in ("input, not cached", "input, cached", "output")
    ]
    assert math.isclose(sum(dollars_per_1k), float(parts["all useful tokens"][2][1:]), rel_tol=0.01)
    assert parts["input, cached"][-1] == "-"


def test_unpriced_and_unallocated_money_is_named() -> None:
    document = summary()
    document["cost"]["unpriced_usd"] = 12.5
    assert "Unpriced: $12.50" in prices(Summary(document)).note


def test_reasoning_has_a_sentence_and_the_price_of_what_is_seen() -> None:
    document = summary()
    document["tokens"]["useful"]["reasoning"] = 1.2e8
    document["cost"]["usd_per_million_visible_output_tokens"] = 3.456
    note = prices(Summary(document)).note
    assert "Output includes 120M tokens of reasoning that nobody sees: $3.46 per 1M" in note
    assert "reasoning" not in prices(Summary(summary())).note


def test_what_went_to_an_api_is_said() -> None:
    document = summary()
    document["requests"]["hosted"] = 1234.0
    assert "A hosted API answered 1,234 requests" in prices(Summary(document)).note
    assert "2,654,590 completed (1,234 of them by a hosted API)" in requests(Summary(document))
    assert "hosted" not in prices(Summary(summary())).note


def test_routes_have_money_both_ways_and_speed() -> None:
    s = Summary(summary())
    assert _rows(routes_money(s))["chat"] == (
        "2,419,200", "4.74B", "$0.806", "$1.58", "$3,822", "$3,968"
    )  # fmt: skip
    speed = _rows(routes_speed(s))["summaries"]
    assert speed[:5] == ("338 ms", "1.07 s", "14.3 ms", "19.9 ms", "6.71 s")
    assert speed[5:] == ("0 of 1", "88.5 %")


def test_a_route_without_slo_is_not_called_met() -> None:
    document = summary()
    document["routes"]["chat"]["slo"] = []
    assert _rows(routes_speed(Summary(document)))["chat"][-2:] == ("no SLO", "-")


def test_slos_are_yes_no_or_undecided() -> None:
    document = summary()
    document["slo"][1].update(value_s=None, met=None, windows_met_share=None)
    verdicts = [row[-1] for row in slos(Summary(document)).rows]
    assert verdicts == ["yes", "undecided", "NO"]


def test_the_worst_window_of_an_slo_is_named() -> None:
    document = summary()
    document["slo"][1]["worst_window"] = None
    made = slos(Summary(document))
    assert [row[5:7] for row in made.rows] == [("4.18 s", "2d9h35m"), ("n/a", ""), ("9.60 s", "0s")]
    assert made.note == "Windows are of five minutes."
    document["slo"][1]["worst_window"] = {"start_s": 3600.0, "value_s": None}
    made = slos(Summary(document))
    assert made.rows[1][5:7] == ("silent", "1h")
    assert "none was answered" in made.note


def test_error_budgets_by_route() -> None:
    document = summary()
    rows = _rows(budgets(Summary(document)))
    assert rows["chat"] == ("2,016", "7", "20.2", "34.7 %", "98.0 %", "$0.820")
    assert rows["summaries"][:4] == ("2,016", "322", "20.2", "1597.2 %")
    document["routes"]["chat"]["slo_budget"].update(windows=0, bad=0, allowed=0.0, used=None)
    assert _rows(budgets(Summary(document)))["chat"][:4] == ("0", "0", "0", "n/a")
    del document["routes"]["chat"]["slo_budget"]
    assert list(_rows(budgets(Summary(document)))) == ["summaries"]


@pytest.mark.parametrize(
    ("quantile", "name"), [(0.5, "E2E p50"), (0.99, "E2E p99"), (0.999, "E2E p99.9")]
)
def test_slo_name(quantile: float, name: str) -> None:
    assert slo_name({"metric": "e2e_s", "quantile": quantile}) == name


def test_waste_names_every_cause_once() -> None:
    made = waste(Summary(summary()))
    shown = [row[0] for row in made.rows]
    assert shown == ["rejected", "timed out", "failed", "preempted", "retried"]
    assert made.note == "None: cancelled, escalated, not useful."


def test_tokens_of_health_checks_are_waste_with_a_name_and_a_price() -> None:
    document = summary()
    route = document["routes"]["chat"]
    for place in (document, route):
        place["tokens"]["wasted"]["not_useful"] = {"input": 5e6, "output": 100.0}
    row = _rows(waste(Summary(document)))["not useful"]
    assert row[:3] == ("-", "5.00M", "100")
    assert row[3].startswith("$")
    assert "health checks" in row[4]


def test_tokens_of_a_hosted_api_were_not_computed_beside_the_waste() -> None:
    document = summary()
    document["routes"].pop("summaries")
    route = document["routes"]["chat"]
    route["tokens"]["useful"].update(input=1900.0, cached_input=150.0, output=100.0)
    route["tokens"]["hosted"] = {"input": 1000.0, "cached_input": 50.0, "output": 0.0}
    route["tokens"]["wasted"] = {"failed": {"input": 200.0, "output": 0.0}}
    route["cost"]["components_usd"]["prefill"] = 10.0  # for 800 useful and 200 wasted tokens
    assert waste_usd(Summary(document), "failed") == pytest.approx(10.0 * 200 / 1000)


def test_waste_dollars_are_the_causes_part_of_what_was_paid_for_the_tokens() -> None:
    document = summary()
    document["routes"].pop("summaries")
    route = document["routes"]["chat"]
    route["tokens"]["useful"].update(input=900.0, cached_input=100.0, output=100.0)
    route["tokens"]["wasted"] = {"failed": {"input": 200.0, "output": 0.0}}
    route["cost"]["components_usd"]["prefill"] = 10.0  # for 800 useful and 200 wasted tokens
    assert waste_usd(Summary(document), "failed") == pytest.approx(10.0 * 200 / 1000)


def test_waste_without_a_price_is_not_free() -> None:
    document = summary()
    document["routes"]["chat"]["cost"]["components_usd"]["prefill"] = None
    assert _rows(waste(Summary(document)))["timed out"][3] == "n/a"


def test_gpu_hours_show_states_that_took_time_and_sum_to_paid() -> None:
    made = gpu_hours(Summary(summary()))
    assert [row[0] for row in made.rows][-1] == "paid"
    assert made.note == "None: draining, unplaced, commitment."
    assert len(made.rows) - 1 + 3 == len(STATES)


def test_slack_below_zero_is_shown() -> None:
    document = summary()
    document["gpu_hours"]["slack"] = -1.5
    assert _rows(gpu_hours(Summary(document)))["slack"][0] == "-1.50 h"


def test_time_that_came_of_rounding_is_none() -> None:
    document = summary()
    document["gpu_hours"]["idle"] = -1e-13
    made = gpu_hours(Summary(document))
    assert "idle" in made.note
    assert "idle" not in _rows(made)


def test_pools_have_their_mean_replicas() -> None:
    made = pools(Summary(summary()))
    assert _rows(made)["main"] == ("4.00", "3.96", "97.4 %", "17.4 %", "11.2 %", "672 h", "$4,857")


def test_a_pool_whose_replicas_are_always_ready_needs_no_table_of_its_own() -> None:
    document = summary()
    document["pools"]["main"]["gpu_hours"].update(starting=0.0, draining=0.0, failed=0.0)
    assert not pools(Summary(document)).rows
    assert "Pools" not in [made.title for made in all_tables(Summary(document))]
    document["pools"]["other"] = document["pools"]["main"]
    assert list(_rows(pools(Summary(document)))) == ["main", "other"]


def test_utilization_above_one_is_explained() -> None:
    document = summary()
    document["utilization"]["benchmark"] = 1.2
    assert "prefix cache" in utilization(Summary(document)).note
    assert not utilization(Summary(summary())).note


def test_bill_lines_have_month_and_million() -> None:
    rows = _rows(bill(Summary(summary())))
    assert rows["engineering"] == ("people", "0.230 months", "$9,000", "$2,071", "$9,000", "$0.328")
    assert rows["total"][-3:] == ("$4,857", "$21,103", "$0.770")


def test_requests_in_one_line() -> None:
    assert "4,105 rejected" in requests(Summary(summary()))
    assert requests(Summary(summary())).endswith("They took 2,661,642 attempts.")
    assert requests(Summary(_empty())) == "0 requests arrived: 0 completed."


def test_a_run_that_nobody_came_to_has_no_zero_and_no_nan() -> None:
    cells = [cell for made in all_tables(Summary(_empty())) for row in made.rows for cell in row]
    assert "n/a" in cells
    assert not any("nan" in cell.lower() for cell in cells)


def test_cells_cannot_carry_control_characters() -> None:
    document = summary()
    document["bill"]["lines"][1]["line"] = "evil\x1b[2J\u202ename"
    document["routes"] = {"a\x1b[31m": document["routes"]["chat"]}
    text = "".join(c for made in all_tables(Summary(document)) for row in made.rows for c in row)
    assert "\x1b" not in text
    assert "\u202e" not in text


def test_heads_of_text_begin_with_a_mark() -> None:
    made = table("T", ["<name", "n"], [("a", "1")])
    assert [(c.head, c.is_text) for c in made.columns] == [("name", True), ("n", False)]
