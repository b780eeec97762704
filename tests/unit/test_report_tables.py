import math
from typing import Any

import pytest

from sim.report.capacity_tables import STATES, gpu_hours, utilization
from sim.report.cost_tables import bill, prices, routes_money
from sim.report.service_tables import requests, routes_speed, slo_name, slos
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


@pytest.mark.parametrize(
    ("quantile", "name"), [(0.5, "E2E p50"), (0.99, "E2E p99"), (0.999, "E2E p99.9")]
)
def test_slo_name(quantile: float, name: str) -> None:
    assert slo_name({"metric": "e2e_s", "quantile": quantile}) == name


def test_waste_names_every_cause_once() -> None:
    made = waste(Summary(summary()))
    shown = [row[0] for row in made.rows]
    assert shown == ["rejected", "timed out", "failed", "preempted", "retried"]
    assert made.note == "None: cancelled."


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
